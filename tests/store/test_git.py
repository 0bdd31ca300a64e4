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
