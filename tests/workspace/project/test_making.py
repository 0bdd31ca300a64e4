from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops import Workspace, ml
from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.workspace.current import forget
from nbmlops.workspace.project import making
from nbmlops.workspace.project.records import Project


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"x": draw.normal(size=100), "sort": draw.choice(list("abc"), 100)})
    table.assign(y=(table["x"] + draw.normal(size=100) > 0).astype(int)).to_csv(tmp_path / "my things.CSV", index=False)
    for name, value in {"AUTHOR": "A", "COMMITTER": "C"}.items():
        monkeypatch.setenv(f"GIT_{name}_NAME", value)
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b.c")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def made(path: Path | str | None = None, **how: object) -> Project:
    found = ml.init(path, project="things", data="../my things.CSV", target="y", **how)  # type: ignore[arg-type]
    forget()
    assert isinstance(found, Project)
    return found


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def test_a_project_is_a_workspace_and_a_repository_with_one_commit(here: Path) -> None:
    project = made()
    assert (project.kind, project.rows, project.inputs, project.kept) == ("binary", 100, 2, ())
    folder = here / "things"
    assert project.git.startswith("first commit")
    assert git(folder, "status", "--porcelain") == ""
    tracked = set(git(folder, "ls-files").split())
    assert tracked == set(project.made) - {"data/raw/things.csv"}
    assert (folder / "data/raw/things.csv").read_bytes() == (here / "../my things.CSV").read_bytes()
    with Workspace.open(folder) as workspace:
        assert [each.name for each in workspace.pipeline.list()] == ["things"]
        assert workspace.status().trusted
    assert [path.name for path in here.iterdir()] == ["things"]


@pytest.mark.parametrize(
    "about", [{}, {"data": "../my things.CSV", "target": "y"}, {"data": "../my things.CSV", "target": "sort"}]
)
def test_its_notebooks_have_no_fault_and_follow_each_other(here: Path, about: dict[str, str]) -> None:
    ml.init(project="things", **about)  # type: ignore[arg-type]
    with Workspace.open(here / "things") as workspace:
        assert workspace.lint("things") == []
        steps = workspace.pipeline.show("things").steps
    names = ["1_ingest", "2_features", "3_train", "4_evaluate"]
    assert [step.name for step in steps] == names


def test_a_dry_run_writes_nothing_and_tells_all(here: Path) -> None:
    told = made(dry_run=True)
    assert below(here) == {}
    assert list(here.iterdir()) == []
    assert not told.written
    assert made().made == told.made


def test_a_folder_that_is_not_empty_is_adopted_only_when_it_is_named(here: Path) -> None:
    (here / "things").mkdir()
    (here / "things" / "README.md").write_text("mine", encoding="utf-8")
    with pytest.raises(ConflictError, match="is not empty") as error:
        made()
    assert error.value.hint == "`nbmlops init things --project things` adds what it lacks and overwrites nothing"
    project = made("things")
    assert project.kept == ("README.md",)
    assert (here / "things" / "README.md").read_text(encoding="utf-8") == "mine"
    assert made("things").made == ()


def test_a_clean_repository_gets_a_commit_of_what_is_new(here: Path) -> None:
    (here / "Makefile").write_text("mine:", encoding="utf-8")
    git(here, "init", "-q")
    git(here, "add", "-A")
    git(here, "commit", "-qm", "mine")
    project = made(".")
    assert project.git.startswith("committed as")
    assert git(here, "log", "--format=%s").splitlines() == ["Begin things, as nbmlops made it", "mine"]
    assert git(here, "show", "HEAD:Makefile") == "mine:"


def test_a_repository_with_changes_is_left_uncommitted(here: Path) -> None:
    git(here, "init", "-q")
    (here / "mine.txt").write_text("mine", encoding="utf-8")
    project = made(".")
    assert project.git == "not committed: the repository has changes of yours"
    assert git(here, "diff", "--cached", "--name-only") == ""
    assert "?? notebooks/" in git(here, "status", "--porcelain")


def test_without_a_person_for_git_there_is_no_commit_and_it_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name)
    for number, (key, value) in enumerate({"user.useConfigOnly": "true"}.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    assert "git does not know who you are" in made().git
    assert (here / "things" / "Makefile").exists()


def test_where_a_hook_of_git_says_no_nothing_is_staged(here: Path) -> None:
    git(here, "init", "-q")
    git(here, "commit", "-q", "--allow-empty", "-m", "mine")
    hook = here / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    assert made(".").git == "not committed: no"
    assert git(here, "diff", "--cached", "--name-only") == ""


@pytest.mark.parametrize("name", ["src", "data/raw/things.csv/x"])
def test_a_clash_of_files_and_folders_is_refused_before_anything_is_written(here: Path, name: str) -> None:
    place = here / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine", encoding="utf-8")
    before = below(here)
    with pytest.raises(ConflictError, match="nothing was changed"):
        made(".")
    assert below(here) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("path", [None, "."])
@pytest.mark.parametrize("step", ["_lay_out", "commit"])
def test_what_ends_it_leaves_everything_as_it_was(
    here: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], path: str | None, step: str
) -> None:
    (here / "docs").mkdir()
    (here / "docs" / "mine.txt").write_text("mine", encoding="utf-8")
    before, folders = below(here), sorted(here.rglob("*"))
    real = getattr(making, step)

    def ended(*given: object) -> None:
        real(*given)
        raise error

    monkeypatch.setattr(making, step, ended)
    with pytest.raises(error):
        made(path)
    assert below(here) == before
    assert sorted(here.rglob("*")) == folders


def test_a_disk_without_hard_links_will_do(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_links = below(here / made().folder)

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    folder = here / "again"
    made(folder)
    others = {name: content for name, content in below(folder).items() if not name.startswith(".nbmlops")}
    assert others == {name: content for name, content in with_links.items() if not name.startswith(".nbmlops")}


def test_a_file_that_appears_meanwhile_is_not_replaced(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = making._lay_out

    def meanwhile(*given: object) -> None:
        real(*given)  # type: ignore[arg-type]
        (here / "README.md").write_text("mine", encoding="utf-8")

    monkeypatch.setattr(making, "_lay_out", meanwhile)
    with pytest.raises(ConflictError, match="has appeared just now"):
        made(".")
    assert below(here) == {"README.md": b"mine"}


@pytest.mark.parametrize("how", [{"data": "a.csv"}, {"target": "y"}])
def test_a_table_and_its_target_go_together(here: Path, how: dict[str, str]) -> None:
    with pytest.raises(InvalidError, match="go together"):
        ml.init(project="things", **how)  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="none is named"):
        ml.init(**how)  # type: ignore[arg-type]
    assert list(here.iterdir()) == []
