"""A table written as a recipe: its columns taken, row by row, from Parquet files that are in the store already.

A notebook filters, sorts and amends tables all day. What comes out shares its values with what went in, but no
Parquet file of it shares bytes: with one row in twenty dropped at random, every row group is another. So such a
table is kept as what it is: for some columns at a time, which rows of which files make it up. A file may be the
one that an earlier version was written to, or a small one with the rows and columns that are new.

Recipes name files, never other recipes, so reading one is one step, however long the chain of versions that led to
it. ``docs/formats/table.md`` describes the JSON.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError
from nbmlops.data.rows import Rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["PROTOCOL", "Group", "Packed", "Part", "Piece", "Recipe", "parse", "render"]

PROTOCOL = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """What rows are taken from: a Parquet file in the store, or without one the numbers `start`, `start + step` ….

    The numbers are what pandas counts rows with; once rows are dropped or sorted they are a column.
    """

    digest: str
    rows: int
    start: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one piece: where they stand in the table, and which rows of the piece they are; None for all."""

    piece: Piece
    at: Rows | None
    taken: Rows | None


@dataclass(frozen=True, slots=True)
class Group:
    """Columns whose rows come from the same places. The parts' `at` together are every row of the table, once."""

    columns: tuple[str, ...]
    parts: tuple[Part, ...]

    def places(self, count: int) -> np.ndarray | None:
        """For each row of the table its number among all pieces' rows, laid end to end; None for one piece as it is."""
        import numpy as np

        if len(self.parts) == 1:
            taken = self.parts[0].taken
            return None if taken is None else taken.numbers
        places = np.empty(count, np.int64)
        start = 0
        for part in self.parts:
            numbers = np.arange(part.piece.rows) if part.taken is None else part.taken.numbers
            places[slice(None) if part.at is None else part.at.numbers] = numbers + start
            start += part.piece.rows
        return places

    @classmethod
    def of_places(cls, columns: Iterable[str], pieces: Sequence[Piece], places: np.ndarray) -> Group:
        """Make a group from the number of each row among all `pieces` rows; what no row is taken from is left out."""
        import numpy as np

        parts, start = [], 0
        for piece in pieces:
            inside = np.flatnonzero((places >= start) & (places < start + piece.rows))
            taken = places[inside] - start
            start += piece.rows
            if len(inside):
                whole = len(taken) == piece.rows and np.array_equal(taken, np.arange(piece.rows))
                at = None if len(inside) == len(places) else Rows.of(inside, len(places))
                parts.append(Part(piece, at, None if whole else Rows.of(taken, piece.rows)))
        return cls(tuple(columns), tuple(parts))


@dataclass(frozen=True, slots=True)
class Recipe:
    """A table of `rows` rows; `schema` is as in the files that `layout.write` makes, with the categories."""

    schema: pa.Schema
    rows: int
    groups: tuple[Group, ...]

    def pieces(self) -> list[Piece]:
        """The files it needs, each once."""
        return list(dict.fromkeys(part.piece for group in self.groups for part in group.parts))


@dataclass(frozen=True, slots=True)
class Packed:
    """A recipe as it is stored: its JSON, the row numbers beside it, and all objects that it needs."""

    content: bytes
    beside: tuple[bytes, ...]
    needs: tuple[str, ...]


def render(recipe: Recipe) -> Packed:
    """Write a recipe down."""
    beside: dict[str, bytes] = {}

    def numbers(rows: Rows | None) -> list[str | None]:
        if rows is None or not rows.content:
            return ["all", None]
        digest = digests.of_bytes(rows.content)
        beside[digest] = rows.content
        return [rows.code, digest]

    groups = [
        {
            "columns": list(group.columns),
            "parts": [
                {
                    **_source(part.piece),
                    "count": part.piece.rows if part.taken is None else part.taken.count,
                    "at": numbers(part.at),
                    "taken": numbers(part.taken),
                }
                for part in group.parts
            ],
        }
        for group in recipe.groups
    ]
    schema = base64.b64encode(recipe.schema.serialize().to_pybytes()).decode()
    content = digests.canonical_json({"protocol": PROTOCOL, "rows": recipe.rows, "schema": schema, "groups": groups})
    needs = dict.fromkeys([*(piece.digest for piece in recipe.pieces() if piece.digest), *beside])
    return Packed(content, tuple(beside.values()), tuple(needs))


def parse(content: bytes, read: Callable[[str], bytes]) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    content : bytes
        Its JSON.
    read : callable
        Gives the content of an object of the store.

    Raises
    ------
    InvalidError
        When it is of a later protocol or contradicts itself.
    """
    import pyarrow as pa

    try:
        read_json: dict[str, Any] = json.loads(content)
        protocol = read_json["protocol"]
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidError("this is no recipe of a table", hint="`ml store verify --full`") from error
    if protocol != PROTOCOL:
        raise InvalidError(f"this table is a recipe of protocol {protocol}", hint="pip install --upgrade nbmlops")
    count = read_json["rows"]

    known: dict[tuple[str, str, int, int], Rows] = {}

    def numbers(written: list[Any], length: int, among: int) -> Rows | None:
        code, digest = written
        if code == "all":
            return None
        # Groups of columns that came from the same places share their numbers, which are made once.
        return known.setdefault((code, digest, length, among), Rows(code, partial(read, digest), length, among))

    groups = []
    for group in read_json["groups"]:
        parts = []
        for part in group["parts"]:
            at = numbers(part["at"], part["count"], count)
            taken = numbers(part["taken"], part["count"], part["rows"])
            if taken is None and part["count"] != part["rows"]:
                raise _contradiction()
            parts.append(Part(_piece(part), at, taken))
        if sum(part["count"] for part in group["parts"]) != count:
            raise _contradiction()
        groups.append(Group(tuple(group["columns"]), tuple(parts)))
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(read_json["schema"])))
    return Recipe(schema, count, tuple(groups))


def _source(piece: Piece) -> dict[str, Any]:
    if piece.digest:
        return {"object": piece.digest, "rows": piece.rows}
    return {"numbers": [piece.start, piece.step], "rows": piece.rows}


def _piece(part: dict[str, Any]) -> Piece:
    if "object" in part:
        return Piece(part["object"], part["rows"])
    return Piece("", part["rows"], *part["numbers"])


def _contradiction() -> InvalidError:
    return InvalidError("the parts of a recipe do not make up its table", hint="`ml store verify --full`")
