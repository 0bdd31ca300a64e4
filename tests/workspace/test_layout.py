"""A workspace on disk: found from below, made whole or not at all, refused when it is not ours to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nbmlops.core.errors import CorruptError, InvalidError, NbmlopsError, NotFoundError, UnsupportedError
from nbmlops.core.version import STORE_FORMAT
from nbmlops.workspace import Workspace, layout

NOW = datetime(2013, 1, 1, tzinfo=UTC)


def make(root: Path, fill: Callable[[Path], object] = lambda _: None) -> layout.Marker:
    return layout.make(root, user="ada", now=NOW, fill=fill)


def test_a_workspace_is_found_from_below_and_not_from_beside(tmp_path: Path) -> None:
    marker = make(tmp_path / "project")
    (tmp_path / "project" / "a" / "b").mkdir(parents=True)
    assert layout.find(tmp_path / "project" / "a" / "b") == tmp_path / "project"
    assert layout.locate(tmp_path / "project" / "a").id == marker.id
    assert layout.find(tmp_path) is None
    with pytest.raises(NotFoundError, match="is not in a workspace"):
        layout.locate(tmp_path)


def test_git_sees_nothing_of_it(tmp_path: Path) -> None:
    assert (make(tmp_path).state / ".gitignore").read_text() == "*\n"


def test_a_workspace_that_cannot_be_filled_leaves_nothing(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "project", fail)
    assert list((tmp_path / "project").iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"id": 1}', b"\xff\xfe"])
def test_a_damaged_marker_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = make(tmp_path).state / "workspace.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CorruptError, match=r"workspace\.json"):
        layout.read_marker(tmp_path)


def test_a_workspace_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path).state / "workspace.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": STORE_FORMAT + 1}))
    with pytest.raises(UnsupportedError, match=f"format {STORE_FORMAT + 1}") as refused:
        Workspace.open(tmp_path)
    assert refused.value.hint == "pip install --upgrade nbmlops"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.nbmlops\n", "cannot be read"),
        ("[tool.nbmlops]\ncatalogue = 'x'\n", "unknown key 'catalogue'"),
        ("[tool.nbmlops]\ncatalog = 3\n", "must be text"),
        ("[tool.nbmlops]\npipelines = 3\n", "must be a table"),
        ("[tool.nbmlops.pipelines]\ndelays = []\n", "must be a list of notebook paths"),
        ("[tool.nbmlops.pipelines]\n'a/b' = ['x.ipynb']\n", "a/b"),
        ("[tool.nbmlops.gates]\ndelay = 3\n", "one table for each name"),
    ],
)
def test_a_faulty_setting_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(InvalidError, match=said):
        layout.settings_of(tmp_path)


def test_the_environment_comes_before_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nbmlops]\ncatalog = 'sqlite:///theirs.db'\nobjects = 'theirs'\n")
    monkeypatch.setenv("NBMLOPS_CATALOG", "sqlite:///mine.db")
    settings = layout.settings_of(tmp_path)
    assert (settings.catalog, settings.objects) == ("sqlite:///mine.db", "theirs")
    assert settings.from_project == ("objects",)


def test_a_workspace_that_names_a_place_elsewhere_needs_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nbmlops]\nobjects = 'theirs'\n")
    with Workspace.init(tmp_path) as made:
        made.data.save(tmp_path / "pyproject.toml", "settings")
        assert (tmp_path / "theirs").is_dir()
    monkeypatch.setenv("NBMLOPS_CONFIG", str(tmp_path / "somebody"))
    with pytest.raises(NbmlopsError, match="names objects elsewhere"):
        Workspace.open(tmp_path)


def test_init_where_one_is_opens_it(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as first, Workspace.init(tmp_path) as second:
        assert first.marker == second.marker


def test_the_users_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBMLOPS_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/ada")
    assert layout.config_folder() == Path("/etc/ada/nbmlops")
    monkeypatch.setenv("NBMLOPS_CONFIG", "/here")
    assert layout.config_folder() == Path("/here")
