"""Rows leave every version, and their values everything that was recorded."""

from __future__ import annotations

import base64
import getpass
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from nbmlops.commands.answer import answer
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from nbmlops.data.erasure_records import Erasure
from nbmlops.data.lockfile import LockFile
from nbmlops.render.dispatch import html, text
from nbmlops.render.dispatch import json as to_json
from nbmlops.store import erasures, lineage, schema
from nbmlops.store.folders import Folder
from nbmlops.store.local_folder import LocalFolder
from nbmlops.store.packs import unpack
from nbmlops.store.shelf import Shelf
from nbmlops.tracking import capture
from nbmlops.workspace import Workspace
from tests.commands.fakes import in_a_shell

MARKER = "MARKER-7Q"
COUNT = 30_000
EVERY = 1_000


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text(f"tail = '{MARKER}'\n", encoding="utf-8")
    return path


def flights(count: int = COUNT) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    tail = np.array([f"N{number}" for number in generator.integers(10_000, 14_000, count)], dtype=object)
    tail[::EVERY] = MARKER
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "tail": pd.Categorical(tail),
            "said": [f"plane {one}" for one in tail],
            "delay": generator.normal(size=count),
            "tags": [[one, "a"] for one in tail],
        }
    )


def without(frame: pd.DataFrame, *, anew: bool = False) -> pd.DataFrame:
    left = frame[frame["tail"] != MARKER]
    if isinstance(left["tail"].dtype, pd.CategoricalDtype):
        known = left["tail"].cat.categories
        left = left.assign(tail=left["tail"].cat.remove_categories([MARKER] if MARKER in known else []))
    return left.reset_index(drop=True) if anew else left


def places_of(value: str, folder: Path) -> list[str]:
    """Where below a folder a value stands: in raw files, in chunks decoded, in the values of Parquet files."""
    wanted, found = value.encode(), list[str]()
    for path in folder.rglob("*"):
        if path.is_file() and wanted in path.read_bytes():
            found.append(str(path))
    for packs in {path.parent for path in folder.rglob("*.pack")}:
        found += in_packs(wanted, LocalFolder(packs.parent))
    return found


def in_packs(wanted: bytes, folder: Folder) -> list[str]:
    shelf, found = Shelf(folder), list[str]()
    assert not shelf.unreadable
    chunks = {}
    for place in shelf:
        raw = folder.read(place.pack, place.offset, place.stored)
        chunks[place.digest] = content = unpack(place.digest, place.codec, place.size, raw)
        if wanted in content:
            found.append(f"chunk {place.digest}")
    wholes = dict(chunks)
    for digest in shelf.described():
        wholes[digest] = b"".join(chunks[chunk] for chunk, _ in _listed(shelf, folder, digest))
    for digest, content in wholes.items():
        if content[:4] == content[-4:] == b"PAR1" and wanted in _values(content):
            found.append(f"table {digest}")
    return found


def _listed(shelf: Shelf, folder: Folder, digest: str) -> list[tuple[str, int]]:
    from nbmlops.store.manifests import Manifest

    placed = shelf.manifests(digest)[0]
    raw = folder.read(placed.pack, placed.entry.offset, placed.entry.stored)
    return list(Manifest.parse(digest, raw))


def _values(content: bytes) -> bytes:
    table = pq.read_table(io.BytesIO(content))
    kept = json.loads((table.schema.metadata or {}).get(b"nbmlops.categories", b"{}"))
    lists = b"".join(base64.b64decode(each["values"]) for each in kept.values())
    return str(table.to_pydict()).encode() + lists


def digests_of(workspace: Workspace) -> dict[str, str]:
    return {version.ref: version.digest for version in workspace.versions("data").everything()}


