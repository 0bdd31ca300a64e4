"""The first commit of a project, or one more of a repository that is clean."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from nbmlops.store.git import is_in_repository

__all__ = ["commit", "is_ready"]

_PATIENCE = 60
# A hook of git may be who runs this; its repository is not the one that is meant.
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def is_ready(root: Path) -> str:
    """Tell why nothing can be committed at `root`, as it is now; empty when it can."""
    if shutil.which("git") is None:
        return "no git is installed"
    here = next(folder for folder in (root, *root.parents) if folder.is_dir())
    if is_in_repository(here):
        done = _git(here, "status", "--porcelain")
        if done.returncode:
            return f"not committed: {_said(done)}"
        if done.stdout.strip():
            return "not committed: the repository has changes of yours"
    return ""


def commit(root: Path, files: Sequence[str], message: str) -> str:
    """Commit new files, into a new repository where there is none; gives what became of it.

    Nothing else is changed: where git refuses, a repository of one's own is as before, and a new one has no commit.
    """
    new = not is_in_repository(root)
    if new and (done := _git(root, "init", "--quiet", "--initial-branch=main")).returncode:
        return f"no repository: {_said(done)}"
    if _git(root, "var", "GIT_COMMITTER_IDENT").returncode:
        return "not committed: git does not know who you are, see: git config --global user.email"
    paths = "\0".join(files).encode()
    add = _git(root, "add", "--pathspec-from-file=-", "--pathspec-file-nul", given=paths)
    done = add if add.returncode else _git(root, "commit", "--quiet", "--message", message)
    if done.returncode:
        if not new:
            _git(root, "reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", given=paths)
        return f"not committed: {_said(done)}"
    told = _git(root, "rev-parse", "--short", "HEAD").stdout.decode().strip()
    return f"{'first commit' if new else 'committed as'} {told}"


def _git(root: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    # A question that git asks would wait for ever.
    environ = {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}
    command = ["git", "-C", str(root), *words]
    try:
        return subprocess.run(command, input=given, capture_output=True, timeout=_PATIENCE, env=environ, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, b"", f"git {words[0]} took longer than {_PATIENCE} s".encode())


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"git ended with {done.returncode}"
