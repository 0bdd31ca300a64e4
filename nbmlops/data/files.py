"""Files and folders as objects: a file is its bytes, a folder a listing of its files' digests."""

from __future__ import annotations

import errno
import io
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple, cast

from nbmlops.core import digests
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from nbmlops.store.folders import unavailable
from nbmlops.store.streams import taken

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore, Stored

__all__ = [
    "Member",
    "Saved",
    "below",
    "members",
    "refuse_special",
    "save_file",
    "save_folder",
    "save_listing",
    "scratch",
    "store_folder",
    "unchanged",
    "walk",
    "write_atomically",
    "write_file",
    "write_folder",
]

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Saved:
    """What lies in the store after a save: identity, the object that holds it, sizes in bytes, what else it needs."""

    digest: str
    root: str
    size: int
    new_bytes: int
    needs: tuple[str, ...] = ()


def save_file(objects: ObjectStore, path: Path, progress: Callable[[int], None] | None = None) -> Saved:
    """Store the bytes of a file.

    Raises
    ------
    ConflictError
        When the file changed while it was read.
    """
    with unchanged(path):
        stored = objects.put(path, progress=progress)
    return Saved(stored.digest, stored.digest, stored.size, stored.new_bytes)


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """Read a file in the body of a ``with``.

    Raises
    ------
    ConflictError
        When it changed meanwhile.
    """
    before = _stamp(path)
    yield
    _refuse_changed(path, before)


def save_folder(objects: ObjectStore, folder: Path, progress: Callable[[int], None] | None = None) -> Saved:
    """Store all files below a folder, and a listing that is the folder's identity.

    Raises
    ------
    InvalidError
        When there is no file in it, or a link leads out of it.
    """
    names, empty = walk(folder)
    paths = [f"{folder}/{name}" for name in names]
    before = [_stamp(path) for path in paths]
    executable = [os.access(path, os.X_OK) for path in paths]

    def take() -> list[Stored]:
        with objects.batch() as batch:
            found = [batch.add_source(Path(path), progress) for path in paths]
            for path, stamp in zip(paths, before, strict=True):
                _refuse_changed(path, stamp)
            sizes = [size for _, size in before]
            batch.add(
                io.BytesIO(_listing(dict(zip(names, zip(found, sizes, executable, strict=True), strict=True)), empty))
            )
            return batch.finish()

    *stored, listing = taken((), take)
    return _saved(stored, listing)


def store_folder(objects: ObjectStore, folder: Path) -> dict[str, Stored]:
    """Store all files below a folder, without a listing: each by its path in it; raises as `save_folder` does."""
    names, _ = walk(folder)
    paths = [f"{folder}/{name}" for name in names]
    before = [_stamp(path) for path in paths]
    stored = objects.put_many([Path(path) for path in paths])
    for path, stamp in zip(paths, before, strict=True):
        _refuse_changed(path, stamp)
    return dict(zip(names, stored, strict=True))


def save_listing(objects: ObjectStore, kept: Mapping[str, Stored]) -> Saved:
    """Store the listing of a folder whose files, none of which runs, are stored already: what lies at each path."""
    content = _listing({path: (one.digest, one.size, False) for path, one in kept.items()}, ())
    return _saved(list(kept.values()), objects.put(content))


def _listing(kept: Mapping[str, tuple[str, int, bool]], empty: Sequence[str]) -> bytes:
    """The listing of a folder: of each file its digest, its size and whether it runs."""
    content: dict[str, object] = {"protocol": 1, "files": {path: list(member) for path, member in kept.items()}}
    if empty:
        content["folders"] = list(empty)
    return digests.canonical_json(content)


def _saved(stored: Sequence[Stored], listing: Stored) -> Saved:
    size, new_bytes = sum(one.size for one in stored), sum(one.new_bytes for one in stored)
    needs = tuple(one.digest for one in stored)
    return Saved(listing.digest, listing.digest, size, new_bytes + listing.new_bytes, needs)


def refuse_special(path: Path, own: Path) -> None:
    """Refuse what is no file and no folder, and what nbmlops keeps in `own`.

    Raises
    ------
    InvalidError
        When it is one; a pipe, for instance, would be waited for without an end.
    """
    here = path.resolve()
    if here.is_relative_to(own.resolve()) or own.resolve().is_relative_to(here):
        raise InvalidError(f"{path} holds what nbmlops keeps of this workspace", hint="save a file or folder beside it")
    if not path.is_file() and not path.is_dir():
        raise InvalidError(f"{path} is neither a file nor a folder", hint="copy what comes out of it to a file first")


