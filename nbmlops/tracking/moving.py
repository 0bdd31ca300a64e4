"""Verbs by which runs leave this workspace and come into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.looking import Looking

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.tracking.interchange.records import Exported, Imported

__all__ = ["Moving"]


class Moving(Looking):
    """What may leave, and what may come."""

    objects: ObjectStore

    def export(self, *refs: str, to: str | Path, progress: Callable[[int], object] | None = None) -> Exported:
        """Write runs into a folder; those that still go on are left out.

        Parameters
        ----------
        *refs : str
            The runs, with those that are a part of them; all runs by default.
        to : str or Path
            A folder, whose form ``docs/formats/runs.md`` tells.
        progress : callable, optional
            Told numbers of bytes as they are written.

        Raises
        ------
        NotFoundError
            When there is no such run.
        InvalidError
            When a run that is named still goes on.
        ConflictError
            When runs were exported into the folder already.
        UnavailableError
            When it cannot be written.
        """
        from nbmlops.tracking.interchange.exporting import chosen, export

        self._reap()
        named = [self._found(ref) for ref in refs]
        for row in named:
            if row.status == "running":
                raise InvalidError(
                    f"the run {row.experiment}-{row.number} still goes on", hint="export it when it ended"
                )
        rows = chosen(self.catalog, named)
        return export(self.catalog, self.objects, rows, Path(to), progress)

    def import_(
        self, source: str | Path, *, experiment: str | None = None, progress: Callable[[int], object] | None = None
    ) -> Imported:
        """Take runs in that were exported; those that are here already are left as they are.

        Parameters
        ----------
        source : str or Path
            A folder that runs were exported into.
        experiment : str, optional
            Take only the runs of this experiment.
        progress : callable, optional
            Told numbers of bytes as they are read.

        Raises
        ------
        NotFoundError
            When no runs were exported there.
        CorruptError
            When anything there is damaged; nothing is imported then.
        """
        from nbmlops.tracking.interchange.importing import take_in

        self.recording.settle()
        return take_in(self.catalog, self.objects, Path(source), progress, experiment)
