"""A profile as bytes, and back: docs/formats/profile.md specifies them."""

from __future__ import annotations

import base64
import json
import math
from typing import Any, get_args

from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import CorruptError, UnsupportedError
from nbmlops.profiling.moments import Comoments, Moments
from nbmlops.profiling.personal.signs import NO_SIGNS
from nbmlops.profiling.records import ColumnProfile, Kind, Profile

__all__ = ["FORMAT", "read", "write"]

FORMAT = 2
_SIZES = ("rows", "nulls", "nan", "above", "below", "missed", "patterns_missed")
_PAIRS = ("bins", "common", "patterns")
_MATRICES = ("counts", "means", "squares", "products")
_ENDS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def write(profile: Profile) -> bytes:
    """Write a profile as JSON."""
    own = profile.comoments
    matrices = {key: [[_told(value) for value in row] for row in getattr(own, key)] for key in _MATRICES}
    return canonical_json(
        {
            "format": FORMAT,
            "of": profile.of,
            "digest": profile.digest,
            "rows": profile.rows,
            "columns": [_column(column) for column in profile.columns],
            "comoments": {"names": own.names, "left_out": own.left_out, **matrices},
        }
    )


def _column(column: ColumnProfile) -> dict[str, Any]:
    moments = column.moments
    said: dict[str, Any] = {key: getattr(column, key) for key in ("name", "kind", "type")}
    said |= {key: value for key in _SIZES if (value := getattr(column, key))}
    said |= {key: _apart(pairs) for key in _PAIRS if (pairs := getattr(column, key))}
    if moments.count:
        said["moments"] = [_told(each) for each in (moments.count, moments.mean, moments.m2, moments.min, moments.max)]
    if column.signs != NO_SIGNS:
        said["signs"] = column.signs
    if column.personal:
        said["personal"] = column.personal
    if column.told is not None:
        said["told"] = _told(column.told)
    if column.counts is not None:
        said["counts"] = _apart(column.counts)
    for key in ("sketch", "hashes"):
        if (value := getattr(column, key)) is not None:
            said[key] = base64.b64encode(value).decode()
    return said


def _apart(pairs: tuple[tuple[Any, int], ...]) -> list[list[Any]]:
    """Values and counts apart, as each list compresses better than pairs."""
    return [list(each) for each in zip(*pairs, strict=True)]


def read(content: bytes) -> Profile:
    """Read what `write` wrote.

    Raises
    ------
    UnsupportedError
        When a newer nbmlops wrote it.
    CorruptError
        When it is no profile.
    """
    try:
        said = json.loads(content)
        if said["format"] > FORMAT:
            raise UnsupportedError(
                f"a profile has format {said['format']}, and this nbmlops reads up to {FORMAT}",
                hint="pip install --upgrade nbmlops",
            )
        own = said["comoments"]
        matrices = (tuple(tuple(map(_read, row)) for row in own[key]) for key in _MATRICES)
        counts, means, squares, products = matrices
        comoments = Comoments(tuple(own["names"]), counts, means, squares, products, tuple(own["left_out"]))
        columns = tuple(map(_read_column, said["columns"]))
        return Profile(said["rows"], columns, comoments, said["of"], said["digest"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"what was kept as a profile is none: {error!r}"[:200]) from error


def _read_column(said: dict[str, Any]) -> ColumnProfile:
    if said["kind"] not in get_args(Kind):
        raise ValueError(said["kind"])
    known: dict[str, Any] = {key: said[key] for key in ("name", "kind", "type")}
    known |= {key: said[key] for key in _SIZES if key in said}
    known |= {key: tuple(zip(*said[key], strict=True)) for key in (*_PAIRS, "counts") if key in said}
    known |= {key: base64.b64decode(said[key], validate=True) for key in ("sketch", "hashes") if key in said}
    if "moments" in said:
        count, *others = said["moments"]
        known["moments"] = Moments(count, *map(_read, others))
    if "signs" in said:
        looked, found = said["signs"]
        known["signs"] = (looked, tuple(map(tuple, found)))
    known |= {"personal": said.get("personal", ""), "told": _read(said["told"]) if "told" in said else None}
    return ColumnProfile(**known)


def _told(value: float) -> float | str:
    """A number as JSON has it: what it has not is a word."""
    return value if math.isfinite(value) else str(value)


def _read(value: float | str) -> float:
    return _ENDS[value] if isinstance(value, str) else float(value)
