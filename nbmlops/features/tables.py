"""Offline tables: what a view's function gives of whole sources, computed once and kept as a version of data.

A table is called ``feature.NAME``. It is found again by a tag that names the code and the contents of its sources, so
that nothing is computed twice, and a view whose text alone has changed keeps its table.
"""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.features.capturing import rebuilt
from nbmlops.features.defining import Defining
from nbmlops.features.definition import Definition
from nbmlops.features.registry import TABLE
from nbmlops.features.shaping import feature_columns, shaped
from nbmlops.features.trial import called

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.data.records import DataVersion
    from nbmlops.features.records import FeatureVersion

__all__ = ["Computed", "Tables", "computed_of", "plain"]

_KEY = "computed."
_LARGE = 4 << 20
"""Bytes from which on a table is kept in its own order, to be read part by part; others may be rows of their source."""


class Computed(NamedTuple):
    """What the tag of an offline table says: by which version of the view, from what, in how many seconds."""

    view: str
    sources: tuple[str, ...]
    seconds: float


def computed_of(table: DataVersion) -> list[Computed]:
    """Who computed an offline table; several, where different code has given the same."""
    found = []
    for key, value in table.tags.items():
        if key.startswith(_KEY):
            view, sources, seconds = value.split(" | ")
            found.append(Computed(view, tuple(sources.split(", ")), float(seconds.removesuffix(" s"))))
    return found


class Tables(Defining):
    """What computes offline tables."""

    def compute(self, ref: str, *, again: bool = False) -> DataVersion:
        """Compute the offline table of a view, unless the same code has done so from the same sources.

        Parameters
        ----------
        ref : str
            The view.
        again : bool
            Compute it even so.

        Returns
        -------
        DataVersion
            The table: entities, time and features, in the order of entities and time; called ``feature.NAME``.

        Raises
        ------
        InvalidError
            When the view is computed on the request, its function fails, or gives no table that can be kept.
        NotFoundError
            When there is no such view, or a source is gone.
        """
        version = self._record(self._versions.resolve(ref))
        said = version.definition
        if not isinstance(said, Definition) or said.on_demand:
            what = "is computed on the request" if isinstance(said, Definition) else "is a service"
            raise InvalidError(f"{version.ref} {what} and has no table", hint=f"`ml feature show {version.name}`")
        sources = [self._data.show(source) for source in said.sources]
        key = self._key(said, [source.digest for source in sources])
        if not again and (known := self._known(version, key)) is not None:
            return known
        begun = clock.perf_counter()
        self._lineage.record("reads", self._versions.get(version.id))
        given = [self._data.load(source.ref) for source in sources]
        made = called(rebuilt(said.source, said.function), said.name, given)
        frame = shaped(made, said.name, said.entities, said.time)
        table = plain(frame.to_arrow())
        _refuse_other_columns(version, said, table)
        seconds = clock.perf_counter() - begun
        told = f"{version.ref} | {', '.join(source.ref for source in sources)} | {seconds:.3f} s"
        name, tags = f"{TABLE}{version.name}", {key: told}
        if table.nbytes < _LARGE:
            return self._data.save(table, name, tags=tags, allow_empty=True)
        return self._data.stream(_Whole(table), name, [], tags=tags)

    def table(self, ref: str) -> DataVersion:
        """The offline table of a view from its sources as they are now; computed when that has not been done."""
        return self.compute(ref)

    def _key(self, said: Definition, sources: list[str]) -> str:
        identity = [said.code_digest, list(said.entities), said.time, [list(pair) for pair in said.features], sources]
        return f"{_KEY}{digests.of_json(identity)[:32]}"

    def _known(self, version: FeatureVersion, key: str) -> DataVersion | None:
        try:
            history = self._data.history(f"{TABLE}{version.name}")
        except NotFoundError:
            return None
        return next((table for table in history if key in table.tags), None)


class _Whole:
    """A table in memory, as `nbmlops.data.parts.Reading` has it."""

    def __init__(self, table: pa.Table) -> None:
        self.schema = table.schema
        self._table = table

    def parts(self) -> Iterator[pa.Table]:
        """The rows, in order."""
        yield self._table


def plain(table: pa.Table) -> pa.Table:
    """A table whose texts are plain Arrow strings, whatever library it comes from."""
    import pyarrow as pa

    kinds = {"large_string": pa.string(), "string_view": pa.string(), "large_binary": pa.binary()}
    fields = [field.with_type(kinds.get(str(field.type), field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


def _refuse_other_columns(version: FeatureVersion, said: Definition, table: Any) -> None:
    """Refuse a table that has not the features that were defined: whoever reads it relies on them."""
    found = feature_columns(table.column_names, said.entities, said.time)
    if tuple(found) != said.columns:
        raise InvalidError(
            f"{version.ref} gave the features {', '.join(found)}, and is defined with {', '.join(said.columns)}",
            hint="define it again: its source has other columns now",
        )
