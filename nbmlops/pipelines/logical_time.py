"""The time that a run stands for: written in one way, so that it is one key in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.cron import Cron

__all__ = ["DUE", "canonical", "written"]

DUE = "due:"
"""Before a cron line, and a zone if it is not UTC: the last time at which it was due."""
_HINT = f'2026-11-26T06:00:00Z, or "{DUE}0 6 * * * Europe/Berlin" for the last time that this was due'
_FIELDS = 5
_DAY = len("2026-11-26")


def written(at: datetime) -> str:
    """An aware datetime as the ledger has it.

    Examples
    --------
    >>> written(datetime(2026, 11, 26, 6, tzinfo=UTC))
    '2026-11-26T06:00:00Z'
    """
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def canonical(text: str, now: datetime) -> str:
    """What a user or an orchestrator writes, as the ledger has it.

    Parameters
    ----------
    text : str
        An ISO 8601 time with its offset from UTC, a day, which begins in UTC, or ``due:`` and a cron line with its
        zone. A scheduler that does not tell which time it starts something for, such as cron and systemd, can say so
        with the last; it stays the same however late the start is, until the next one is due.
    now : datetime
        The present.

    Raises
    ------
    InvalidError
        When it is neither.

    Examples
    --------
    >>> now = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)
    >>> canonical("2026-11-26T07:00+01:00", now)
    '2026-11-26T06:00:00Z'
    >>> canonical("due:0 6 * * * Europe/Berlin", now)
    '2026-11-26T05:00:00Z'
    """
    if text.startswith(DUE):
        at = _due(text.removeprefix(DUE), now)
    else:
        try:
            at = datetime.fromisoformat(text)
        except ValueError as error:
            raise InvalidError(f"the logical time {text!r} is no time of ISO 8601", hint=_HINT) from error
    if len(text) == _DAY:
        at = at.replace(tzinfo=UTC)
    if at.tzinfo is None:
        raise InvalidError(f"the logical time {text!r} does not say in which zone it is", hint=f"{text}Z is in UTC")
    return written(at)


def _due(text: str, now: datetime) -> datetime:
    words = text.split()
    line, rest = " ".join(words[:_FIELDS]), words[_FIELDS:]
    if len(rest) > 1:
        raise InvalidError(f"{text!r} is no cron line with a zone", hint=_HINT)
    due = Cron(line, *rest).last(now)
    if due is None:
        raise InvalidError(f"{line!r} was not due in the last eight years", hint=_HINT)
    return due
