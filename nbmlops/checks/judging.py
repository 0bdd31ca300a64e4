"""What every verb that judges stands on: it finds the table that is meant, and keeps what was found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.checks.frames import SUFFIXES, CheckedTable, table_of, without_index
from nbmlops.checks.keeping import Keeping
from nbmlops.checks.records import Outcome, Report, Section
from nbmlops.core.errors import InvalidError
from nbmlops.store import lineage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import polars as pl

    from nbmlops.core.clock import Clock
    from nbmlops.data.records import DataVersion
    from nbmlops.data.service import Data
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore

__all__ = ["Judging"]


class Judging(Keeping):
    """What verbs that judge have in common, beside the verbs on reports.

    Parameters
    ----------
    catalog : Catalog
        Where reports are listed.
    objects : ObjectStore
        Where their documents lie.
    clock : Clock
        Tells when.
    data : Data
        Loads what is named by a reference.
    """

    def __init__(self, catalog: Catalog, objects: ObjectStore, clock: Clock, data: Data) -> None:
        super().__init__(catalog, objects)
        self._clock = clock
        self._data = data

    def _judged(
        self,
        section: Section,
        suite: str,
        subject: str,
        outcomes: Iterable[Outcome],
        judged: tuple[str, ...],
        *,
        strict: bool = False,
    ) -> Report:
        """Keep what was found as a report of now; with `strict` raise `RefusedError` when it did not pass."""
        now, run = self._clock.now(), lineage.current().run_id
        report = self.save(Report(None, suite, section, subject, tuple(outcomes), now, run, judged))
        if strict:
            report.raise_if_failed()
        return report

    def _is_ref(self, value: Any) -> bool:
        """Whether a value is a reference, and no path and no table."""
        return isinstance(value, str) and not (os.sep in value or (value.endswith(SUFFIXES) and Path(value).exists()))

    def _table(self, value: Any, name: str | None = None) -> tuple[CheckedTable, str, tuple[str, ...]]:
        """The table that a value is, what a report calls it, and the version that it is, if it is one."""
        if self._is_ref(value):
            version = self._data.show(value)
            return self._saved(version), version.ref, (f"data:{version.id}",)
        if isinstance(value, str | os.PathLike):
            path = Path(value)
            return table_of(path), name or path.name, ()
        return table_of(value), name or "dataframe", ()

    def _referred(self, ref: str) -> tuple[CheckedTable, DataVersion]:
        """The table and the version that a reference in a suite means."""
        version = self._data.show(ref)
        return self._saved(version), version

    def _saved(self, version: DataVersion) -> CheckedTable:
        if version.rows is None:
            from nbmlops.data.records import a_or_an

            raise InvalidError(
                f"{version.ref} is {a_or_an(version.format)}, and checks judge tables",
                hint=f"load it with `ml data load {version.ref}`, make a table of it, and check that",
            )

        def columns(names: Sequence[str], coded: Collection[str] = ()) -> pl.LazyFrame:
            loaded = self._data.load(version.ref, columns=list(names), as_="arrow")
            return table_of(loaded).lazy(names, coded=coded)

        names = tuple(column.name for column in version.columns)
        return without_index(CheckedTable(names, columns, lambda: version.rows or 0))

    def _older(self, version: DataVersion) -> str | None:
        """The version before a version; None when it is the first that is here."""
        history = self._data.history(version.name)
        return next((each.ref for each in history if (each.number or 0) < (version.number or 0)), None)
