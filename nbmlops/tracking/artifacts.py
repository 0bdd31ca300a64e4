"""What runs keep: a value becomes named objects, and a named object a value again.

Files and folders are kept byte for byte, each file of a folder under its own name below the folder's. Anything else is
written in one plain form, which the name's ending tells: what a name does not end in, it gets.

=====================================  =======================================================  ===============
value                                  kept as                                                  comes back as
=====================================  =======================================================  ===============
table of pandas, polars or pyarrow     ``.parquet``, or CSV where the name ends in ``.csv``     table; CSV text
figure with ``savefig`` (matplotlib)   ``.png``, or ``.svg``, ``.pdf``, ``.jpg``                bytes; SVG text
figure with ``to_html`` (plotly)       ``.html``, which needs no network to be looked at        text
text of several lines, or as text      as it is, in UTF-8; ``.txt`` when the name has no ending text
mapping, list                          ``.json``                                                mapping, list
bytes                                  as they are                                              bytes
=====================================  =======================================================  ===============
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.data import files
from nbmlops.data.frames import is_table, to_arrow
from nbmlops.data.output import target_of

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore, Stored
    from nbmlops.tracking.active import Keeper

__all__ = ["check_artifact", "keep", "loaded", "placed"]

_LONGEST = 512
_DRAWN = (".png", ".svg", ".pdf", ".jpg", ".jpeg")
_TABLES = (".parquet", ".pq", ".csv")
_PAGES = (".html", ".htm")
_TEXTS = frozenset({".csv", ".log", ".md", ".py", ".svg", ".toml", ".tsv", ".txt", ".xml", ".yaml", ".yml", *_PAGES})


def check_artifact(name: str) -> str:
    """A name that an artifact can have: a relative path that stays where it begins.

    Raises
    ------
    InvalidError
        When it is none.
    """
    parts = name.split("/")
    if not name or len(name) > _LONGEST or "\0" in name or not {"", ".", ".."}.isdisjoint(parts):
        raise InvalidError(
            f"{name[:80]!r} cannot be the name of an artifact",
            hint=f"a relative path of at most {_LONGEST} characters, without '..'",
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidError(f"{name[:80]!r} is no text that can be kept", hint="give it another name") from None
    return name


def keep(keeper: Keeper, value: Any, name: str | None = None, as_: str | None = None) -> dict[str, Stored]:
    """Store a value; the objects that it became, by the names that a run keeps them under.

    Raises
    ------
    NotFoundError
        When there is no such file or folder.
    InvalidError
        When nothing is known to be made of such a value, a figure cannot be drawn, there is no name, or a folder
        holds the workspace's own.
    ConflictError
        When a file changed or went while it was read; nothing is kept then.
    """
    if as_ not in {None, "text"}:
        raise InvalidError(f"an artifact cannot be kept as {as_!r}", hint='a text of one line is kept as_="text"')
    if isinstance(value, str) and not value and as_ is None:
        raise InvalidError(
            "an empty text is no path", hint='an artifact that is empty: run.artifact("", "note.txt", as_="text")'
        )
    if isinstance(value, Path) or (isinstance(value, str) and as_ is None and "\n" not in value):
        return _kept_path(keeper, value if isinstance(value, Path) else Path(value), name)
    named, content = _written(value, name)
    check_artifact(named)
    return {named: keeper.objects.put(content())}


def _kept_path(keeper: Keeper, path: Path, name: str | None) -> dict[str, Stored]:
    own = check_artifact((name or path.absolute().name).rstrip("/"))
    if path.is_dir():
        files.refuse_special(path, keeper.state)
        found = files.store_folder(keeper.objects, path)
        return {check_artifact(f"{own}/{inner}"): stored for inner, stored in found.items()}
    if not path.is_file():
        raise NotFoundError(
            f"there is no file {path} to keep as an artifact",
            hint='a text of one line: run.artifact(text, "note.txt", as_="text")',
        )
    with files.unchanged(path):
        return {own: keeper.objects.put(path)}


def _written(value: Any, name: str | None) -> tuple[str, Callable[[], bytes]]:
    """The name that a value is kept under, and what writes it."""
    if hasattr(value, "savefig"):
        named = _ending(name or "figure", _DRAWN)
        return named, lambda: _drawn(value, named)
    if is_table(value):
        named = _ending(_given(name, "tables"), _TABLES)
        return named, lambda: _tabled(value, named)
    if hasattr(value, "to_html"):
        named = _ending(name or "figure", _PAGES)
        return named, lambda: _paged(value, named)
    if isinstance(value, bytes):
        return _given(name, "bytes"), lambda: value
    if isinstance(value, str):
        given = _given(name, "texts")
        return given if PurePosixPath(given).suffix else f"{given}.txt", lambda: value.encode("utf-8", "surrogatepass")
    if isinstance(value, Mapping | list | tuple):
        named = _ending(_given(name, "values"), (".json",))
        return named, lambda: _jsoned(value, named)
    raise InvalidError(
        f"cannot keep a {type(value).__name__} as an artifact",
        hint="give a path, bytes, a text, a table, a figure, or what JSON can hold",
    )


def _given(name: str | None, what: str) -> str:
    if not name:
        raise InvalidError(f"{what} need a name to be kept under", hint='run.artifact(content, "report.html")')
    return name


def _ending(name: str, endings: tuple[str, ...]) -> str:
    return name if PurePosixPath(name).suffix.lower() in endings else f"{name}{endings[0]}"


def _drawn(figure: Any, name: str) -> bytes:
    sink = io.BytesIO()
    try:
        figure.savefig(sink, format=PurePosixPath(name).suffix.lower().removeprefix("."), bbox_inches="tight")
    except Exception as error:
        raise _undrawn(name, error) from error
    return sink.getvalue()


def _paged(figure: Any, name: str) -> bytes:
    try:
        page = figure.to_html()
        if not isinstance(page, str):
            raise TypeError(f"to_html gave a {type(page).__name__}")
    except Exception as error:
        raise _undrawn(name, error) from error
    return page.encode("utf-8", "surrogatepass")


def _undrawn(name: str, error: Exception) -> InvalidError:
    return InvalidError(
        f"the figure {name} cannot be drawn: {type(error).__name__}: {error}"[:300],
        hint="show it in a cell first, where it fails as well",
    )


def _tabled(value: Any, name: str) -> bytes:
    import pyarrow.parquet as pq
    from pyarrow import csv

    found, sink = to_arrow(value, allow_empty=True), io.BytesIO()
    if name.lower().endswith(".csv"):
        csv.write_csv(found, sink)
    else:
        pq.write_table(found, sink, compression="zstd")
    return sink.getvalue()


def _jsoned(value: Any, name: str) -> bytes:
    try:
        return json.dumps(_plain(value, name), ensure_ascii=False, indent=1).encode()
    except RecursionError:
        raise InvalidError(f"{name} nests too deeply for JSON, or holds itself") from None


def _plain(value: Any, name: str) -> Any:
    """What JSON can hold; what is not finite becomes text, as in params."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, name) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, name) for inner in value]
    if hasattr(value, "tolist") and hasattr(value, "shape"):
        return _plain(value.tolist(), name)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidError(
        f"{name} holds a {type(value).__name__}, which JSON cannot", hint="give it as a number, a text or a list"
    )