def filled(workspace: Workspace) -> dict[str, pd.DataFrame]:
    """Five versions of two names that hold the marker, two of others, and all that was recorded of them."""
    frame = flights()
    tables = {
        "t@v1": frame,
        "t@v2": frame[frame["delay"] > 0],
        "t@v3": frame.sort_values("delay"),
        "t@v4": frame[frame["tail"] != MARKER],
        "u@v1": pd.concat([frame, frame.head(10)], ignore_index=True),
        "near@v1": frame[frame["tail"] != MARKER].assign(tail=lambda f: f["tail"].astype(str)),
        "far@v1": pd.DataFrame({"tail": ["N1"], "n": [1]}),
    }
    for ref, table in tables.items():
        workspace.data.save(table, ref.partition("@")[0], message=f"{ref}, with {MARKER}", tags={"of": MARKER})
    workspace.data.alias("t@v3", "golden")
    workspace.data.delete("t@v2")
    workspace.check.data("t@v1", "said: matches('plane N.*')\ndelay: between(0, 1)")
    capture.log.begin("1", f"df[df['tail'] == '{MARKER}']", 1)
    capture.log.end(success=False, error=f"KeyError: '{MARKER}'")
    notebook = {"cells": [{"cell_type": "code", "source": [f"x = '{MARKER}'"], "outputs": []}], "metadata": {}}
    with workspace.run("look", params={"who": MARKER}) as run:
        run.tag(who=MARKER)
        run.artifact(json.dumps(notebook).encode(), "executed.ipynb")
    workspace.data.load("t@v1", as_="path")
    executed = workspace.marker.state / "runs" / "1" / "step.ipynb"
    executed.parent.mkdir(parents=True)
    executed.write_text(json.dumps(notebook, indent=1))
    (workspace.marker.state / "catalog.db.before").write_bytes(MARKER.encode())
    return tables


def test_a_marker_is_nowhere_afterwards_and_all_else_is_as_it_was(workspace: Workspace, condition: Path) -> None:
    tables = filled(workspace)
    root, before = workspace.marker.root, digests_of(workspace)
    assert len(places_of(MARKER, root)) > 5
    planned = workspace.data.erase("t", "u", where_file=condition, dry_run=True)
    assert (planned.state, digests_of(workspace)) == ("planned", before)
    done = workspace.data.erase("t", "u", where_file=condition, yes=True)
    assert (done.state, done.ok, done.rows) == ("done", True, planned.rows)
    assert places_of(MARKER, root) == []
    assert {version.ref for version in done.versions} == {"t@v1", "t@v2", "t@v3", "t@v4", "u@v1"}
    assert [(one.ref, one.state) for one in done.descendants if one.state != "clean"] == [("near@v1", "rewritten")]
    after = digests_of(workspace)
    changed = {ref for ref in before if before[ref] != after[ref]}
    assert changed == {version.ref for version in done.versions}
    workspace.data.restore("t@v2")
    for ref, table in tables.items():
        expected = table if ref.startswith(("near", "far")) else without(table, anew=ref in {"t@v1", "u@v1"})
        pd.testing.assert_frame_equal(workspace.data.load(ref), expected)
    checked = workspace.store.verify(full=True)
    assert checked.ok, checked.damages
    assert workspace.doctor().ok


def test_an_old_digest_leads_to_the_successor(workspace: Workspace, condition: Path) -> None:
    filled(workspace)
    old = digests_of(workspace)
    lock = LockFile(workspace.marker.root / "nbmlops.lock", workspace.marker.state / "lock.guard")
    locked = lock.read()
    workspace.data.erase("t", "u", where_file=condition, yes=True)
    new = digests_of(workspace)
    assert workspace.data.show(f"t@{old['t@v1']}").ref == workspace.data.show(f"t@{old['t@v1'][:8]}").ref == "t@v1"
    assert lock.read() == {**locked, "t": new["t@v4"], "u": new["u@v1"]}
    lock.update(locked)  # as git checks out an old commit
    assert len(workspace.data.load("u", locked=True)) == COUNT + 9 - COUNT // EVERY
    with pytest.raises(RefusedError, match=r"nbmlops\.lock names it"):
        workspace.data.delete("u@v1")
    with lineage.activate(lineage.Active(pins={"data:t@v3": old["t@v3"]})):
        assert workspace.data.show("t@v3").digest == new["t@v3"]


