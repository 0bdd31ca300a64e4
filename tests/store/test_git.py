"""The state of a repository: what git says, asked beside the work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nbmlops.store import git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "file").write_text("one")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return tmp_path


def test_commit_branch_and_changes_are_told(repository: Path) -> None:
    told = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    assert git.state(repository) == {"commit": told.stdout.strip(), "branch": "main", "dirty": False}
    (repository / "file").write_text("two")
    assert git.asked(repository)() == {"commit": told.stdout.strip(), "branch": "main", "dirty": True}


def test_a_folder_below_is_in_the_repository_too(repository: Path) -> None:
    (repository / "a" / "b").mkdir(parents=True)
    assert git.state(repository / "a" / "b") == git.state(repository)


def test_where_there_is_no_repository_git_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git.state(tmp_path) is None
    assert git.asked(tmp_path)() is None


def test_without_git_nothing_is_known_and_nothing_fails(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git.asked(repository)() is None


def test_the_diff_is_what_the_files_have_and_the_commit_has_not(repository: Path) -> None:
    assert git.diff(repository) == ("", False)
    (repository / "file").write_text("two\n")
    told, cut = git.diff(repository) or ("", True)
    assert told.startswith("diff --git a/file b/file\n")
    assert told.endswith("-one\n\\ No newline at end of file\n+two\n")
    assert not cut


def test_a_long_diff_is_cut_at_the_end_of_a_line(repository: Path) -> None:
    (repository / "file").write_text("".join(f"line {number}\n" for number in range(200_000)))
    told, cut = git.diff(repository) or ("", False)
    assert cut
    assert git.LONGEST_DIFF - 20 < len(told) <= git.LONGEST_DIFF
    assert told.endswith("\n")


def test_what_is_no_text_is_replaced(repository: Path) -> None:
    (repository / "file").write_bytes(b"caf\xe9\n" * 3)
    told, _ = git.diff(repository) or ("", True)
    assert "+caf\ufffd\n" in told


def test_without_a_commit_or_a_repository_there_is_no_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert git.diff(tmp_path) is None
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    assert git.diff(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git.diff(tmp_path) is None


def test_nothing_that_the_repository_s_configuration_names_is_run(repository: Path) -> None:
    trap = repository / "trap"
    (repository / ".gitattributes").write_text("file filter=own diff=own\n")
    included = repository / ".git" / "included"
    included.write_text(f'[filter "own"]\n\tprocess = touch {trap}\n\trequired = true\n')
    keys = {
        "filter.own.clean": f"touch {trap}; cat",
        "filter.a=b.clean": f"touch {trap}; cat",
        "diff.own.command": f"touch {trap}; true",
        "diff.own.textconv": f"touch {trap}; cat",
        "diff.external": f"touch {trap}; true",
        "core.fsmonitor": f"touch {trap}",
        "core.pager": f"touch {trap}",
        "include.path": str(included),
    }
    for key, value in keys.items():
        subprocess.run(["git", "-C", str(repository), "config", key, value], check=True)
    (repository / "file").write_text("two\n")
    assert git.state(repository) is not None
    told, _ = git.diff(repository) or ("", True)
    assert "-one" in told
    assert not trap.exists()
