"""The verbs ``diff`` and ``card`` on models, which tell what the whole store knows of versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.models.card import ModelCard, document, newest_of_each
from nbmlops.models.describing import Describing
from nbmlops.store import graph
from nbmlops.store.aliases import Aliases

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.checks.service import Checks
    from nbmlops.data.records import DataVersion
    from nbmlops.data.service import Data
    from nbmlops.models.comparing import Side
    from nbmlops.models.diff_records import ModelDiff
    from nbmlops.models.promotion import ModelPromoter
    from nbmlops.tracking.looking import Looking
    from nbmlops.tracking.records import Run

__all__ = ["Telling"]

_REPORTS, _DEEP, _DRAWN = 100, 4, 30


class Telling(Describing):
    """The verbs that gather what is known."""

    _data: Data
    _checks: Checks
    _promoter: ModelPromoter
    runs: Callable[[], Looking] | None = None
    """Gives the runs, where there are any to ask."""
    scoring: Callable[[], Callable[..., Any]]
    """Gives what answers tables, which stands above models."""
    dossiers: Callable[[], Callable[..., Any]]
    """Gives what answers auditors, which stands above models too."""

    @property
    def score(self) -> Callable[..., Any]:
        """Answer every row of a table, and save the answers: `nbmlops.serving.batch.service.BatchScoring.__call__`."""
        return self.scoring()

    @property
    def dossier(self) -> Callable[..., Any]:
        """Answer what an auditor asks of a version: `nbmlops.monitoring.dossier.service.Dossiers.__call__`."""
        return self.dossiers()

    def diff(self, before: str, after: str) -> ModelDiff:
        """Tell what differs between two versions: facts, metrics, params, features, data, environment and code.

        Parameters
        ----------
        before, after : str
            The versions; they may be of different models.

        Raises
        ------
        NotFoundError
            When there is no such version.
        """
        from nbmlops.models.comparing import compared

        return compared(self._side(before), self._side(after), lambda one, other: self._data.diff(one, other, sample=3))

    def card(self, ref: str, file: str | Path | None = None, *, overwrite: bool = False) -> ModelCard:
        """Gather what the store knows of a version into a card, and write it to a file.

        What people say of the model comes from `describe`, so it stays from version to version; what is not known
        stands there as a gap, with the line to type.

        Parameters
        ----------
        ref : str
            The version.
        file : str or Path, optional
            Where to write it, ``.md`` or ``.html``.
        overwrite : bool
            Whether to write over what is there.

        Raises
        ------
        NotFoundError
            When there is no such version.
        InvalidError
            When the file has another ending, or its folder is not there.
        ConflictError
            When something is there already and may not be overwritten.
        """
        card = self._card(ref)
        if file is not None:
            from nbmlops.data.output import target_of

            target = target_of(file, f"{card.version.name}.md", overwrite=overwrite)
            written = document(card, target)
            if not target.parent.is_dir():
                raise InvalidError(f"there is no folder {target.parent}", hint=f"`mkdir -p {target.parent}`")
            target.write_text(written, encoding="utf-8")
        return card

    def _card(self, ref: str) -> ModelCard:
        version = self.show(ref)
        stored = self._versions.get(version.id)
        run = self._run(version.run_id)
        aliases = Aliases(self._versions, self._clock)
        moves = [
            move
            for alias in sorted(aliases.ever(version.name))
            for move in aliases.moves(version.name, alias)
            if version.id in (move.before_id, move.after_id)
        ]
        asks = [ask for ask in self._promoter.told(version.name) if ask.version_id == version.id]
        return ModelCard(
            version.ref,
            version,
            None if run is None else replace(run, cells=(), children=(), diff=None, source=None),
            tuple(found for one in version.inputs if (found := self._table(one)) is not None),
            newest_of_each(self._reports(version.ref)),
            self._versions.catalog.read(lambda c: graph.trace(c, stored, "upstream", _DEEP, _DRAWN)),
            tuple(sorted(moves, key=lambda move: move.at)),
            tuple(asks),
        )

    def _side(self, ref: str) -> Side:
        from nbmlops.models.comparing import Side

        version = self.show(ref)
        return Side(version, self._run(version.run_id), self._reports(version.ref))

    def _reports(self, ref: str) -> list[Report]:
        return self._checks.list(_REPORTS, subject=ref)

    def _run(self, run_id: str | None) -> Run | None:
        if run_id is None or self.runs is None or run_id not in self.runs().several([run_id]):
            return None
        return self.runs().show(run_id)

    def _table(self, ref: str) -> DataVersion | None:
        try:
            return self._data.show(ref)
        except NbmlopsError:
            # What was deleted since is named among the inputs still.
            return None