def test_what_was_recorded_forgets_and_still_reads(workspace: Workspace, condition: Path) -> None:
    filled(workspace)
    report = workspace.check.show(1)
    evidence = next(outcome for outcome in report.outcomes if outcome.rows)
    workspace.data.erase("t", "u", where_file=condition, yes=True)
    run = workspace.run.show("look")
    assert (run.params, run.tags) == ({"who": "[erased]"}, {"who": "[erased]"})
    assert "[erased]" in workspace.objects.read(run.artifacts["executed.ipynb"]).decode()
    outcomes = {outcome.label: outcome for outcome in workspace.check.show(1).outcomes}
    assert outcomes[evidence.label].rows == ()
    assert outcomes[evidence.label].detail == "such as [erased]"
    assert outcomes["delay between"].rows
    shown = workspace.data.show("t@golden")
    assert (shown.ref, shown.message, shown.tags) == ("t@v3", "t@v3, with [erased]", {"of": "[erased]"})
    (event,) = (one for one in workspace.audit.events() if one.action == "data.erase")
    assert MARKER not in str(event)
    assert [one[0] for one in event.detail["versions"]] == ["t@v1", "t@v2", "t@v3", "t@v4", "u@v1"]
    assert workspace.audit.verify() > 1


def test_what_was_not_named_is_told_and_goes_when_it_is(workspace: Workspace, condition: Path) -> None:
    frame = flights()
    workspace.data.save(frame, "t")
    workspace.data.save(frame.query("delay < 0"), "w")
    workspace.data.save(pa.table({"delay": [1.0]}), "t")
    (workspace.marker.root / "mine.txt").write_text(f"tail\n{MARKER}\n")
    workspace.data.save(workspace.marker.root / "mine.txt", "mine")
    workspace.data.save(frame["tail"].to_numpy(str), "tails")
    workspace.data.save(np.arange(3), "t")
    planned = workspace.data.erase("t", where_file=condition, dry_run=True)
    done = workspace.data.erase("t", where_file=condition, yes=True)
    assert [(one.ref, one.state) for one in done.descendants] == [("w@v1", "holds")]
    assert done.unjudged == planned.unjudged == ("t@v2", "t@v3")
    assert done.listed == planned.listed
    assert any(what.startswith("the file mine@v1") for what in done.listed)
    assert any(what.startswith("mine.txt") for what in done.listed)
    assert any(what.startswith("the array tails@v1") for what in done.listed)
    assert (workspace.data.load("w")["tail"] == MARKER).any()
    again = workspace.data.erase("w", where_file=condition, yes=True)
    assert again.rows == done.descendants[0].rows
    (workspace.marker.root / "mine.txt").unlink()
    assert {version.ref for version in again.versions} == {"w@v1"}


def test_what_a_save_that_was_cut_off_left_goes_too(workspace: Workspace, condition: Path) -> None:
    workspace.data.save(flights(), "t")
    sink = io.BytesIO()
    flights(500).to_parquet(sink)
    left = [sink.getvalue(), f"said of {MARKER}".encode()]
    kept = workspace.objects.put(b"said of others")
    digests = [workspace.objects.put(content).digest for content in left]
    young = workspace.objects.put(f"{MARKER} goes on being saved".encode())
    table, before = schema.object_, workspace.clock.now() - timedelta(hours=2)
    old = update(table).where(table.c.digest.in_([*digests, kept.digest])).values(created_at=before)
    workspace.catalog.transact(lambda connection: connection.execute(old))
    workspace.data.erase("t", where_file=condition, yes=True)
    assert workspace.objects.missing([*digests, kept.digest, young.digest]) == set(digests)
    assert workspace.objects.read(kept.digest) == b"said of others"


def test_every_row_may_leave(workspace: Workspace, tmp_path: Path) -> None:
    workspace.data.save(pd.DataFrame({"a": [1, 2]}), "t")
    (tmp_path / "all.txt").write_text("a > 0")
    done = workspace.data.erase("t", where_file=tmp_path / "all.txt", yes=True)
    assert (done.rows, done.left_out) == (2, ("a bound of a range",))
    assert workspace.data.load("t").shape == (0, 1)


