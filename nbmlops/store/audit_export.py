r"""The audit trail for a SIEM: JSON lines, or CEF, written as it is read.

CEF is the Common Event Format of ArcSight, version 0 ("Implementing ArcSight Common Event Format (CEF)", version 26):
``CEF:0|Vendor|Product|Version|Class|Name|Severity|Extension``. In the header a backslash and a pipe are escaped by a
backslash, and no line may break. In values of the extension a backslash and an equal sign are, and a line break is
written as ``\n`` or ``\r``; a pipe is not escaped there, an equal sign is not in the header.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, select

from nbmlops.core.clock import microseconds
from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError, nearest
from nbmlops.core.version import __version__
from nbmlops.store import schema

if TYPE_CHECKING:
    from nbmlops.store.audit_selection import Selection
    from nbmlops.store.catalog import Catalog

__all__ = ["FORMS", "TrailExport", "cef", "export", "json_line"]

_PAGE = 2_000
_LONGEST = 4_000
"""Characters that a custom string of CEF may have."""
_SEVERITIES = (
    ("*.break_glass", 9),
    ("data.erase*", 8),
    ("*.erase*", 8),
    ("*.trust", 7),
    ("access.*", 7),
    ("policy.*", 7),
    ("*.release", 6),
    ("*.delete", 5),
    ("store.*", 5),
)
"""How grave an action is, 0 to 10, by its pattern; the first that fits counts, and 3 when none does."""


@dataclass(frozen=True, slots=True)
class TrailExport:
    """An export: its file and form, how many lines it has, the numbers of the first and the last, and the size."""

    path: str
    form: str
    events: int
    first: int | None
    last: int | None
    bytes: int


def json_line(line: dict[str, Any]) -> str:
    """A line as one JSON object, as the chain has it; `at` in ISO 8601, UTC."""
    return json.dumps({**line, "at": line["at"].isoformat(timespec="microseconds")}, ensure_ascii=True)


def cef(line: dict[str, Any]) -> str:
    """A line as one of CEF: its digest is ``cs1``, the one before it ``cs2``, its detail, as JSON, ``cs3``."""
    action = line["action"]
    severity = next((grave for pattern, grave in _SEVERITIES if fnmatchcase(action, pattern)), 3)
    head = ("CEF:0", "nbmlops", "nbmlops", __version__, action, action.replace(".", " "), str(severity))
    said = {
        "rt": str(microseconds(line["at"]) // 1_000),
        "externalId": str(line["sequence"]),
        "suser": line["actor"],
        "act": action,
        "msg": line["subject"],
        "cs1Label": "digest",
        "cs1": line["digest"],
        "cs2Label": "previous",
        "cs2": line["previous"],
    }
    if line["detail"]:
        told = canonical_json(line["detail"]).decode("utf-8", "surrogatepass")
        whole = told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"
        said |= {"cs3Label": "detail", "cs3": whole}
    extension = " ".join(f"{key}={_value(text)}" for key, text in said.items())
    return "|".join([head[0], *map(_header, head[1:]), extension])


def _header(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").splitlines())


def _value(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("=", "\\=")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")


FORMS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {"jsonl": json_line, "cef": cef}
"""The forms, by name."""


def export(
    catalog: Catalog,
    selection: Selection,
    target: Path,
    form: str,
    *,
    after: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> TrailExport:
    """Write lines of the trail, oldest first, into a new file that is there as a whole or not at all.

    Raises
    ------
    InvalidError
        When there is no such form.
    ConflictError
        When the file is there already, or an erasure changed the trail meanwhile.
    NotFoundError
        When its folder is not there.
    UnavailableError
        When it cannot be written.
    """
    if form not in FORMS:
        raise InvalidError(f"there is no form {form!r}", hint=nearest(form, FORMS) or "jsonl, or cef")
    if target.exists():
        raise ConflictError(f"{target} is there already", hint="give the export another name")
    if not target.parent.is_dir():
        raise NotFoundError(f"there is no folder {target.parent}", hint=f"mkdir -p {target.parent}")
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    events = 0
    first: int | None = None
    last: int | None = None
    try:
        with part.open("xb") as file:
            for line in _selected(catalog, selection, after):
                written = f"{FORMS[form](line)}\n".encode("utf-8", "surrogatepass")
                file.write(written)
                if progress is not None:
                    progress(len(written))
                events, first, last = events + 1, first or line["sequence"], line["sequence"]
            file.flush()
            os.fsync(file.fileno())
        os.link(part, target)
    except FileExistsError as error:
        raise ConflictError(f"{target} is there already", hint="give the export another name") from error
    except OSError as error:
        raise UnavailableError(f"cannot write {target}: {error.strerror}", hint="free some space") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return TrailExport(str(target), form, events, first, last, target.stat().st_size)


def _selected(catalog: Catalog, selection: Selection, after: int | None) -> Iterator[dict[str, Any]]:
    """Lines up to the last that there is now, a page in each reading: a long export holds nobody up."""
    table = schema.event
    newest = select(table.c.sequence, table.c.digest).order_by(table.c.sequence.desc()).limit(1)
    end = catalog.read(lambda c: c.execute(newest).one_or_none())
    if end is None:
        return
    last = after or 0
    asked = select(table).where(*selection.conditions(), table.c.sequence <= end.sequence).order_by(table.c.sequence)

    def page(connection: Connection) -> tuple[list[dict[str, Any]], str | None]:
        rows = connection.execute(asked.where(table.c.sequence > last).limit(_PAGE)).all()
        own = connection.execute(select(table.c.digest).filter_by(sequence=end.sequence)).scalar_one_or_none()
        return [dict(row._mapping) for row in rows], own

    while True:
        rows, digest = catalog.read(page)
        if digest != end.digest:
            raise ConflictError("an erasure changed the audit trail meanwhile", hint="export it again")
        yield from rows
        if len(rows) < _PAGE:
            return
        last = rows[-1]["sequence"]
