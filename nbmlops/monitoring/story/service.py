"""The verb ``story``: gathers what the store knows of a model into one page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref
from nbmlops.core.spans import parse_moment
from nbmlops.monitoring.story import moving, queries, serving, training
from nbmlops.monitoring.story.records import Moment, Span, Story

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Connection
    from nbmlops.store.versions import Versions

__all__ = ["Stories"]

_MOST = 1_000
_FAILURES, _PHRASE = 3, 300


class Stories:
    """Tells what happened to the models of one workspace.

    Parameters
    ----------
    versions : Versions
        The versions of models.
    clock : Clock
        The time.
    checks : Checks
        Where the figures of verdicts are.
    """

    def __init__(self, versions: Versions, clock: Clock, checks: Checks) -> None:
        self._versions = versions
        self._clock = clock
        self._checks = checks

    def tell(
        self,
        name: str,
        *,
        since: str | timedelta | datetime | None = None,
        limit: int = 200,
        html: str | Path | None = None,
        markdown: str | Path | None = None,
    ) -> Story:
        """Tell what happened to a model, in the order of time, and write it to files where that is asked for.

        Parameters
        ----------
        name : str
            The model.
        since : str, timedelta or datetime, optional
            From when on: a span such as ``30d``, or a date such as ``2026-08-01``, at midnight UTC.
        limit : int
            How many moments at most; the newest are kept.
        html, markdown : str or Path, optional
            Where to write it: as a page of its own, without scripts and with nothing to be fetched; as Markdown.

        Returns
        -------
        Story
            Its moments, and what held meanwhile.

        Raises
        ------
        NotFoundError
            When there is no such model, or no folder for a file.
        InvalidError
            When `name` is a version, `since` is no time, or `limit` is none.
        """
        ref = Ref.parse(name)
        if not ref.is_bare:
            raise InvalidError(f"a story is that of a model, not of {ref}", hint=f"`ml story {ref.name}`")
        if not 1 <= limit <= _MOST:
            raise InvalidError(f"{limit} is no number of moments to show", hint=f"from 1 to {_MOST:,}")
        now = self._clock.now()
        begin = parse_moment(since, now)
        if not self._versions.catalog.read(lambda c: queries.is_known(c, ref.name)):
            self._versions.resolve(ref)  # says which names are near
        self._versions.catalog.settle()
        story = self._versions.catalog.read(lambda c: _gathered(c, ref.name, begin, now, limit))
        told = replace(story, moments=tuple(map(self._figured, story.moments)))
        if html is not None or markdown is not None:
            from nbmlops.monitoring.pages import write

            write(told, f"Story of {told.name}", html, markdown)
        return told

    def _figured(self, moment: Moment) -> Moment:
        """A moment with the figures of its report."""
        if moment.report is None:
            return moment
        return replace(moment, told=(*moment.told, *_figures(self._checks.show(moment.report))))


def _gathered(connection: Connection, name: str, begin: datetime | None, now: datetime, limit: int) -> Story:
    watched = queries.monitors(connection, name)
    more = limit + 1  # of each source one more than is shown: so it is known whether something is left out
    moved, stays = moving.promotions(connection, name, more)
    served, shares = serving.deployments(connection, name, more)
    alarmed, failing = serving.alerts(connection, watched, more)
    moments = [
        *training.trainings(connection, name, [row.name for row in watched], more),
        *moving.verdicts(connection, name, more),
        *moving.approvals(connection, name),
        *moved,
        *serving.changes(connection, name, more),
        *served,
        *alarmed,
    ]
    ordered = sorted((one for one in moments if begin is None or one.at >= begin), key=lambda one: one.at)
    spans = tuple(sorted((*stays, *shares, *failing), key=lambda span: span.begin))
    return Story(
        name,
        now,
        begin,
        tuple(ordered[-limit:]),
        tuple(span for span in spans if begin is None or span.end is None or span.end >= begin),
        _placed(stays, name),
        tuple(sorted(row.name for row in watched if row.deleted_at is None and row.status in {"failed", "errored"})),
        len(ordered) > limit,
    )


def _placed(stays: list[Span], name: str) -> dict[str, str]:
    """Where the aliases are: what each was moved to last, unless it was taken off."""
    return {span.row: f"{name}@{span.label}" for span in sorted(stays, key=lambda one: one.row) if span.end is None}


def _figures(report: Report) -> tuple[str, ...]:
    """What of a report is told: how many passed, what did not, and how it compares with the champion."""
    tally = ", ".join(f"{number} {status}" for status, number in report.counts.items() if number)
    bad = [*report.failures, *(one for one in report.outcomes if one.status == "warned")]
    against = [one for one in report.outcomes if " against " in one.check and one not in bad]
    named = [str(one)[:_PHRASE] for one in (*bad, *against)]
    more = len(bad) - _FAILURES
    return (tally, *named[:_FAILURES], *((f"and {more} more",) if more > 0 else ()))
