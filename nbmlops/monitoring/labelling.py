"""Labels that people give: a version of data, a file or a table, put where the rows find them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.serving.capture.label_files import ID
from nbmlops.serving.capture.labels import LabelIntake, Labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from nbmlops.core.clock import Clock
    from nbmlops.data.service import Data
    from nbmlops.monitoring.records import Monitor
    from nbmlops.serving.deployments.service import Deployments

__all__ = ["Labelling"]


class Labelling:
    """Takes labels of one workspace in.

    Parameters
    ----------
    deployments : Deployments
        Whose labels they are.
    data : Data
        Where labels may have been saved.
    clock : Clock
        Tells when they arrive.
    """

    def __init__(self, deployments: Deployments, data: Data, clock: Clock) -> None:
        self._deployments = deployments
        self._data = data
        self._clock = clock

    def add(self, name: str, given: Any, monitors: Iterable[Monitor], *, key: str | None, **said: Any) -> LabelIntake:
        """Take labels in; what `monitors` look at says which of them come late.

        Raises
        ------
        NotFoundError
            When there is no such deployment, version or file.
        InvalidError
            When it is no table, or has no such columns.
        """
        deployment = self._deployments.said(name)
        windows = [one.window for one in monitors if one.kind in {"quality", "fairness", "calibration"}]
        late = self._clock.now() - max(windows) if windows else None
        labels = Labels(self._deployments.captured, self._clock)
        return labels.add(deployment, self._table(given), key=key or ID, late=late, **said)

    def _table(self, given: Any) -> pa.Table:
        from nbmlops.checks.frames import SUFFIXES, table_of
        from nbmlops.data.frames import is_table, to_arrow

        if isinstance(given, str | os.PathLike):
            path = Path(given)
            if isinstance(given, str) and path.suffix not in SUFFIXES and os.sep not in given:
                version = self._data.show(given)
                if version.rows is None:
                    raise InvalidError(f"{version.ref} is no table, so there are no labels in it")
                table: pa.Table = self._data.load(version.ref, as_="arrow")
                return table
            found = table_of(path)
            return found.frame(found.names).collect().rename(dict(_named(found.names))).to_arrow()
        if not is_table(given):
            raise InvalidError(
                f"a {type(given).__qualname__} holds no labels",
                hint="give a version of data, a file, or a pandas, Polars or Arrow table",
            )
        return to_arrow(given, allow_empty=True)


def _named(names: Iterable[str]) -> Iterable[tuple[str, str]]:
    """What a `CheckedTable` calls its columns, and their names."""
    return ((f"c{place}", name) for place, name in enumerate(names))
