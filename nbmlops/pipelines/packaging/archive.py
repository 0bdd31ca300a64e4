"""The file of a package: a ZIP whose parts are stored as they are, and whose manifest has the digest of each.

Nothing is compressed, for two reasons: the same parts give the same bytes whichever zlib is installed, and no part is
larger than what the file holds of it, so that a small file cannot fill a disk. The format is specified in
``docs/formats/package.md``.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from blake3 import blake3

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, UnavailableError, UnsupportedError

__all__ = ["MANIFEST", "PROTOCOL", "SUFFIX", "Archive", "fault_of", "opened", "refused", "write"]

PROTOCOL = 1
SUFFIX = ".pipeline.zip"
"""How the name of a package ends."""
MANIFEST = "manifest.json"

_BLOCK = 1 << 20
_SOMEWHEN = (1980, 1, 1, 0, 0, 0)  # the first that a ZIP can tell
_REGULAR = 0o100644
_UNIX = 3
_ENCRYPTED = 0x1
_HARMFUL = re.compile(r"[\\\x00-\x1f\x7f]")
_LONGEST = 1_000


def write(sink: IO[bytes], head: Mapping[str, Any], parts: Mapping[str, bytes | Path]) -> None:
    """Write a package.

    Parameters
    ----------
    sink : file
        Where to.
    head : mapping
        What the manifest says besides the parts.
    parts : mapping
        Path in the package -> content, or the file that has it.

    Raises
    ------
    InvalidError
        When a path cannot be in a package.
    """
    if fault := fault_of(parts):
        raise InvalidError(f"this cannot be packaged: {fault}", hint="give that file another name")
    listed = [[path, *_measured(parts[path])] for path in sorted(parts)]
    manifest = json.dumps({"protocol": PROTOCOL, **head, "parts": listed}, indent=1, ensure_ascii=False) + "\n"
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        for path, content in ((MANIFEST, manifest.encode()), *((path, parts[path]) for path in sorted(parts))):
            info = zipfile.ZipInfo(path, _SOMEWHEN)
            info.create_system, info.external_attr = _UNIX, _REGULAR << 16
            info.file_size = content.stat().st_size if isinstance(content, Path) else len(content)
            with _source(content) as source, file.open(info, "w") as part:
                for block in _blocks(source):
                    part.write(block)


class Archive:
    """A package that is open: its parts are those that its manifest names, and each is digested when it is read.

    Parameters
    ----------
    name : str
        What to call it in messages.
    file : zipfile.ZipFile
        The file.
    head : mapping
        What its manifest says.
    parts : mapping of str to str
        Path -> digest.
    """

    def __init__(self, name: str, file: zipfile.ZipFile, head: Mapping[str, Any], parts: Mapping[str, str]) -> None:
        self.name = name
        self.head = head
        self.parts = parts
        self._file = file

    def read(self, path: str) -> bytes:
        """The content of a part.

        Raises
        ------
        CorruptError
            When it is not there, or not what the manifest says.
        """
        sink = io.BytesIO()
        self._digested(path, sink)
        return sink.getvalue()

    def copy(self, path: str, target: Path) -> None:
        """Write a part into a file; what is not what the manifest says is removed again.

        Raises
        ------
        CorruptError
            As `read`.
        UnavailableError
            When it cannot be written.
        """
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as sink:
                self._digested(path, sink)
        except CorruptError:
            target.unlink()
            raise
        except OSError as error:
            raise UnavailableError(
                f"cannot unpack {path} to {target}: {error.strerror}", hint="check permissions and free space"
            ) from error

    def _digested(self, path: str, sink: IO[bytes]) -> None:
        if path not in self.parts:
            raise refused(self.name, f"it has no {path}")
        hasher = blake3()
        try:
            with self._file.open(path) as source:
                for block in _blocks(source):
                    hasher.update(block)
                    sink.write(block)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            raise refused(self.name, f"{path} cannot be read: {error}") from None
        if hasher.hexdigest() != self.parts[path]:
            raise refused(self.name, f"{path} is not what the manifest says")


def refused(name: str, why: str) -> CorruptError:
    """Why a package is not used; nothing of it was."""
    return CorruptError(f"{name} is refused: {why}", hint="get it once more from who packaged it")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open a package, after its form and its manifest were looked at.

    Raises
    ------
    NotFoundError
        When there is no such file.
    CorruptError
        When it is no package, or one that this module would not have written.
    UnsupportedError
        When a newer nbmlops wrote it.
    """
    try:
        with path.open("rb") as source, zipfile.ZipFile(source) as file:
            size = source.seek(0, io.SEEK_END)
            if fault := _odd(file.infolist(), size):
                raise refused(path.name, fault)
            head = _manifest(path.name, file)
            yield Archive(path.name, file, head, {name: digest for name, _, digest in head["parts"]})
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no file {path}", hint="`ml pipeline package NAME@production` writes one"
        ) from None
    except (zipfile.BadZipFile, EOFError, UnicodeDecodeError, NotImplementedError) as error:
        raise refused(path.name, f"it is cut off, damaged or no package ({error})") from None
    except OSError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error


