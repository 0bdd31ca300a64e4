"""Files that come to their place all together or not at all, and never over what is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbmlops.core.errors import ConflictError, UnavailableError

__all__ = ["kept_of", "placed", "scratch_beside"]


@contextmanager
def scratch_beside(root: Path) -> Iterator[Path]:
    """Give a folder on the same disk for the body of a ``with``, and take it away."""
    home = root if root.is_dir() else next(folder for folder in root.parents if folder.is_dir())
    try:
        folder = Path(tempfile.mkdtemp(prefix=".nbmlops-project-", dir=home))
    except OSError as error:
        raise UnavailableError(
            f"cannot write into {home}: {error.strerror}", hint="choose a folder that you may write to"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def kept_of(root: Path, files: Iterator[str]) -> tuple[str, ...]:
    """Tell which files are there already.

    Raises
    ------
    ConflictError
        When a folder stands where a file is to be, or a file where a folder is.
    """
    kept = []
    for name in files:
        path = root / name
        for folder in path.relative_to(root).parents:
            if (root / folder).exists() and not (root / folder).is_dir():
                raise ConflictError(
                    f"{root / folder} is a file, and the project has a folder of that name; nothing was changed",
                    hint="move it away, or make the project in another folder",
                )
        if path.is_dir():
            raise ConflictError(
                f"{path} is a folder, and the project has a file of that name; nothing was changed",
                hint="move it away, or make the project in another folder",
            )
        if path.exists() or path.is_symlink():
            kept.append(name)
    return tuple(kept)


@contextmanager
def placed(made: Path, root: Path) -> Iterator[None]:
    """Move all files below `made` to `root` for the body of a ``with``; when that fails, they are gone again.

    Raises
    ------
    ConflictError
        When a file has appeared in the meantime.
    UnavailableError
        When the disk does not take it.
    """
    undo: list[Path] = []
    try:
        try:
            _move(made, root, undo)
        except FileExistsError as error:
            raise ConflictError(
                f"{error.filename2 or error.filename} has appeared just now; nothing was changed"
            ) from None
        except OSError as error:
            raise UnavailableError(f"cannot write into {root}: {error.strerror}; nothing was changed") from error
        yield
    except BaseException:
        for path in reversed(undo):
            if path.is_dir() and not path.is_symlink():
                # Someone may have put something beside what is ours: that stays.
                if not any(path.iterdir()):
                    path.rmdir()
            else:
                path.unlink(missing_ok=True)
        raise


def _move(made: Path, root: Path, undo: list[Path]) -> None:
    for folder in [*reversed(root.parents), root]:
        _folder(folder, undo)
    for path in sorted(made.rglob("*")):
        to = root / path.relative_to(made)
        if path.is_dir():
            _folder(to, undo)
        else:
            _put(path, to, undo)


def _put(path: Path, to: Path, undo: list[Path]) -> None:
    """Move a file, never over one that is there, as a rename would."""
    try:
        os.link(path, to)
        undo.append(to)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links; whatever else is wrong with it, writing tells too
        with path.open("rb") as source, to.open("xb") as target:
            undo.append(to)
            shutil.copyfileobj(source, target)
    path.unlink()


def _folder(folder: Path, undo: list[Path]) -> None:
    if not folder.is_dir():
        folder.mkdir()
        undo.append(folder)
