"""How keys and values are written online: as JSON, short and exact, which Python reads in microseconds.

A float is written with the digits that give it back, so that what is served is bit by bit what was computed. Times are
microseconds or nanoseconds since 1970, as their Arrow type says; bytes are hexadecimal, decimals and dates text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from nbmlops.core import clock
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    import polars as pl

    from nbmlops.features.online.records import Kind

__all__ = ["Decoder", "encoded_rows", "key_of", "keys_of", "kind_of"]

_quick: Callable[[str], Any] = json.loads
with suppress(ImportError):
    from orjson import loads as _loads  # comes with the extra serve, and reads the same numbers five times as fast

    _quick = _loads
_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def kind_of(arrow_type: str) -> Kind:
    """What values of an entity are, by their Arrow type."""
    if arrow_type in {"string", "large_string"} or arrow_type.startswith("dictionary"):
        return "text"
    return "whole" if arrow_type.startswith(("int", "uint")) else "other"


def key_of(values: Sequence[Any], kinds: Sequence[Kind]) -> str:
    """The key of one entity.

    Raises
    ------
    InvalidError
        When a value cannot be of that kind.

    Examples
    --------
    >>> key_of(["AA", 7.0], ["text", "whole"])
    '["AA",7]'
    """
    return _dumps([_plain(value, kind) for value, kind in zip(values, kinds, strict=True)])


def keys_of(columns: Sequence[Sequence[Any]], kinds: Sequence[Kind]) -> list[str | None]:
    """The keys of rows that come as columns; None for a row with a null in it."""
    if len(columns) == 1:
        return [_key_of_one(value, kinds[0]) for value in columns[0]]
    return [None if any(map(_is_null, row)) else key_of(row, kinds) for row in zip(*columns, strict=True)]


def _key_of_one(value: Any, kind: Kind) -> str | None:
    """The same of one entity, quick for what is of its kind already."""
    if type(value) is int and kind == "whole":
        return f"[{value}]"
    if type(value) is str and kind == "text":
        return f"[{encode_basestring(value)}]"
    return None if _is_null(value) else key_of((value,), (kind,))


def _is_null(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 - only NaN is not itself


def _plain(value: Any, kind: Kind) -> Any:
    if kind == "text":
        return value if type(value) is str else str(value)
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if kind == "whole":
        try:
            whole = int(value)
            if isinstance(value, str) or whole == value:
                return whole
        except (TypeError, ValueError, OverflowError):
            pass
        raise InvalidError(f"{str(value)[:60]!r} is no whole number, and the entity is one", hint="give its number")
    return _written(value)


def _written(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return clock.microseconds(aware)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return [_written(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _written(each) for key, each in value.items()}
    raise InvalidError(f"a {type(value).__name__} cannot be kept online", hint="use numbers, texts, times or lists")


def encoded_rows(frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """Each row's features as one text."""
    import polars as pl

    plain = (pl.String, pl.Boolean, pl.Float32, pl.Float64)
    picked = frame.select(columns)
    if all(kind in plain or kind.is_integer() for kind in picked.dtypes):
        return list(map(_dumps, picked.iter_rows()))
    exact = [
        pl.col(name).to_physical() if isinstance(kind, pl.Datetime) and kind.time_unit == "ns" else pl.col(name)
        for name, kind in picked.schema.items()
    ]
    return [_dumps([_written(value) for value in row]) for row in picked.select(exact).iter_rows()]


class Decoder:
    """Reads rows of one version of a view.

    Parameters
    ----------
    columns : sequence of tuple of str
        All its features and their Arrow types.
    wanted : sequence of str
        Those that are asked, in this order.
    """

    def __init__(self, columns: Sequence[tuple[str, str]], wanted: Sequence[str]) -> None:
        names = [name for name, _ in columns]
        self._at = [names.index(name) for name in wanted]
        self._all = self._at == list(range(len(names)))
        read = [(place, _reader(columns[at][1])) for place, at in enumerate(self._at)]
        self._special = [(place, reader) for place, reader in read if reader is not None]
        self._plain = self._all and not self._special

    def rows(self, texts: Sequence[str]) -> list[list[Any]]:
        """The features of rows."""
        if self._plain:
            try:
                together: list[list[Any]] = _quick(f"[{','.join(texts)}]")
                return together
            except ValueError:  # some have what only Python reads
                pass
        return [self.row(text) for text in texts]

    def row(self, text: str) -> list[Any]:
        """The features of a row."""
        try:
            whole = _quick(text)
        except ValueError:  # not a number, which only Python reads
            whole = json.loads(text)
        found = whole if self._all else [whole[at] for at in self._at]
        for place, reader in self._special:
            if found[place] is not None:
                found[place] = reader(found[place])
        return found


def _reader(kind: str) -> Callable[[Any], Any] | None:
    if kind.startswith("timestamp"):
        per = 1_000 if kind.startswith("timestamp[ns") else 1
        zoned = "tz=" in kind

        def instant(value: int) -> datetime:
            found = clock.instant(value // per)
            return found if zoned else found.replace(tzinfo=None)

        return instant
    if kind.startswith("duration"):
        return lambda value: timedelta(microseconds=value)
    simple: dict[str, Callable[[Any], Any]] = {
        "date": date.fromisoformat,
        "time3": time.fromisoformat,
        "time6": time.fromisoformat,
        "decimal": Decimal,
        "binary": bytes.fromhex,
        "fixed_size_binary": bytes.fromhex,
    }
    return next((reader for begin, reader in simple.items() if kind.startswith(begin)), None)