def _odd(infos: list[zipfile.ZipInfo], size: int) -> str | None:
    """What in the list of parts no package has."""
    for info in infos:
        if info.flag_bits & _ENCRYPTED:
            return f"{info.filename!r} is encrypted"
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            return f"{info.filename!r} is compressed, which nothing in a package is"
        if info.external_attr >> 16 != _REGULAR:
            return f"{info.filename!r} is no plain file"
    if sum(info.file_size for info in infos) > size:
        return "its parts lie over each other"
    return fault_of([info.orig_filename for info in infos])


def fault_of(names: Iterable[str]) -> str | None:
    """Why some paths cannot be those of the parts of a package; None when they can."""
    seen: dict[str, str] = {}
    for name in names:
        steps = name.split("/")
        if _HARMFUL.search(name) or len(name) > _LONGEST or not {"", ".", ".."}.isdisjoint(steps):
            return f"{name!r} is no path inside of it"
        # As macOS tells names apart.
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            return (
                f"{name!r} is there twice" if seen[key] == name else f"{name!r} and {seen[key]!r} are one name on macOS"
            )
        seen[key] = name
    for key, name in seen.items():
        above = key.split("/")[:-1]
        if any("/".join(above[:depth]) in seen for depth in range(1, len(above) + 1)):
            return f"{name!r} lies in a file"
    return None


def _manifest(name: str, file: zipfile.ZipFile) -> Mapping[str, Any]:
    """What a package says of itself; its parts are exactly those that it names."""
    infos = {info.filename: info.file_size for info in file.infolist()}
    if infos.pop(MANIFEST, None) is None:
        raise refused(name, f"it has no {MANIFEST}, so it is no package")
    try:
        head: dict[str, Any] = json.loads(file.read(MANIFEST))
        protocol, parts = head["protocol"], {path: (size, digest) for path, size, digest in head["parts"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise refused(name, f"its {MANIFEST} is none ({error!r})"[:300]) from None
    if not isinstance(protocol, int) or protocol > PROTOCOL:
        raise UnsupportedError(
            f"the package {name} has protocol {protocol}, this nbmlops reads up to {PROTOCOL}",
            hint="pip install --upgrade nbmlops",
        )
    if {path: size for path, (size, _) in parts.items()} != infos or len(parts) != len(head["parts"]):
        odd = sorted({*infos} ^ {*parts}) or [path for path in infos if infos[path] != parts[path][0]]
        raise refused(name, f"its {MANIFEST} does not fit its parts: {', '.join(map(repr, odd[:3]))}")
    return head


def _measured(content: bytes | Path) -> tuple[int, str]:
    if isinstance(content, bytes):
        return len(content), digests.of_bytes(content)
    hasher, size = blake3(), 0
    with content.open("rb") as source:
        for block in _blocks(source):
            hasher.update(block)
            size += len(block)
    return size, hasher.hexdigest()


def _source(content: bytes | Path) -> IO[bytes]:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block
