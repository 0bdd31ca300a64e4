"""Versions go from one workspace to another by a remote, with their lineage, and old commits find their data."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import (
    AmbiguousError,
    CorruptError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from nbmlops.store import lineage
from nbmlops.store.lineage import Active
from nbmlops.workspace import Workspace
from tests.data.conftest import Make


def frame(seed: int, rows: int = 2_000) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {"id": range(rows), "x": generator.normal(size=rows), "word": [f"w{i % 9}" for i in range(rows)]}
    )


def test_a_version_goes_there_and_comes_back_with_all_that_is_known_of_it(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    saved = ann.data.save(frame(0), "flights", message="January", tags={"region": "NYC"}, alias="golden")
    pushed = ann.data.push()
    assert pushed.versions == ("flights@v1",)
    assert pushed.records == 1
    pulled = ben.data.pull("flights")
    assert [(one.there, one.here, one.state) for one in pulled.versions] == [("flights@v1", "flights@v1", "new")]
    here = ben.data.show("flights")
    same = ("ref", "digest", "message", "author", "created_at", "columns", "rows", "tags")
    assert [getattr(here, name) for name in same] == [getattr(saved, name) for name in same]
    assert here.aliases == ()
    pd.testing.assert_frame_equal(ben.data.load("flights"), frame(0))


def test_doing_it_again_does_nothing(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    ann.data.save(frame(0), "flights")
    ann.data.push()
    again = ann.data.push()
    assert (again.records, again.bytes_sent) == (0, 0)
    ben.data.pull()
    second = ben.data.pull()
    assert ([one.state for one in second.versions], second.bytes_sent) == (["here"], 0)
    assert len(ben.data.history("flights")) == 1
    back = ben.data.push()
    assert (back.records, back.bytes_sent) == (0, 0)


def test_only_what_is_missing_travels(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    first = ann.data.save(frame(0, 100_000), "flights")
    ann.data.push()
    ben.data.pull()
    longer = pd.concat([frame(0, 100_000), frame(1, 100)], ignore_index=True)
    ann.data.save(longer, "flights")
    assert ann.data.push().bytes_sent < first.new_bytes / 2
    assert ben.data.pull("flights").bytes_sent < first.new_bytes / 2
    pd.testing.assert_frame_equal(ben.data.load("flights"), longer)


def test_folders_files_and_recipes_travel_whole(make: Make, tmp_path: Path) -> None:
    ann, ben = make("ann"), make("ben")
    (tmp_path / "pictures" / "deep").mkdir(parents=True)
    for number in range(20):
        (tmp_path / "pictures" / "deep" / f"{number}.txt").write_text(f"picture {number}")
    (tmp_path / "notes.txt").write_text("notes")
    ann.data.save(tmp_path / "pictures", "pictures")
    ann.data.save(tmp_path / "notes.txt", "notes")
    big = frame(0, 50_000)
    ann.data.save(big, "flights")
    few = ann.data.load("flights").query("x > 0")
    ann.data.save(few, "few")
    ann.data.push()
    ben.data.pull("few")
    pd.testing.assert_frame_equal(ben.data.load("few"), few)
    ben.data.pull()
    assert Path(ben.data.load("notes")).read_text() == "notes"
    assert (Path(ben.data.load("pictures")) / "deep" / "7.txt").read_text() == "picture 7"
    assert ben.store.verify(full=True).ok


def test_a_number_that_is_taken_by_other_content_is_given_anew_and_said(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    ann.data.save(frame(0), "flights")
    ben.data.save(frame(1), "flights")
    ann.data.push()
    (taken,) = ben.data.pull("flights@v1").versions
    assert (taken.there, taken.here) == ("flights@v1", "flights@v2")
    pd.testing.assert_frame_equal(ben.data.load("flights@v2"), frame(0))
    pd.testing.assert_frame_equal(ben.data.load("flights@v1"), frame(1))
    (again,) = ben.data.pull("flights@v1").versions
    assert (again.here, again.state) == ("flights@v2", "here")
    ben.data.push()
    with pytest.raises(AmbiguousError, match="flights@v1 means 2 versions there"):
        ann.data.pull("flights@v1")
    ann.data.pull()
    assert len(ann.data.history("flights")) == 2


def test_what_was_saved_again_after_other_content_is_the_newest_there_too(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    for seed in (0, 1, 0):
        ann.data.save(frame(seed), "flights")
    ann.data.push()
    ben.data.pull()
    assert [one.ref for one in ben.data.history("flights")] == ["flights@v3", "flights@v2", "flights@v1"]
    pd.testing.assert_frame_equal(ben.data.load("flights"), frame(0))


def test_lineage_comes_along_and_what_only_is_known_says_how_to_get_it(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    raw = ann.data.save(frame(0), "raw")
    with ann.run("clean", params={"factor": 2}, tags={"why": "test"}) as run:
        loaded = ann.data.load("raw")
        clean = ann.data.save(loaded.assign(x=loaded.x * 3.7 + 1), "clean")
        run.log(rows=len(loaded))
    ann.data.push("clean")
    pulled = ben.data.pull("clean")
    assert (len(pulled.versions), pulled.lineage) == (1, 1)
    (told,) = ben.run.list()
    assert (told.id, told.name, told.params["factor"], told.metrics["rows"]) == (run.id, "clean-1", 2, 2_000)
    assert (told.inputs, told.outputs, told.status) == (("raw@v1",), ("clean@v1",), "finished")
    with pytest.raises(NotFoundError, match="raw@v1 is known here, its bytes are not") as error:
        ben.data.load("raw")
    assert "data pull raw@v1" in str(error.value.hint)
    with pytest.raises(NotFoundError, match="its bytes were not pushed"):
        ben.data.pull("raw")
    ann.data.push("raw")
    (filled,) = ben.data.pull("raw").versions
    assert (filled.here, filled.state) == ("raw@v1", "filled")
    assert ben.data.show("raw").digest == raw.digest
    pd.testing.assert_frame_equal(ben.data.load("raw"), frame(0))
    assert ben.data.show("clean").digest == clean.digest


def test_an_ancestor_never_takes_the_bare_name_from_what_is_here(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    ben.data.save(frame(9), "raw")
    for seed in (0, 1):
        ann.data.save(frame(seed), "raw")
    with ann.run("clean"):
        ann.data.save(ann.data.load("raw").head(7), "clean")
    ann.data.push("clean")
    ben.data.pull("clean")
    pd.testing.assert_frame_equal(ben.data.load("raw"), frame(9))
    ann.data.push("raw")
    (taken,) = ben.data.pull("raw").versions
    assert taken.here == "raw@v2"
    pd.testing.assert_frame_equal(ben.data.load("raw"), frame(1))


def test_a_friendly_number_of_a_run_that_is_taken_is_given_anew(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    with ben.run("clean"):
        pass
    with ann.run("clean"):
        ann.data.save(frame(0), "flights")
    ann.data.push()
    assert ben.data.pull().runs == (("clean-1", "clean-2"),)


def test_saving_what_is_only_known_makes_it_whole(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    ann.data.save(frame(0), "raw")
    with ann.run("clean"):
        ann.data.save(ann.data.load("raw").head(5), "clean")
    ann.data.push("clean")
    ben.data.pull("clean")
    assert ben.data.save(frame(0), "raw").ref == "raw@v1"
    pd.testing.assert_frame_equal(ben.data.load("raw"), frame(0))


def test_references_that_mean_nothing_there_are_said(make: Make, tmp_path: Path) -> None:
    ann, ben = make("ann"), make("ben")
    with pytest.raises(UnavailableError, match="there is no folder"):
        ben.data.pull()
    (tmp_path / "remote").mkdir()
    with pytest.raises(NotFoundError, match="holds no data"):
        ben.data.pull()
    ann.data.save(frame(0), "flights")
    ann.data.push()
    with pytest.raises(NotFoundError, match="no data named 'flihgts'") as told:
        ben.data.pull("flihgts")
    assert told.value.hint == "did you mean flights?"
    with pytest.raises(NotFoundError, match="has no flights@v7"):
        ben.data.pull("flights@v7")
    with pytest.raises(InvalidError, match="aliases do not travel") as told_too:
        ben.data.pull("flights@golden")
    assert "data pull flights@v1" in str(told_too.value.hint)
    digest = ann.data.show("flights").digest
    assert ben.data.pull(f"flights@{digest[:8]}").versions[0].digest == digest


def test_a_pull_has_no_place_in_a_pipeline_run(make: Make) -> None:
    ben = make("ben")
    with lineage.activate(Active(run_id="a" * 32, pipeline_run_id="a" * 32)), pytest.raises(RefusedError):
        ben.data.pull()


def test_what_is_deleted_here_stays_deleted(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    ann.data.save(frame(0), "flights")
    ann.data.push()
    ben.data.pull()
    ben.data.delete("flights")
    assert ben.data.pull().versions == ()
    with pytest.raises(RefusedError, match="is deleted here"):
        ben.data.pull("flights")


def test_a_table_that_is_not_what_the_record_says_is_not_added(make: Make, tmp_path: Path) -> None:
    ann, ben = make("ann"), make("ben")
    right, wrong = ann.data.save(frame(0), "flights"), ann.data.save(frame(1), "weather")
    ann.data.push()
    remote = ann.remote.open("origin")
    (filed,) = remote.records.filed("data", "flights")
    other = ann.versions("data").resolve("weather").root
    remote.records.remove(filed)
    record = {**ann_record(ann, "flights"), "root": other, "needs": [other, right.digest]}
    remote.records.write(record)
    with pytest.raises(CorruptError, match="is not"):
        ben.data.pull("flights")
    assert ben.data.list() == []
    assert wrong.digest != right.digest


def ann_record(workspace: Workspace, name: str) -> dict[str, object]:
    exchange = workspace.data.exchange
    version = workspace.versions("data").resolve(name)
    return workspace.catalog.read(lambda c: exchange._document(c, version))


def test_a_file_of_a_record_never_leaves_its_folder(make: Make, tmp_path: Path) -> None:
    ann, ben = make("ann"), make("ben")
    (tmp_path / "notes.txt").write_text("notes")
    ann.data.save(tmp_path / "notes.txt", "notes")
    ann.data.push()
    remote = ann.remote.open("origin")
    (filed,) = remote.records.filed("data", "notes")
    record = remote.records.read(filed)
    remote.records.remove(filed)
    remote.records.write({**record, "detail": {**record["detail"], "filename": "../../../evil.txt"}})
    with pytest.raises(CorruptError, match="cannot be"):
        ben.data.pull("notes")


@pytest.mark.parametrize(
    "change",
    [
        {"number": -1},
        {"digest": "z" * 64},
        {"root": "../x"},
        {"created_at": "yesterday"},
        {"detail": []},
        {"detail": {"format": "table"}},
        {"detail": {"format": "pickle"}},
        {"detail": {"format": "table", "rows": 2_000, "columns": [["id"]]}},
        {"detail": {"format": "table", "rows": 2_000, "columns": [["other", "int64", True]]}},
        {"detail": {"format": "table", "rows": 1, "columns": []}},
        {"detail": {"format": "array", "shape": 3}},
        {"detail": {"format": "table", "rows": 2_000, "columns": [], "layout": "recipe", "needs": ["../x"]}},
        {"written": [{"by": "drop table", "at": "2026-01-01T00:00:00+00:00", "read": []}]},
        {"written": [{"by": "cell:a#b", "at": "2026-01-01T00:00:00+00:00", "read": ["raw"]}]},
        {"run_id": 3},
        {"runs": [{"id": "1"}]},
        {"tags": {"a": []}},
    ],
)
def test_a_record_with_nonsense_in_it_adds_nothing(make: Make, change: dict[str, object]) -> None:
    ann, ben = make("ann"), make("ben")
    ann.data.save(frame(0), "flights")
    ann.data.push()
    remote = ann.remote.open("origin")
    (filed,) = remote.records.filed("data", "flights")
    record = remote.records.read(filed)
    remote.records.remove(filed)
    path = Path(remote.where) / filed.path
    assert not path.exists()
    remote.records.write({**record, **change})
    with pytest.raises((CorruptError, NotFoundError)):
        ben.data.pull("flights")
    assert ben.data.list() == []
    assert ben.run.list() == []


def test_what_is_told_of_an_ancestor_is_looked_at_too(make: Make) -> None:
    ann, ben = make("ann"), make("ben")
    ann.data.save(frame(0), "raw")
    with ann.run("clean"):
        ann.data.save(ann.data.load("raw").head(9), "clean")
    ann.data.push("clean")
    remote = ann.remote.open("origin")
    (filed,) = remote.records.filed("data", "raw", "lineage")
    record = remote.records.read(filed)
    remote.records.remove(filed)
    remote.records.write({**record, "detail": {"rows": "many"}}, "lineage")
    with pytest.raises(CorruptError, match="what is told of it cannot be"):
        ben.data.pull("clean")
    assert ben.data.list() == ben.run.list() == []


def test_recipes_upon_recipes_come_whole_and_arrays_files_and_folders_too(make: Make, tmp_path: Path) -> None:
    ann, ben = make("ann"), make("ben")
    steps = [frame(0, 60_000)]
    steps.append(steps[-1].sample(frac=0.95, random_state=1))
    steps.append(steps[-1].sort_values("x"))
    steps.append(steps[-1].assign(y=steps[-1].x * 2))
    for step in steps:
        ann.data.save(step, "flights")
    (tmp_path / "many").mkdir()
    for number in range(20):
        (tmp_path / "many" / f"{number}.txt").write_text(f"line {number}")
    ann.data.save(tmp_path / "many", "many")
    ann.data.save(np.arange(12).reshape(3, 4), "grid")
    layouts = [version.detail.get("layout") for version in ann.versions("data").history("flights")]
    assert layouts[:3] == ["recipe"] * 3
    ann.data.push()
    ben.data.pull("flights@v4")
    pd.testing.assert_frame_equal(ben.data.load("flights@v4"), steps[3])
    ben.data.pull()
    for number, step in enumerate(steps, 1):
        pd.testing.assert_frame_equal(ben.data.load(f"flights@v{number}"), step)
    np.testing.assert_array_equal(ben.data.load("grid"), np.arange(12).reshape(3, 4))
    ben.data.load("many", to=tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 20
    assert ben.store.verify(full=True).ok


def test_models_travel_and_a_pull_adds_no_trust(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    from nbmlops.core.errors import UntrustedError

    ann = make("ann")
    rows = frame(0)[["x"]]
    with ann.run("train"):
        ann.data.save(frame(0), "flights")
        ann.data.load("flights")
        ann.model.save(LogisticRegression().fit(rows, rows.x > 0), "delay", example=rows)
    assert ann.model.push().versions == ("delay@v1",)
    public = ann.keyring.public_key()
    monkeypatch.setenv("NBMLOPS_CONFIG", str(tmp_path / "ben-config"))
    ben = make("ben")
    pulled = ben.model.pull("delay")
    assert (pulled.versions[0].here, pulled.lineage) == ("delay@v1", 1)
    assert ben.model.show("delay").inputs == ("flights@v1",)
    with pytest.raises(UntrustedError, match="which you do not trust"):
        ben.model.load("delay")
    ben.keyring.trust_key(public, "ann")
    assert (ben.model.load("delay").predict(rows) == (rows.x > 0)).mean() > 0.9


def test_a_file_in_the_place_of_a_remote_is_said(make: Make, tmp_path: Path) -> None:
    ann = make("ann")
    ann.data.save(frame(0), "flights")
    (tmp_path / "remote").write_text("a file in the way")
    with pytest.raises(UnavailableError):
        ann.data.push()


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_an_old_commit_finds_its_data_in_a_fresh_clone(tmp_path: Path) -> None:
    first = tmp_path / "first"
    with Workspace.init(first) as ann:
        git(first, "init", "-q")
        ann.remote.add("origin", str(tmp_path / "remote"))
        ann.data.save(frame(0), "flights")
        git(first, "add", "-A")
        git(first, "commit", "-qm", "January")
        git(first, "tag", "january")
        ann.data.save(frame(1), "flights")
        git(first, "commit", "-qam", "February")
        ann.data.push()
    git(tmp_path, "clone", "-q", str(first), "second")
    second = tmp_path / "second"
    git(second, "checkout", "-q", "january")
    with Workspace.init(second) as ben:
        with pytest.raises(NotFoundError, match=r"nbmlops\.lock names flights@") as told:
            ben.data.load("flights", locked=True)
        assert "data pull flights --locked" in str(told.value.hint)
        before = (second / "nbmlops.lock").read_bytes()
        (taken,) = ben.data.pull("flights", locked=True).versions
        assert taken.here == "flights@v1"
        pd.testing.assert_frame_equal(ben.data.load("flights", locked=True), frame(0))
        git(second, "checkout", "-q", "-")
        ben.data.pull(locked=True)
        pd.testing.assert_frame_equal(ben.data.load("flights", locked=True), frame(1))
        git(second, "checkout", "-q", "january")
        assert (second / "nbmlops.lock").read_bytes() == before
        pd.testing.assert_frame_equal(ben.data.load("flights", locked=True), frame(0))
