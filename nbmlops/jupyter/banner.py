"""The line that ``%load_ext nbmlops`` prints; it reads a few small files, and nothing else."""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.errors import NbmlopsError
from nbmlops.core.version import __version__
from nbmlops.store import lineage
from nbmlops.workspace import layout

__all__ = ["banner", "git_head"]


def banner(start: Path | None = None) -> str:
    """Version, workspace, git commit, active run, in one line.

    Parameters
    ----------
    start : Path, optional
        Where to look for the workspace; the current folder by default.
    """
    version = ".".join(__version__.split(".")[:2])
    parts = [f"nbmlops {version}"]
    try:
        if layout.find(start) is None:
            return f"{parts[0]} · no workspace here; make one: %ml init"
        marker = layout.locate(start)
        parts += [f"workspace {marker.name}", git_head(marker.root) or "no git"]
    except NbmlopsError as error:
        return f"{parts[0]} · {error.message}" + (f" ({error.hint})" if error.hint else "")
    run = lineage.current().run_id
    parts.append(f"active run {run[:8]}" if run else "no active run")
    return " · ".join(parts)


def git_head(folder: Path) -> str | None:
    """Branch and commit of the repository around `folder`, as ``main@4f2c1a09``, from its files alone."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return _head(_git_folder(place / ".git"))
    return None


def _git_folder(entry: Path) -> Path:
    """Where the repository lies: a worktree and a submodule have a file that says so."""
    if entry.is_dir():
        return entry
    return (entry.parent / _read(entry).removeprefix("gitdir:").strip()).resolve()


def _head(git: Path) -> str | None:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return f"detached@{head[:8]}" if head else None
    reference = head.removeprefix("ref:").strip()
    common = git / _read(git / "commondir").strip() if (git / "commondir").is_file() else git
    commit = _read(git / reference).strip() or _read(common / reference).strip() or _packed(common, reference)
    branch = reference.removeprefix("refs/heads/")
    return f"{branch}@{commit[:8]}" if commit else f"{branch}, no commit yet"


def _packed(git: Path, reference: str) -> str:
    lines = (line.split(" ", 1) for line in _read(git / "packed-refs").splitlines())
    return next((pair[0] for pair in lines if len(pair) == 2 and pair[1] == reference), "")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