def walk(folder: Path) -> tuple[list[str], list[str]]:
    """All files below a folder, and the folders in it that are empty, in the order of their names.

    Both as paths relative to the folder; what the system says when it lists them is not asked again file by file.
    """
    files: list[str] = []
    empty: list[str] = []
    _look_below(folder, "", files, empty)
    if not files:
        raise InvalidError(f"the folder {folder} holds no files", hint="nothing was saved")
    return files, empty


def _look_below(folder: Path, inside: str, files: list[str], empty: list[str]) -> None:
    try:
        with os.scandir(folder / inside) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        raise unavailable(error, folder / inside) from error
    if inside and not entries:
        empty.append(inside)
    for entry in entries:
        name = f"{inside}/{entry.name}" if inside else entry.name
        if entry.is_symlink():
            _refuse_strange_link(Path(entry.path), folder)
            files.append(name)
        elif entry.is_file():
            files.append(name)
        elif entry.is_dir():
            _look_below(folder, name, files, empty)
        else:
            what = f"{entry.path} is neither a file nor a folder"
            raise InvalidError(what, hint="take it out of the folder, then save")


def _refuse_strange_link(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidError(f"{path} is a link that leads out of {folder.name}", hint="copy the file there instead")
    if not path.is_file():
        what = "a folder" if path.is_dir() else "nothing"
        raise InvalidError(f"{path} is a link to {what}", hint="only links to files of the same folder can be kept")


def _stamp(path: str | Path) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - a folder of thousands of files is quicker without a Path of each
    return found.st_mtime_ns, found.st_size


def _refuse_changed(path: str | Path, before: tuple[int, int]) -> None:
    if not os.path.exists(path) or _stamp(path) != before:  # noqa: PTH110 - a Path costs more than the question
        raise ConflictError(f"{Path(path).name} changed while it was read; nothing was saved", hint="save it again")


class Member(NamedTuple):
    """A file of a stored folder; its size in bytes."""

    digest: str
    size: int
    executable: bool


def members(objects: ObjectStore, root: str) -> dict[str, Member]:
    """Files of a stored folder by their relative paths."""
    return listed(objects.read(root))


def listed(listing: bytes) -> dict[str, Member]:
    """Files of a folder by their relative paths, as its listing tells."""
    return {path: Member(*member) for path, member in json.loads(listing)["files"].items()}


def write_file(objects: ObjectStore, digest: str, target: Path, *, executable: bool = False) -> Path:
    """Write a stored file to `target`, whole or not at all."""

    def write(sink: IO[bytes]) -> None:
        with objects.open(digest) as source:
            while block := source.read(_BLOCK):
                sink.write(block)

    write_atomically(target, write)
    if executable:
        target.chmod(target.stat().st_mode | 0o111)
    return target


def write_folder(objects: ObjectStore, root: str, target: Path) -> Path:
    """Write a stored folder below `target`."""
    for path in json.loads(objects.read(root)).get("folders", ()):
        below(target, path).mkdir(parents=True, exist_ok=True)
    for path, (digest, _, executable) in members(objects, root).items():
        destination = below(target, path)
        destination.parent.mkdir(parents=True, exist_ok=True)
        write_file(objects, digest, destination, executable=executable)
    return target


def below(target: Path, path: str) -> Path:
    """Where a file of a listing goes; `InvalidError` when that is outside of `target`."""
    relative = PurePosixPath(path)
    # The listing is content-addressed, but it may have come from another store.
    if relative.is_absolute() or ".." in relative.parts:
        raise InvalidError(f"the stored folder names a file outside itself: {path}")
    return target / relative


@contextmanager
def scratch(folder: Path) -> Iterator[BinaryIO]:
    """A file without a name below `folder`, that is gone however this process ends.

    Raises
    ------
    UnavailableError
        When the disk is full or may not be written, here or in the body.
    """
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            yield cast("BinaryIO", file)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(target: Path, error: OSError) -> UnavailableError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return UnavailableError(
            f"the disk has no room for {target}: {os.strerror(error.errno)}", hint="free some space, then try again"
        )
    return UnavailableError(f"cannot write {target}: {error.strerror or error}", hint="check space and permissions")


def write_atomically(target: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file beside `target`, then put it in its place.

    Raises
    ------
    NotFoundError
        When the folder of `target` does not exist.
    UnavailableError
        When the disk is full or may not be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as sink:
            write(sink)
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(target)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, FileNotFoundError) and not target.parent.is_dir():
            raise NotFoundError(f"there is no folder {target.parent}", hint=f"mkdir -p {target.parent}") from error
        if isinstance(error, OSError):
            raise _unwritable(target, error) from error
        raise
