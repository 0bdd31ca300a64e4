"""Remotes of a project: named in pyproject.toml, which stays as people wrote it; used only where it is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnsupportedError, UntrustedError
from nbmlops.workspace import Workspace, layout

WRITTEN = """\
# what we do
[project]
name = "flights"   # ours

[tool.nbmlops.pipelines]
delays = ["a.ipynb"] # in order
"""


def test_a_remote_is_named_in_a_file_that_keeps_its_comments(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(WRITTEN)
    with Workspace.init(folder) as workspace:
        assert workspace.remote.list() == []
        workspace.remote.add("origin", "s3://bucket/prefix")
        workspace.remote.add("backup", str(folder / "copy"))
        text = (folder / "pyproject.toml").read_text()
        assert text.startswith(WRITTEN.rstrip())
        assert 'origin = "s3://bucket/prefix"' in text
        assert [(one.name, one.where) for one in workspace.remote.list()] == [
            ("backup", str(folder / "copy")),
            ("origin", "s3://bucket/prefix"),
        ]
        assert layout.settings_of(folder).pipelines == {"delays": ("a.ipynb",)}
        assert workspace.remote.remove("origin").where == "s3://bucket/prefix"
        workspace.remote.remove("backup")
        assert workspace.remote.list() == []
        assert "remotes" not in (folder / "pyproject.toml").read_text()


def test_a_project_without_a_file_gets_one(folder: Path) -> None:
    with Workspace.init(folder) as workspace:
        workspace.remote.add("origin", "memory://place")
    assert layout.settings_of(folder).remotes == {"origin": "memory://place"}


def test_a_folder_is_kept_as_seen_from_the_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workspace.init(folder / "project") as workspace:
        (folder / "project" / "notebooks").mkdir()
        monkeypatch.chdir(folder / "project" / "notebooks")
        assert workspace.remote.add("backup", "../../copy").where == "../copy"
        assert workspace.remote.open("backup").where == str(folder / "copy")


@pytest.mark.parametrize(
    ("name", "where", "error"),
    [
        ("origin", "s3://key:secret@bucket", InvalidError),
        ("origin", "s3://bucket?access_key=secret", InvalidError),
        ("a/b", "s3://bucket", InvalidError),
        ("push", "s3://bucket", InvalidError),
        ("origin", "nosuch://bucket", UnsupportedError),
        ("taken", "s3://bucket", ConflictError),
    ],
)
def test_what_cannot_be_a_remote_changes_nothing(folder: Path, name: str, where: str, error: type[Exception]) -> None:
    with Workspace.init(folder) as workspace:
        workspace.remote.add("taken", "memory://taken")
        before = (folder / "pyproject.toml").read_bytes()
        with pytest.raises(error) as told:
            workspace.remote.add(name, where)
        assert (folder / "pyproject.toml").read_bytes() == before
        assert "secret" not in str(told.value)


def test_a_remote_that_is_not_there_is_told_from_a_folder(folder: Path) -> None:
    with Workspace.init(folder) as workspace:
        with pytest.raises(NotFoundError, match="names no remote"):
            workspace.remote.open(None)
        workspace.remote.add("origin", "memory://one")
        assert workspace.remote.open(None).name == "origin"
        with pytest.raises(NotFoundError, match="no remote named 'orign'") as told:
            workspace.remote.open("orign")
        assert told.value.hint == "did you mean origin?"
        assert workspace.remote.open("./orign").where == str(folder / "orign")
        workspace.remote.add("other", "memory://two")
        with pytest.raises(InvalidError, match="there are 2 remotes: origin, other"):
            workspace.remote.open(None)
        with pytest.raises(NotFoundError):
            workspace.remote.remove("nobody")


def test_what_a_project_names_is_used_only_by_who_trusts_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workspace.init(folder) as workspace:
        workspace.remote.add("origin", "memory://one")
    monkeypatch.setenv("NBMLOPS_CONFIG", str(folder / "somebody"))
    with Workspace.open(folder) as workspace:
        assert [one.name for one in workspace.remote.list()] == ["origin"]
        with pytest.raises(UntrustedError, match="names the remote origin"):
            workspace.remote.open("origin")
        assert workspace.remote.open("memory://one").where == "memory://one"
