"""A listing: records under the columns that their type registered, for people, for programs, for pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import html, load_views, markdown, text
from nbmlops.render.dispatch import json as _json
from nbmlops.render.look import Look, line
from nbmlops.render.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Field", "Listing", "lists"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """A column of a listing.

    Attributes
    ----------
    header : str
        What stands above it.
    value : callable
        Gives the value of a record, for pandas.
    shown : callable
        Writes that value for people.
    right : bool
        Whether it is a number, and stands to the right.
    """

    header: str
    value: Callable[[T], Any]
    shown: Callable[[Any], str] = str
    right: bool = False

    def cell(self, record: T) -> str:
        """The text of a record's cell; nothing when there is no value."""
        value = self.value(record)
        return "" if value is None else self.shown(value)


@dataclass(frozen=True, slots=True)
class _Kind:
    fields: tuple[Field[Any], ...]
    nothing: str


_kinds: dict[tuple[type, str], _Kind] = {}


def lists(cls: type[T], *fields: Field[T], nothing: str, view: str = "") -> None:
    """Register the columns of listings of `cls`, and what an empty one says; a `view` is another choice of columns."""
    _kinds[cls, view] = _Kind(fields, nothing)


class Listing(Sequence[T]):
    """Records of one type, in order.

    Parameters
    ----------
    records : iterable
        The records.
    of : type
        Their type, whose package's ``views`` registered the columns.
    view : str
        Which of the choices of columns that were registered.
    nothing : str
        What it says when it is empty; by default what was registered.
    """

    __slots__ = ("_nothing", "_of", "_records", "_view")

    def __init__(self, records: Iterable[T], of: type[T], view: str = "", nothing: str = "") -> None:
        self._records = tuple(records)
        self._of = of
        self._view = view
        self._nothing = nothing

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Listing[T]: ...
    def __getitem__(self, index: int | slice) -> T | Listing[T]:
        if isinstance(index, slice):
            return Listing(self._records[index], self._of, self._view, self._nothing)
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __eq__(self, other: object) -> bool:
        return self._records == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._records)

    def __repr__(self) -> str:
        return text(self)

    @property
    def fields(self) -> tuple[Field[T], ...]:
        """The columns."""
        return self._kind.fields

    @property
    def _kind(self) -> _Kind:
        if (self._of, self._view) not in _kinds:
            load_views(self._of)
        return _kinds[self._of, self._view]

    def table(self) -> Table:
        """The records as a table; columns in which nothing stands are left out."""
        columns = [Column(field.header, field.right) for field in self.fields]
        return Table.of(columns, ([field.cell(record) for field in self.fields] for record in self))

    def to_pandas(self) -> pd.DataFrame:
        """The records as a frame: a row for each, a column for each field, values and not their text."""
        import pandas as pd

        return pd.DataFrame({field.header: [field.value(record) for record in self] for field in self.fields})

    def look(self) -> Look:
        """What it looks like: its table, or what to type when it is empty."""
        if not self._records:
            return Look(line(spoken(self._nothing or self._kind.nothing)))
        return Look((), (self.table().without_empty_columns(),))


@text.register
def _(obj: Listing, *, detail: bool = False, columns: int | None = None) -> str:  # type: ignore[type-arg]
    return obj.look().text(detail=detail, columns=columns)


@html.register
def _(obj: Listing, *, detail: bool = False) -> str:  # type: ignore[type-arg]
    from nbmlops.render.page import page

    return page(obj.look(), detail=detail)


@markdown.register
def _(obj: Listing, *, detail: bool = False) -> str:  # type: ignore[type-arg]
    from nbmlops.render.gfm import written

    return written(obj.look(), detail=detail)


@_json.register
def _(obj: Listing) -> list[Any]:  # type: ignore[type-arg]
    return [_json(record) for record in obj]