def loaded(objects: ObjectStore, digest: str, name: str) -> Any:
    """What an artifact holds, by the ending of its name: a table, what JSON holds, a text, or bytes.

    Raises
    ------
    InvalidError
        When it is not what its name says.
    """
    content, ending = objects.read(digest), PurePosixPath(name).suffix.lower()
    try:
        if ending in {".parquet", ".pq"}:
            import pyarrow.parquet as pq

            return pq.read_table(io.BytesIO(content)).to_pandas()
        if ending == ".json":
            return json.loads(content)
        return content.decode() if ending in _TEXTS else content
    except (OSError, ValueError) as error:
        raise InvalidError(
            f"the artifact {name} is not what its name says: {error}"[:300],
            hint=f"take its bytes: `ml run artifact REF {name} --to FILE`",
        ) from error


def placed(objects: ObjectStore, kept: Mapping[str, str], name: str, to: str | Path | None, *, overwrite: bool) -> Any:
    """One artifact, or a folder of them: its content, or with `to` the path that it was written to.

    Raises
    ------
    NotFoundError
        When there is none of this name.
    ConflictError
        When there is something already where it is to be written.
    """
    name = name.rstrip("/")
    if name in kept:
        if to is None:
            return loaded(objects, kept[name], name)
        return files.write_file(objects, kept[name], target_of(to, PurePosixPath(name).name, overwrite=overwrite))
    below = {key.removeprefix(f"{name}/"): digest for key, digest in kept.items() if key.startswith(f"{name}/")}
    if not below:
        raise NotFoundError(f"the run keeps no artifact {name!r}", hint=nearest(name, kept) or "`ml run show REF`")
    if to is None:
        raise InvalidError(
            f"{name} is a folder of {len(below)} artifacts", hint=f"`ml run artifact REF {name} --to FOLDER`"
        )
    target = target_of(to, PurePosixPath(name).name, overwrite=overwrite)
    for inner, digest in below.items():
        place = target / check_artifact(inner)
        place.parent.mkdir(parents=True, exist_ok=True)
        files.write_file(objects, digest, place)
    return target
