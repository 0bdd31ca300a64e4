"""Verbs by which runs leave this workspace and come into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.tracking.tabling import Tabling

if TYPE_CHECKING:
    from nbmlops.store.objects import ObjectStore
    from nbmlops.tracking.interchange.records import Exported, Imported

__all__ = ["Moving"]

_MLFLOW = "mlflow:"


class Moving(Tabling):
    """What may leave, and what may come."""

    objects: ObjectStore

    def export(self, *refs: str, to: str | Path, progress: Callable[[int], object] | None = None) -> Exported:
        """Write runs into a folder, or into MLflow; those that still go on are left out.

        Parameters
        ----------
        *refs : str
            The runs, with those that are a part of them; all runs by default.
        to : str or Path
            A folder, whose form ``docs/formats/runs.md`` tells, or ``mlflow:URI`` for the tracking server or store of
            MLflow at that address.
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
        DependencyError
            When MLflow is meant and not installed.
        """
        from nbmlops.tracking.interchange.exporting import chosen, export

        self.reap()
        named = [self._found(ref) for ref in refs]
        for row in named:
            if row.status == "running":
                raise InvalidError(
                    f"the run {row.experiment}-{row.number} still goes on", hint="export it when it ended"
                )
        rows = chosen(self.catalog, named)
        if str(to).startswith(_MLFLOW):
            from nbmlops.tracking.interchange.to_mlflow import export_to_mlflow

            return export_to_mlflow(self.catalog, self.objects, rows, str(to).removeprefix(_MLFLOW), progress)
        return export(self.catalog, self.objects, rows, Path(to), progress)

    def import_(
        self, source: str | Path, *, experiment: str | None = None, progress: Callable[[int], object] | None = None
    ) -> Imported:
        """Take runs in that were exported, or from MLflow; those that are here already are left as they are.

        Parameters
        ----------
        source : str or Path
            A folder that runs were exported into, or ``mlflow:URI`` for the tracking server or store of MLflow at
            that address.
        experiment : str, optional
            Take only the runs of this experiment.
        progress : callable, optional
            Told numbers of bytes as they are read.

        Raises
        ------
        NotFoundError
            When no runs were exported there, or MLflow has no such experiment.
        CorruptError
            When anything there is damaged; nothing is imported then.
        DependencyError
            When MLflow is meant and not installed.
        """
        from nbmlops.tracking.interchange.importing import take_in

        self.recording.settle()
        if str(source).startswith(_MLFLOW):
            from nbmlops.tracking.interchange.from_mlflow import import_from_mlflow

            place = self._live.parent / "scratch"
            uri = str(source).removeprefix(_MLFLOW)
            return import_from_mlflow(self.catalog, self.objects, uri, experiment, place, progress)
        return take_in(self.catalog, self.objects, Path(source), progress, experiment)
