from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbmlops
from nbmlops.core.version import STORE_FORMAT
from nbmlops.jupyter.banner import banner, git_head
from nbmlops.store import lineage

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).parents[2]
HEAVY = (
    "{'pandas', 'sklearn', 'papermill', 'sqlalchemy', 'matplotlib', 'pyarrow', 'polars', 'skops', 'click', 'jinja2'}"
)


def test_loading_imports_nothing_heavy(project: Path) -> None:
    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "import sys\n"
        "shell = InteractiveShell.instance()\n"
        f"before = set(sys.modules) & {HEAVY}\n"
        "shell.run_cell('%load_ext nbmlops')\n"
        "there = 'ml' in shell.magics_manager.magics['line']\n"
        f"print(sorted(set(sys.modules) & {HEAVY} - before), there)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    said, found = done.stdout.splitlines()
    assert said.startswith(f"nbmlops 0.1 · workspace {project.name} · ")
    assert found == "[] True"


def test_loading_twice_loads_once_and_unloading_twice_unloads_once(shell: InteractiveShell) -> None:
    nbmlops.load_ipython_extension(shell)
    matchers = [one for one in shell.Completer.custom_matchers if "Matcher" in repr(one)]
    assert len(matchers) == 1
    assert sum("CellCapture" in repr(hook) for hook in shell.events.callbacks["pre_run_cell"]) == 1
    for _ in range(2):
        nbmlops.unload_ipython_extension(shell)
        assert "ml" not in shell.magics_manager.magics["line"]
        assert "ml" not in shell.magics_manager.magics["cell"]
        assert not [one for one in shell.Completer.custom_matchers if "Matcher" in repr(one)]
        assert not [hook for hook in shell.events.callbacks["pre_run_cell"] if "CellCapture" in repr(hook)]
    nbmlops.load_ipython_extension(shell)
    assert "ml" in shell.magics_manager.magics["line"]


def test_the_banner_says_where_one_stands(project: Path) -> None:
    assert banner() == f"nbmlops 0.1 · workspace {project.name} · no git · no active run"
    with lineage.activate(lineage.Active(run_id="3f2a91bc" * 4)):
        assert banner().endswith(" · active run 3f2a91bc")


def test_the_banner_outside_of_a_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    assert banner(tmp_path) == "nbmlops 0.1 · no workspace here; make one: %ml init"


def test_the_banner_of_a_broken_or_newer_workspace_says_so_and_raises_nothing(project: Path) -> None:
    marker = project / ".nbmlops" / "workspace.json"
    content = marker.read_text()
    marker.write_text(content.replace(f'"format": {STORE_FORMAT}', f'"format": {STORE_FORMAT + 1}'))
    assert "pip install --upgrade nbmlops" in banner()
    marker.write_text("{")
    assert "is damaged" in banner()


def git(folder: Path, *arguments: str) -> None:
    names = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


def commit_of(folder: Path) -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout[:8]


def test_the_commit_is_read_from_git_s_files_loose_packed_detached_and_in_a_worktree(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "below").mkdir(parents=True)
    git(repository, "init")
    assert git_head(repository) == "main, no commit yet"
    git(repository, "commit", "--allow-empty", "-m", "first")
    commit = commit_of(repository)
    assert git_head(repository / "below") == f"main@{commit}"
    git(repository, "pack-refs", "--all")
    assert git_head(repository) == f"main@{commit}"
    git(repository, "worktree", "add", "-b", "topic/one", str(tmp_path / "tree"))
    assert git_head(tmp_path / "tree") == f"topic/one@{commit}"
    git(repository, "checkout", "--detach")
    assert git_head(repository) == f"detached@{commit}"


def test_what_is_no_repository_has_no_commit(tmp_path: Path) -> None:
    assert git_head(tmp_path) is None
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    assert git_head(tmp_path) is None
