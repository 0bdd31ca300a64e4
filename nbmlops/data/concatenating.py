"""The verb ``concat``: the rows of several versions of tables as one version, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import check_name
from nbmlops.data import layout
from nbmlops.data.identity import column_type
from nbmlops.data.labelling import labels
from nbmlops.data.records import DataVersion
from nbmlops.data.streaming import Streaming

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from nbmlops.data.stored import StoredTable

__all__ = ["Concatenating"]

Progress = Callable[[int], None]


class Concatenating(Streaming):
    """The verb that puts tables one below another."""

    def concat(
        self,
        refs: Sequence[str],
        name: str,
        *,
        message: str | None = None,
        tags: Mapping[str, Any] | None = None,
        alias: str | None = None,
        progress: Progress | None = None,
    ) -> DataVersion:
        """Save the rows of several tables, one below another in the order given, as the newest version of a name.

        The tables have the same columns in the same order. Types may differ as they do when a column has missing
        values, or none but those, in some of the tables: whole numbers become floats where none of them changes by
        it, and nulls become what the others are. Categories are those of all tables, in the order in which they come.

        Parameters
        ----------
        refs : sequence of str
            Which versions; at least one.
        name : str
            What to call it.
        message : str, optional
            Why it was made.
        tags : mapping, optional
            Tags of this version, by key.
        alias : str, optional
            An alias to move to this version.
        progress : callable, optional
            Called with numbers of bytes as they are read.

        Raises
        ------
        InvalidError
            When there is nothing to put together, one of them is no table, or their columns do not agree.
        NotFoundError
            When there is no such version.
        """
        if not refs:
            raise InvalidError("there is nothing to put together", hint="`ml data concat REF REF --name NAME`")
        labels(check_name(name), tags, alias)  # what cannot be kept is said before anything is read
        versions = [self.table_version(ref) for ref in refs]
        reading = _Reading([_Part(each.ref, partial(self.opened, each)) for each in versions])
        said: dict[str, Any] = {"message": message, "tags": tags, "alias": alias}
        return self.stream(reading, name, versions, **said, progress=progress)


@dataclass(frozen=True, slots=True)
class _Part:
    ref: str
    opened: Callable[[], AbstractContextManager[StoredTable]]


class _Reading:
    """The rows of all parts, as `nbmlops.data.parts.Reading` has it; one part is open at a time."""

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = parts
        # Column -> its categories, and whether they are in order; the same in all parts, or in none.
        self._categories: dict[str, tuple[pa.Array, bool]] = {}
        self.schema = self._agreed()

    def parts(self) -> Iterator[pa.Table]:
        for part in self._parts:
            with part.opened() as stored:
                for batch in stored.batches():
                    yield self._alike(batch, part.ref)

    def _agreed(self) -> pa.Schema:
        first: pa.Schema | None = None
        for part in self._parts:
            with part.opened() as stored:
                own = layout.plain(next(iter(stored.batches())).slice(0, 0)).schema
                categories = layout.categories(stored.schema)
            if first is None:
                first, self._categories = own, dict(categories)
                continue
            first = _unified(first, own, self._parts[0].ref, part.ref)
            self._unite(categories, own, part.ref)
        assert first is not None
        return self._with_categories(first)

    def _unite(self, categories: Mapping[str, tuple[pa.Array, bool]], schema: pa.Schema, ref: str) -> None:
        import pyarrow as pa

        for name in schema.names:
            known, new = self._categories.get(name), categories.get(name)
            if known is None or new is None:
                # A text here and a category there: the values are the same.
                self._categories.pop(name, None)
                continue
            (values, ordered), (others, also_ordered) = known, new
            if values.equals(others) and ordered == also_ordered:
                continue
            if ordered or also_ordered:
                raise InvalidError(
                    f"{self._parts[0].ref} and {ref} have other categories in {name!r}, or another order of them",
                    hint="save them with the same categories, or as texts",
                )
            united = dict.fromkeys([*values.to_pylist(), *others.to_pylist()])
            self._categories[name] = (pa.array(list(united), values.type), False)

    def _with_categories(self, schema: pa.Schema) -> pa.Schema:
        import pyarrow as pa

        for name, (values, ordered) in self._categories.items():
            place = schema.get_field_index(name)
            schema = schema.set(place, schema.field(place).with_type(pa.dictionary(pa.int32(), values.type, ordered)))
        return schema

    def _alike(self, batch: pa.Table, ref: str) -> pa.Table:
        """The batch with the types that all parts have together."""
        import pyarrow as pa

        columns = []
        for field, column in zip(self.schema, batch.columns, strict=True):
            if field.name in self._categories:
                columns.append(layout.as_category(column, *self._categories[field.name]))
                continue
            values = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            try:
                columns.append(values.cast(field.type))
            except pa.ArrowInvalid as error:
                raise InvalidError(
                    f"the column {field.name!r} of {ref} does not fit {column_type(field.type)}: {error}",
                    hint="save it with the type that it has in the others",
                ) from None
        return pa.table(columns, schema=self.schema)


def _unified(first: pa.Schema, other: pa.Schema, of_first: str, of_other: str) -> pa.Schema:
    """The schema that both tables fit; what the first says of pandas stays."""
    import pyarrow as pa

    if first.names != other.names:
        ours, theirs = dict.fromkeys(first.names), dict.fromkeys(other.names)
        said = [f"{of_other} has no {name!r}" for name in ours if name not in theirs]
        said += [f"{of_first} has no {name!r}" for name in theirs if name not in ours]
        raise InvalidError(
            f"{of_first} and {of_other} have other columns: {'; '.join(said[:5]) or 'they stand in another order'}",
            hint="save them with the same columns in the same order",
        )
    for place, (ours, theirs) in enumerate(zip(first, other, strict=True)):
        if ours.type == theirs.type:
            continue
        kind = _wider(ours.type, theirs.type)
        if kind is None:
            mine, its = column_type(ours.type), column_type(theirs.type)
            raise InvalidError(
                f"the column {ours.name!r} is {mine} in {of_first} and {its} in {of_other}",
                hint="save them with the same type",
            )
        first = first.set(place, pa.field(ours.name, kind, True, ours.metadata))
    return first


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type that takes the values of both; None where there is none without changing what they are."""
    import pyarrow as pa

    if pa.types.is_null(one) or pa.types.is_null(other):
        return other if pa.types.is_null(one) else one
    if layout.is_text(one) and layout.is_text(other):
        return pa.large_string()
    numbers = (pa.types.is_integer, pa.types.is_floating)
    if not all(any(is_kind(kind) for is_kind in numbers) for kind in (one, other)):
        return None
    if pa.types.is_integer(one) != pa.types.is_integer(other):
        return pa.float64()
    try:
        (field,) = pa.unify_schemas([pa.schema([("x", one)]), pa.schema([("x", other)])], promote_options="permissive")
    except pa.ArrowTypeError:
        return None
    return field.type