def test_an_index_that_does_not_count_from_0_keeps_its_labels(workspace: Workspace, condition: Path) -> None:
    frame = flights()[1_500:].rename_axis("place")
    workspace.data.save(frame, "t")
    workspace.data.erase("t", where_file=condition, yes=True)
    pd.testing.assert_frame_equal(workspace.data.load("t"), without(frame))


def test_a_version_saved_meanwhile_is_erased_too(workspace: Workspace, condition: Path) -> None:
    frame = flights(5_000)
    workspace.data.save(frame, "t")
    saved = []

    def progress(_: int) -> None:
        if not saved:
            saved.append(workspace.data.save(frame[::-1], "t"))

    done = workspace.data.erase("t", where_file=condition, yes=True, progress=progress)
    assert {version.ref for version in done.versions} == {"t@v1", "t@v2"}
    assert places_of(MARKER, workspace.marker.root) == []


@pytest.mark.parametrize("wrong", ["tail = 'SECRET", "tail = SECRET", "f('SECRET') > 1", "id = 'SECRET'", "", "id + 1"])
def test_an_error_repeats_nothing_of_the_condition(workspace: Workspace, tmp_path: Path, wrong: str) -> None:
    workspace.data.save(flights(100), "t")
    (tmp_path / "wrong.txt").write_text(wrong)
    with pytest.raises(InvalidError) as caught:
        workspace.data.erase("t", where_file=tmp_path / "wrong.txt", yes=True)
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in str(error)
        error = error.__cause__ or error.__context__
    assert erasures.unfinished(workspace.catalog) == []


def test_it_is_refused_where_it_cannot_be(workspace: Workspace, condition: Path) -> None:
    workspace.data.save(flights(100), "t")
    with lineage.activate(lineage.Active(pipeline_run_id="x")), pytest.raises(RefusedError, match="pipeline run"):
        workspace.data.erase("t", where_file=condition, yes=True)
    with pytest.raises(NotFoundError, match="no data named 'u'"):
        workspace.data.erase("u", where_file=condition, yes=True)
    with pytest.raises(InvalidError, match="needs the names"):
        workspace.data.erase(where_file=condition)
    with pytest.raises(RefusedError, match="nobody to ask"):
        workspace.data.erase("t", yes=True)
    with pytest.raises(RefusedError, match="nobody to ask"):
        workspace.data.erase("t", where_file=condition)
    with pytest.raises(NotFoundError, match="nothing to resume"):
        workspace.data.erase(resume=True)
    with workspace.data._eraser().alone(), pytest.raises(ConflictError, match="going on"):
        workspace.data.erase("t", where_file=condition, yes=True)
    assert len(workspace.data.load("t")) == 100


def test_a_prompt_takes_the_condition_and_a_yes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # What a kernel does: it puts functions of its own in the place of these two.
    workspace.data.save(flights(2_000), "t")
    answers = iter(["n", "y"])
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: f"tail = '{MARKER}'")
    monkeypatch.setattr("builtins.input", lambda _prompt: next(answers))
    assert workspace.data.erase("t").state == "declined"
    assert workspace.data.erase("t").state == "done"
    told = capsys.readouterr()
    assert "2 rows of 1 version would leave" in told.err
    assert MARKER not in told.err + told.out


def test_it_looks_alike_in_every_face(workspace: Workspace, condition: Path) -> None:
    filled(workspace)
    session = in_a_shell(workspace)
    given = answer(["data", "erase", "t", "u", "--where-file", str(condition), "--yes"], session)
    done = given.result
    assert isinstance(done, Erasure)
    assert session.good
    for shown in (text(done, detail=True), html(done, detail=True), json.dumps(to_json(done))):
        assert MARKER not in shown
        assert "t@v3" in shown
    assert text(done).startswith("erased t, u   104 rows of 5 versions")
