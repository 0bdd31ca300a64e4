"""Journals: what was appended is there, half a line is not, and whose writer is gone is known by its lock."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import UnavailableError, UnsupportedError
from nbmlops.store import journal
from nbmlops.store.journal import Journal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def facts(path: Path, start: int = 0) -> list[object]:
    return [entry.fact for entry in journal.read(path, start)]


@settings(deadline=None)
@given(said=st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=6), most=st.integers(1, 200))
def test_what_was_appended_is_read_from_any_place(
    tmp_path_factory: pytest.TempPathFactory, said: list[list[object]], most: int
) -> None:
    written = Journal(tmp_path_factory.mktemp("journal") / "of")
    for fact in said:
        written.append(*fact)
    (path,) = written.files
    entries = list(journal.read(path, most=most))
    assert [entry.fact for entry in entries] == said
    for place, entry in enumerate(entries, 1):
        assert facts(path, entry.end) == said[place:]
    assert entries[-1].end == path.stat().st_size
    written.close()


def test_half_a_line_at_the_end_is_not_there_yet(tmp_path: Path) -> None:
    written = Journal(tmp_path / "journal")
    written.append("a", 1)
    written.append("b", 2)
    (path,) = written.files
    whole = path.read_bytes()
    for cut in range(1, 12):
        path.write_bytes(whole[:-cut])
        assert facts(path) == [["a", 1]]


def test_a_damaged_line_is_told_and_hides_no_other(tmp_path: Path) -> None:
    written = Journal(tmp_path / "journal")
    for number in range(3):
        written.append("fact", number)
    (path,) = written.files
    content = bytearray(path.read_bytes())
    content[content.index(b'["fact",1') + 8] ^= 1
    path.write_bytes(content)
    assert facts(path) == [["fact", 0], None, ["fact", 2]]


def test_a_journal_of_a_newer_nbmlops_is_refused(tmp_path: Path) -> None:
    written = Journal(tmp_path / "journal")
    written.append("fact")
    (path,) = written.files
    said = b'["nbmlops-journal",2]'
    path.write_bytes(b"%08x %s\n" % (journal.zlib.crc32(said), said))
    with pytest.raises(UnsupportedError, match="pip install --upgrade nbmlops"):
        facts(path)


def test_a_full_disk_takes_nothing_back_and_keeps_nothing_half(tmp_path: Path) -> None:
    script = """
import resource, signal, sys
from nbmlops.core.errors import UnavailableError
from nbmlops.store import journal
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
written = journal.Journal(Path(sys.argv[1]))
written.append("first")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    written.append("second", "x" * 200)
except UnavailableError as error:
    print(error.hint)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
written.append("third")
print([entry.fact for entry in journal.read(written.files[0])])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "j")], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["free some space, then log it again", "[['first'], ['third']]"]


def test_only_the_journals_of_those_who_are_gone_are_given_and_to_one_at_a_time(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from nbmlops.store.journal import Journal\n"
    script += "j = Journal(Path(sys.argv[1])); j.append('of a child'); print('up', flush=True); sys.stdin.read()"
    folder = tmp_path / "journal"
    mine = Journal(folder)
    mine.append("mine")
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    with journal.abandoned(folder) as found:
        assert found == []
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    with journal.abandoned(folder) as found, journal.abandoned(folder) as second:
        assert [facts(path) for path in found] == [[["of a child"]]]
        assert second == []
    mine.close()
    with journal.abandoned(folder) as found:
        assert len(found) == 2


def test_a_forked_child_writes_a_journal_of_its_own_and_does_not_keep_its_parents_alive(tmp_path: Path) -> None:
    script = """
import os, sys, time
from pathlib import Path
from nbmlops.store.journal import Journal
j = Journal(Path(sys.argv[1]))
j.append("parent")
if os.fork() == 0:
    j.append("child")
    print("up", flush=True)
    time.sleep(60)
os.wait()
"""
    folder = tmp_path / "journal"
    parent = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    try:
        with journal.abandoned(folder) as found:
            assert [facts(path) for path in found] == [[["parent"]]]
    finally:
        subprocess.run(["pkill", "-9", "-f", str(folder)], check=False)
        parent.communicate()


def test_a_file_is_let_go_when_the_catalog_has_all_of_it(tmp_path: Path) -> None:
    written = Journal(tmp_path / "journal")
    written.append("a")
    (path,) = written.files
    size = path.stat().st_size
    written.append("b")
    assert not written.let_go(path, size)
    assert written.let_go(path, path.stat().st_size)
    assert written.files == ()
    written.append("c")
    assert [facts(each) for each in written.files] == [[["c"]]]


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("no folder")
    with pytest.raises(UnavailableError, match="check its permissions"):
        Journal(tmp_path / "journal").append("fact")


def test_a_file_taken_for_abandoned_before_it_is_locked_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, lock, taken = tmp_path / "journal", fcntl.flock, list[Path]()

    def late(descriptor: int, operation: int) -> None:
        if not taken and not operation & fcntl.LOCK_NB:
            with journal.abandoned(folder) as found:
                for path in found:
                    path.unlink()
                    taken.append(path)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    written = Journal(folder)
    written.append("a", 1)
    (path,) = written.files
    assert len(taken) == 1
    assert path != taken[0]
    assert facts(path) == [["a", 1]]
