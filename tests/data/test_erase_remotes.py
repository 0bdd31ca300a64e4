"""Rows that are erased leave remotes too, and nobody brings them back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import NotFoundError, RefusedError
from nbmlops.render.dispatch import html, text
from nbmlops.store import erasures
from tests.data.conftest import Make
from tests.data.test_erase import MARKER, digests_of, filled, flights, places_of, without


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text(f"tail = '{MARKER}'\n", encoding="utf-8")
    return path


def test_a_marker_in_five_versions_two_datasets_and_a_remote_is_nowhere_afterwards(
    make: Make, condition: Path, tmp_path: Path
) -> None:
    ann, remote = make("ann"), tmp_path / "remote"
    tables = filled(ann)
    with ann.run("join", params={"who": MARKER}):
        ann.data.save(ann.data.load("t@v1").assign(more=1), "joined", message=MARKER)
    ann.data.push()
    assert len(places_of(MARKER, remote)) > 5
    planned = ann.data.erase("t", "u", "joined", where_file=condition, dry_run=True)
    assert "the remote origin would be purged too" in text(planned)
    done = ann.data.erase("t", "u", "joined", where_file=condition, yes=True)
    assert (done.state, [(one.name, one.done, one.unknown) for one in done.remotes]) == ("done", [("origin", True, ())])
    assert done.remotes[0].freed > 0
    assert places_of(MARKER, ann.marker.root) == []
    assert places_of(MARKER, remote) == []
    assert "the remote origin was purged" in text(done, detail=True)
    again = ann.data.push()
    assert (again.records, again.bytes_sent) == (0, 0)
    ben = make("ben")
    ben.data.pull()
    for ref, table in tables.items():
        if ref != "t@v2":  # it is deleted, so it was not pushed
            expected = table if ref.startswith(("near", "far")) else without(table, anew=ref in {"t@v1", "u@v1"})
            pd.testing.assert_frame_equal(ben.data.load(ref), expected)
    (run,) = ben.run.list()
    assert (run.inputs, run.outputs, run.params) == (("t@v1",), ("joined@v1",), {"who": "[erased]"})
    assert ben.store.verify(full=True).ok
    assert ann.doctor().ok
    events = [event for event in ann.audit.events() if event.action == "data.erase.remote"]
    assert [event.subject for event in events] == ["origin"]


def test_a_reference_by_an_old_digest_pulls_the_successor(make: Make, condition: Path) -> None:
    ann = make("ann")
    ann.data.save(flights(), "t")
    old = digests_of(ann)["t@v1"]
    ann.data.push()
    ann.data.erase("t", where_file=condition, yes=True)
    ben = make("ben")
    (ben.marker.root / "nbmlops.lock").write_text((ann.marker.root / "nbmlops.lock").read_text())
    (taken,) = ben.data.pull(f"t@{old}").versions
    assert taken.digest == digests_of(ann)["t@v1"]
    assert ben.data.show(f"t@{old[:12]}").ref == "t@v1"
    lock = ben.marker.root / "nbmlops.lock"
    lock.write_text(lock.read_text().replace(digests_of(ann)["t@v1"], old))  # as in an old commit
    assert [one.here for one in ben.data.pull("t", locked=True).versions] == ["t@v1"]
    pd.testing.assert_frame_equal(ben.data.load("t", locked=True), without(flights(), anew=True))


def test_who_has_the_rows_still_is_told_and_cannot_push_them_back(make: Make, condition: Path, tmp_path: Path) -> None:
    ann, ben, remote = make("ann"), make("ben"), tmp_path / "remote"
    frame = flights()
    ann.data.save(frame, "t")
    ann.data.push()
    ben.data.pull()
    ben.data.save(ben.data.load("t").sort_values("delay"), "sorted")
    ben.data.save(pd.DataFrame({"a": [1]}), "other")
    ann.data.erase("t", where_file=condition, yes=True)
    with pytest.raises(RefusedError, match="t@v1 holds rows that were erased from origin"):
        ben.data.push("t")
    pushed = ben.data.push()
    assert (pushed.versions, set(pushed.erased)) == (("other@v1",), {"t@v1", "sorted@v1"})
    assert "`nbmlops data erase t`" in text(pushed)
    assert places_of(MARKER, remote) == []
    pulled = ben.data.pull()
    assert [one.partition("@")[0] for one in pulled.erased] == ["t"]
    assert "erase them here too" in html(pulled)
    pd.testing.assert_frame_equal(ben.data.load("t@v1"), frame)
    done = ben.data.erase("t", "sorted", where_file=condition, yes=True)
    assert done.state == "done"
    assert places_of(MARKER, ben.marker.root) == places_of(MARKER, remote) == []
    assert ben.data.push().erased == ()
    assert ben.data.pull().erased == ()
    pd.testing.assert_frame_equal(ben.data.load("sorted"), without(frame.sort_values("delay")))


def test_a_remote_that_is_away_is_waited_for(make: Make, condition: Path, tmp_path: Path) -> None:
    ann, remote, away = make("ann"), tmp_path / "remote", tmp_path / "away"
    ann.data.save(flights(), "t", message=MARKER)
    ann.data.push()
    remote.rename(away)
    done = ann.data.erase("t", where_file=condition, yes=True)
    assert (done.state, done.ok) == ("pending", False)
    assert "there is no folder" in done.remotes[0].why
    assert "data erase --resume" in text(done)
    assert places_of(MARKER, ann.marker.root) == []
    assert (ann.status().unfinished, ann.doctor().ok) == (("t",), False)
    assert "origin: there is no folder" in text(ann.doctor(), detail=True)
    assert ann.data.erase(resume=True).state == "pending"
    away.rename(remote)
    resumed = ann.data.erase(resume=True)
    assert (resumed.state, resumed.remotes[0].done) == ("done", True)
    assert places_of(MARKER, remote) == []
    assert (erasures.unfinished(ann.catalog), ann.doctor().ok) == ([], True)
    with pytest.raises(NotFoundError, match="nothing to resume"):
        ann.data.erase(resume=True)


def test_the_next_erasure_does_what_an_earlier_one_could_not(make: Make, condition: Path, tmp_path: Path) -> None:
    ann, remote, away = make("ann"), tmp_path / "remote", tmp_path / "away"
    ann.data.save(flights(), "t")
    ann.data.push()
    remote.rename(away)
    ann.data.erase("t", where_file=condition, yes=True)
    away.rename(remote)
    again = ann.data.erase("t", where_file=condition, yes=True)
    assert (again.state, again.rows) == ("done", 0)
    assert places_of(MARKER, remote) == []
    assert erasures.unfinished(ann.catalog) == []


def test_a_place_that_the_project_does_not_name_is_purged_when_it_is_given(
    make: Make, condition: Path, tmp_path: Path
) -> None:
    ann, first, second = make("ann"), str(tmp_path / "first"), str(tmp_path / "second")
    ann.remote.remove("origin")
    ann.data.save(flights(), "t")
    for place in (first, second):
        ann.data.push(to=place)
    done = ann.data.erase("t", where_file=condition, yes=True, remotes=[first])
    assert [one.name for one in done.remotes] == [first]
    assert places_of(MARKER, Path(first)) == []
    assert places_of(MARKER, Path(second)) != []
    assert ann.data.erase(resume=True, remotes=[second]).state == "done"
    assert places_of(MARKER, Path(second)) == []
    with pytest.raises(NotFoundError, match="no remote named"):
        ann.data.erase("t", where_file=condition, yes=True, remotes=["nowhere"])


def test_what_others_pushed_is_fetched_and_what_they_made_of_it_is_told(
    make: Make, condition: Path, tmp_path: Path
) -> None:
    ann, ben, remote = make("ann"), make("ben"), tmp_path / "remote"
    frame = flights()
    ann.data.save(frame, "t")
    ann.data.push()
    ben.data.pull()
    ben.data.save(ben.data.load("t")[frame["delay"] < 0], "few", message=f"of {MARKER}")
    other = flights(3_000)
    ben.data.save(other, "t")
    ben.data.push()
    planned = ann.data.erase("t", where_file=condition, dry_run=True)
    assert planned.remotes[0].unknown == ("t@v2",)
    assert "t@v2 be fetched and looked through" in text(planned)
    done = ann.data.erase("t", where_file=condition, yes=True)
    assert [one.ref for one in done.versions] == ["t@v1", "t@v2"]
    assert done.state == "pending"
    assert done.remotes[0].why.startswith("few@v1 there is made of erased rows")
    few = next((remote / "versions" / "data" / "few").iterdir())
    assert MARKER not in few.read_text()  # nobody knows it here, but what is said in it was searched
    ann.data.pull("few")
    assert ann.data.erase("t", "few", where_file=condition, yes=True).state == "done"
    assert places_of(MARKER, remote) == places_of(MARKER, ann.marker.root) == []
    cid = make("cid")
    cid.data.pull()
    expected = without(frame[frame["delay"] < 0])
    pd.testing.assert_frame_equal(cid.data.load("few"), expected)
    pd.testing.assert_frame_equal(cid.data.load("t"), without(other, anew=True))


def test_what_was_freed_here_goes_from_the_remote_and_stays_deleted(
    make: Make, condition: Path, tmp_path: Path
) -> None:
    ann, remote = make("ann"), tmp_path / "remote"
    ann.data.save(flights(), "t")
    ann.data.save(flights(3_000), "t")
    ann.data.push()
    ann.data.delete("t@v1")
    assert ann.store.gc(grace="0").bytes > 0
    done = ann.data.erase("t", where_file=condition, yes=True)
    assert (done.state, [one.ref for one in done.versions]) == ("done", ["t@v1", "t@v2"])
    assert places_of(MARKER, remote) == places_of(MARKER, ann.marker.root) == []
    assert [version.ref for version in ann.data.history("t")] == ["t@v2"]
    ben = make("ben")
    ben.data.pull()
    pd.testing.assert_frame_equal(ben.data.load("t@v1"), without(flights(), anew=True))


def test_what_cannot_be_fetched_keeps_an_erasure_pending(make: Make, condition: Path, tmp_path: Path) -> None:
    ann, ben, remote = make("ann"), make("ben"), tmp_path / "remote"
    ann.data.save(flights(), "t")
    ann.data.push()
    ben.data.pull()
    ben.data.save(flights(3_000), "t")
    before = set((remote / "packs").rglob("*.pack"))
    ben.data.push()
    new = {path: path.read_bytes() for path in set((remote / "packs").rglob("*.pack")) - before}
    assert new
    for path in new:
        path.unlink()
    done = ann.data.erase("t", where_file=condition, yes=True)
    assert done.state == "pending"
    assert "t@v2 there is not here, and may hold such rows" in done.remotes[0].why
    assert "data pull t@v2 --from origin" in text(done, detail=True)
    assert places_of(MARKER, ann.marker.root) == []
    for path, content in new.items():
        path.write_bytes(content)
    assert ann.data.erase("t", where_file=condition, yes=True).state == "done"
    assert places_of(MARKER, remote) == []


def test_what_is_not_erased_stays_there_to_the_byte(make: Make, condition: Path, tmp_path: Path) -> None:
    ann = make("ann")
    frame = flights()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("a")
    ann.data.save(frame, "t")
    ann.data.save(frame, "same")
    ann.data.save(tmp_path / "files", "files")
    ann.data.push()
    done = ann.data.erase("t", where_file=condition, yes=True)
    assert [(one.ref, one.state) for one in done.descendants] == [("same@v1", "holds")]
    ben = make("ben")
    ben.data.pull()
    pd.testing.assert_frame_equal(ben.data.load("same"), frame)
    assert (Path(ben.data.load("files")) / "a.txt").read_text() == "a"
    assert ben.store.verify(full=True).ok


def test_a_version_that_was_renamed_since_it_was_pushed_is_found_there(
    make: Make, condition: Path, tmp_path: Path
) -> None:
    ann = make("ann")
    ann.data.save(flights(), "old_name")
    ann.data.push()
    ann.data.rename("old_name", "t")
    assert ann.data.erase("t", where_file=condition, yes=True).state == "done"
    assert places_of(MARKER, tmp_path / "remote") == []
