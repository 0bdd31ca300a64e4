"""Makes a project: read the table, decide, write all files aside, and put them where they belong in one go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbmlops.core.errors import ConflictError, InvalidError, UnavailableError
from nbmlops.workspace.project.files import files_of
from nbmlops.workspace.project.naming import package_of
from nbmlops.workspace.project.placing import kept_of, placed, scratch_beside
from nbmlops.workspace.project.reading import read_csv
from nbmlops.workspace.project.records import Project
from nbmlops.workspace.project.repository import commit, is_ready
from nbmlops.workspace.project.screening import screen

__all__ = ["make_project"]

_EXAMPLE_TARGET = "target"


def make_project(
    name: str | None,
    folder: str | os.PathLike[str] | None,
    data: str | os.PathLike[str] | None,
    target: str | None,
    open_at: Callable[[Path], Any],
    *,
    dry_run: bool = False,
) -> Project:
    """Make a project in a new folder, or add what is missing to one that is there.

    Parameters
    ----------
    name : str
        Its name; with underscores instead of hyphens that of its package, data, model and pipeline.
    folder : path, optional
        Where; by default a new folder of its name.
    data : path, optional
        A CSV file; by default an example that scikit-learn carries.
    target : str, optional
        The column of it to predict.
    open_at : callable
        Makes a workspace there.
    dry_run : bool
        Whether nothing is written, and only told what would be.

    Raises
    ------
    InvalidError, NotFoundError
        When the name is none, the file not there or no table, or the column no target.
    ConflictError
        When the folder of that name is not empty and was not named, or a file stands where a folder is to be.
    UnavailableError
        When the disk does not take it. Nothing has changed then, as after any failure and Ctrl-C.
    """
    name = _named(name, data, target)
    package = package_of(name)
    root = _root(name, folder)
    why_not = is_ready(root)
    with scratch_beside(root) as scratch:
        source = _example(scratch) if data is None else Path(data)
        table = screen(read_csv(source, scratch), target if target is not None else _EXAMPLE_TARGET, package)
        raw = f"data/raw/{package}{_ending(source)}"
        files = files_of(name, package, Path(raw).name, table, example=data is None)
        kept = kept_of(root, iter((*files, raw)))
        made = tuple(sorted(path for path in (*files, raw) if path not in kept))
        git = why_not or "to be committed"
        if not dry_run:
            _lay_out(scratch / "project", files, kept, source, raw)
            git = _place(scratch / "project", root, open_at, why_not, [path for path in made if path != raw], name)
    inputs = len(table.numbers) + len(table.categories) + len(table.times)
    about = table.target, table.kind, table.rows, inputs, table.left_out
    return Project(name, package, str(root), *about, made, kept, git, written=not dry_run)


def _named(name: str | None, data: object, target: str | None) -> str:
    if name is None:
        raise InvalidError(
            "a table, a target and a dry run are of a project, and none is named",
            hint="`ml init --project flights --data flights.csv --target late`",
        )
    if (data is None) != (target is None):
        raise InvalidError(
            "a table and the column of it to predict go together",
            hint=f"`ml init --project {name} --data flights.csv --target late`",
        )
    return name


def _root(name: str, folder: str | os.PathLike[str] | None) -> Path:
    root = Path(folder if folder is not None else name).absolute()
    if root.exists() and not root.is_dir():
        raise ConflictError(f"{root} is a file, and a project is a folder", hint="name another folder")
    if folder is None and root.is_dir() and any(root.iterdir()):
        raise ConflictError(
            f"{root} is there, and is not empty; nothing was changed",
            hint=f"`ml init {name} --project {name}` adds what it lacks and overwrites nothing",
        )
    return root


def _example(scratch: Path) -> Path:
    from sklearn.datasets import load_breast_cancer

    path = scratch / "example.csv"
    load_breast_cancer(as_frame=True).frame.to_csv(path, index=False)
    return path


def _ending(source: Path) -> str:
    """The ending by which the file is read as it was, such as ``.csv.gz``."""
    ending = source.suffix.lower()
    return ending if ending in (".csv", ".tsv", ".tab") else f"{Path(source.stem).suffix.lower()}{ending}"


def _lay_out(folder: Path, files: dict[str, str], kept: tuple[str, ...], source: Path, raw: str) -> None:
    try:
        for name, text in files.items():
            if name not in kept:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        if raw not in kept:
            (folder / raw).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / raw)
    except OSError as error:
        raise UnavailableError(f"cannot write the project: {error.strerror}; nothing was changed") from error


def _place(made: Path, root: Path, open_at: Callable[[Path], Any], why_not: str, tracked: list[str], name: str) -> str:
    with placed(made, root):
        had_git = (root / ".git").exists()
        had_workspace = (root / ".nbmlops").exists()
        try:
            open_at(root).close()
            message = f"Begin {name}, as nbmlops made it"
            return why_not or (commit(root, tracked, message) if tracked else "nothing is new")
        except BaseException:
            for own, there in ((".git", had_git), (".nbmlops", had_workspace)):
                if not there:
                    shutil.rmtree(root / own, ignore_errors=True)
            raise
