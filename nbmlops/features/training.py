"""The verb ``training``: a spine and some features become a training set, each value as it was known at the event."""

from __future__ import annotations

import os
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.features.buckets import Side, Size, joined_in_buckets
from nbmlops.features.capturing import rebuilt
from nbmlops.features.definition import FeatureRef, ServiceDefinition
from nbmlops.features.joining import Keys, Wanted, keyed, looked_up
from nbmlops.features.on_demand import answered, refuse_mixing
from nbmlops.features.registry import NEWEST, pinned_texts
from nbmlops.features.spines import Spine, spine_of, table_parts
from nbmlops.features.tables import Tables, plain

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from nbmlops.data.records import DataVersion
    from nbmlops.features.records import FeatureVersion
    from nbmlops.store.versions import Version

__all__ = ["Training"]

_SHARE = 4
_LARGE = 16 << 20
_LONGEST_TAG = 4_000
_HIDDEN = "__input__"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is joined, what is computed on the rows, and what it is all called."""

    views: tuple[tuple[FeatureVersion, Wanted], ...]
    asked: tuple[tuple[FeatureVersion, dict[str, str], tuple[str, ...]], ...]
    order: tuple[str, ...]


class Training(Tables):
    """What makes training sets; `_scratch` is the folder for what is larger than memory."""

    _scratch: Path

    def training(
        self,
        spine: Any,
        features: str | Sequence[str],
        *,
        time: str | None = None,
        label: str | None = None,
        name: str | None = None,
        message: str | None = None,
        memory: float | None = None,
    ) -> DataVersion:
        """Make a training set: each row of a spine with the features as they were known at its time.

        Of each view the newest row of the same entities counts that is not later than the event, and with a ttl not
        older than that; what is missing is null. Offline tables are computed where they are not there. On-demand
        features are computed on the rows, by the function that serving calls.

        Parameters
        ----------
        spine : pandas.DataFrame, polars.DataFrame, pyarrow.Table, str or Path
            Rows with the entities and the time of an event: a table, a reference of data, or a Parquet file.
        features : sequence of str
            Feature services, views, or features as ``view:feature``; of a view, ``view@v2`` is one version.
        time : str, optional
            The column of the event time; by default the only one that holds times.
        label : str, optional
            The column of the spine to be predicted, which is kept as a tag of the training set.
        name : str, optional
            What to call it; ``training.`` and the first of `features` by default.
        message : str, optional
            Why it was made.
        memory : float, optional
            Megabytes that the join may take; what needs more goes by way of the disk. A quarter of this machine's
            memory by default.

        Returns
        -------
        DataVersion
            The columns of the spine and the features, in that order, row by row as in the spine. A feature is called
            by its name, and ``view__feature`` where that would be there twice.

        Raises
        ------
        InvalidError
            When an entity or the time is not there, event times are missing, or times with a zone meet times without.
        RefusedError
            When a value was made only after its event, or a view is retired.
        NotFoundError
            When there is no such view, feature or version.
        """
        named = _some(features)
        target = name or f"training.{FeatureRef.parse(named[0]).name}"
        chosen = self.chosen(named)
        opened = spine_of(spine, self._data)
        event = opened.time(time)
        pinned = self.inputs_of(chosen)
        plan = self._plan(chosen, opened, pinned)
        _refuse_label(label, opened, plan, event)
        tags = {**self._record_reads(named, chosen, pinned), "time": event, **({"label": label} if label else {})}
        return self._made(opened, event, plan, memory, partial(self._kept, target, message, tags))

    def recomputed(
        self, rows: Any, features: Sequence[str], *, time: str, pinned: Mapping[str, FeatureVersion] = NEWEST
    ) -> pl.DataFrame:
        """The features of rows as they were known at their times, in the order of `features`, kept nowhere.

        Parameters
        ----------
        rows : pandas.DataFrame
            Entities, inputs of functions, and the time.
        features : sequence of str
            As `training` takes them.
        time : str
            The column of the time.
        pinned : mapping, optional
            Versions of the views that functions take inputs of, as `inputs_of` gives them.
        """
        chosen = self.chosen(features)
        opened = spine_of(rows, self._data)
        plan = self._plan(chosen, opened, pinned)
        tables = [(self.table(version.ref), wanted) for version, wanted in plan.views]
        return self._whole(opened, opened.time(time), tables, plan).select(plan.order)

    def _kept(
        self, name: str, message: str | None, tags: Mapping[str, str], rows: pl.DataFrame | _Joined, of: list[Version]
    ) -> DataVersion:
        """Save joined rows, which were made from some versions, whole or part by part."""
        if isinstance(rows, _Joined) or rows.estimated_size() > _LARGE:
            # To look whether it is a recipe of what was loaded, all of which it is not, takes longer than the join.
            parts = rows if isinstance(rows, _Joined) else _Joined(iter([rows]))
            return self._data.stream(parts, name, of, message=message, tags=tags)
        return self._data.save(plain(rows.to_arrow()), name, message=message, tags=tags)

    def _made(
        self,
        spine: Spine,
        event: str,
        plan: _Plan,
        memory: float | None,
        keep: Callable[[pl.DataFrame | _Joined, list[Version]], DataVersion],
    ) -> DataVersion:
        """Join in memory where that is large enough, else by way of the disk."""
        tables = [(self.table(version.ref), wanted) for version, wanted in plan.views]
        most = int(memory * 1e6) if memory else _memory() // _SHARE
        wide = spine.size * len(plan.order) // len(spine.schema)  # what the features take, at the spine's own width
        needed = 4 * spine.size + 4 * wide + max((8 * table.size for table, _ in tables), default=0)
        if needed <= most:
            return keep(self._whole(spine, event, tables, plan), [])
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="training-") as folder:
            size = Size.of(needed, most, spine.rows, len(spine.schema) + len(plan.order))
            parts = self._in_parts(spine, event, tables, Path(folder), size)
            rows = _Joined(self._finished(part, plan, first=not n) for n, part in enumerate(parts))
            return keep(rows, [*spine.versions, *(self._data.table_version(table.ref) for table, _ in tables)])

    def _plan(
        self,
        chosen: Sequence[tuple[FeatureVersion, tuple[str, ...]]],
        spine: Spine,
        pinned: Mapping[str, FeatureVersion],
    ) -> _Plan:
        twice = Counter(name for _, names in chosen for name in names) + Counter(spine.schema.names)
        called = {
            (version.id, name): name if twice[name] == 1 else f"{version.name}__{name}"
            for version, names in chosen
            for name in names
        }
        order = tuple(called[version.id, name] for version, names in chosen for name in names)
        if len(set(order)) < len(order) or set(order) & set(spine.schema.names):
            again = next(iter({*order} & {*spine.schema.names}), None) or Counter(order).most_common(1)[0][0]
            raise InvalidError(f"two columns would be called {again}", hint="name one version of each view")
        joined: dict[int, tuple[FeatureVersion, dict[str, str]]] = {}
        asked = []
        for version, names in chosen:
            own = {name: called[version.id, name] for name in names}
            if version.view.on_demand:
                asked.append((version, own, self._inputs(version, joined, spine, pinned)))
            else:
                joined.setdefault(version.id, (version, {}))[1].update(own)
        for version, _ in joined.values():
            for entity in version.view.entities:
                if entity not in spine.schema.names:
                    raise InvalidError(
                        f"{spine.what} has no column {entity!r}, an entity of {version.ref}",
                        hint=nearest(entity, spine.schema.names) or f"it has {', '.join(spine.schema.names[:12])}",
                    )
        views = tuple(
            (one, Wanted(one.ref, one.view.entities, one.view.time, one.view.ttl, own)) for one, own in joined.values()
        )
        return _Plan(views, tuple(asked), order)

    def _inputs(
        self,
        version: FeatureVersion,
        joined: dict[int, tuple[FeatureVersion, dict[str, str]]],
        spine: Spine,
        pinned: Mapping[str, FeatureVersion],
    ) -> tuple[str, ...]:
        """Where the inputs of an on-demand view stand among the joined columns; those of views are joined too."""
        found = []
        for one in version.view.inputs:
            if ":" not in one:
                if one not in spine.schema.names:
                    raise InvalidError(
                        f"{spine.what} has no column {one!r}, an input of {version.ref}",
                        hint=nearest(one, spine.schema.names) or f"it has {', '.join(spine.schema.names[:12])}",
                    )
                found.append(one)
                continue
            of, name = self.input_of(one, pinned)
            own = joined.setdefault(of.id, (of, {}))[1]
            found.append(own.setdefault(name, f"{_HIDDEN}{of.name}__{name}"))
        return tuple(found)

    def _record_reads(
        self,
        named: Sequence[str],
        chosen: Sequence[tuple[FeatureVersion, tuple[str, ...]]],
        pinned: Mapping[str, FeatureVersion],
    ) -> dict[str, str]:
        """Write edges to the views and services that were used; the tags that tell of them."""
        known = [self._versions.resolve(FeatureRef.parse(text).view) for text in named if ":" not in text]
        services = [version for version in known if isinstance(self._read(version), ServiceDefinition)]
        views = dict.fromkeys([*(view.id for view, _ in chosen), *(view.id for view in pinned.values())])
        for version in (*services, *map(self._versions.get, views)):
            self._lineage.record("reads", version)
        told = {"features": [view.ref for view, _ in chosen], "service": [version.ref for version in services]}
        told["inputs"] = pinned_texts(pinned)
        return {key: ", ".join(refs)[:_LONGEST_TAG] for key, refs in told.items() if refs}

    def _whole(
        self, spine: Spine, event: str, tables: Sequence[tuple[DataVersion, Wanted]], plan: _Plan
    ) -> pl.DataFrame:
        import polars as pl

        frame = spine.frame()
        columns, keys = [frame], dict[tuple[str, ...], Keys]()
        with ThreadPoolExecutor(1, thread_name_prefix="nbmlops-tables") as pool:
            # The next table is read while one is joined; the context says on whose behalf.
            left = iter(tables)
            coming = deque(pool.submit(copy_context().run, self._loaded, pair) for pair in islice(left, 1))
            for _, wanted in tables:
                coming.extend(pool.submit(copy_context().run, self._loaded, pair) for pair in islice(left, 1))
                own = wanted.entities
                if own not in keys:
                    keys[own] = keyed(frame, event, own, spine.what)
                columns.append(looked_up(keys[own], coming.popleft().result(), wanted, spine.what))
        return self._finished(pl.concat(columns, how="horizontal"), plan, first=True)

    def _loaded(self, pair: tuple[DataVersion, Wanted]) -> pl.DataFrame:
        table, wanted = pair
        known = wanted.columns([column.name for column in table.columns])
        loaded: pl.DataFrame = self._data.load(table.ref, columns=known, as_="polars")
        return loaded

    def _in_parts(
        self, spine: Spine, event: str, tables: Sequence[tuple[DataVersion, Wanted]], folder: Path, size: Size
    ) -> Iterator[pl.DataFrame]:
        sides = []
        for table, wanted in tables:
            known = wanted.columns([column.name for column in table.columns])
            sides.append(Side(wanted, partial(table_parts, self._data, table.ref, known)))
        return joined_in_buckets(partial(spine.parts, size.at_once), event, spine.what, sides, folder, size)

    def _finished(self, rows: pl.DataFrame, plan: _Plan, *, first: bool) -> pl.DataFrame:
        """The rows with what is computed on demand, and without what was only needed for that."""
        for version, own, inputs in plan.asked:
            said = version.view
            function = rebuilt(said.source, said.function)
            given = rows.select(inputs).to_pandas()
            answer = answered(function, said.name, inputs, given)
            if first:
                refuse_mixing(function, said.name, inputs, given, answer.frame)
            made = answer.polars()
            missing = [name for name in own if name not in made.columns]
            if missing:
                raise NotFoundError(
                    f"{version.ref} gave no {missing[0]}; it gave {', '.join(made.columns)}",
                    hint="define it again, on rows like these: --from DATA",
                )
            rows = rows.with_columns(made[name].alias(called) for name, called in own.items())
        kept = [name for name in rows.columns if name not in set(plan.order) and not name.startswith(_HIDDEN)]
        return rows.select(*kept, *plan.order)


def _some(features: str | Sequence[str]) -> tuple[str, ...]:
    named = (features,) if isinstance(features, str) else tuple(features)
    if not named:
        raise InvalidError("a training set needs features", hint="`ml feature list`")
    return named


def _refuse_label(label: str | None, spine: Spine, plan: _Plan, event: str) -> None:
    if label is None:
        return
    if label not in spine.schema.names:
        raise InvalidError(f"{spine.what} has no column {label!r}", hint=nearest(label, spine.schema.names))
    used = {entity for _, wanted in plan.views for entity in wanted.entities} | {event}
    if label in used or any(label in inputs for _, _, inputs in plan.asked):
        raise InvalidError(
            f"the label {label} is an entity, the time or an input of a feature: the model would be told the answer",
            hint="predict another column, or leave that feature out",
        )


class _Joined:
    """Joined rows part by part, as `nbmlops.data.parts.Reading` has it."""

    def __init__(self, parts: Iterator[pl.DataFrame]) -> None:
        self._first = plain(next(parts).to_arrow())
        self._rest = parts
        self.schema = self._first.schema

    def parts(self) -> Iterator[pa.Table]:
        """The rows, in order."""
        yield self._first
        for part in self._rest:
            yield plain(part.to_arrow()).cast(self.schema)


def _memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
