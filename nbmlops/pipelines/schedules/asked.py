"""What a person asks of a schedule, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, get_args

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.spans import parse_span
from nbmlops.pipelines.schedules.records import Catchup, Overlap
from nbmlops.pipelines.schedules.triggers import Wish

__all__ = ["Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The rules of a schedule.

    Attributes
    ----------
    tz : str or None
        The zone of its cron line; UTC by default.
    every : str or None
        A span of time, such as ``6h``.
    on : str or None
        An event, such as ``data:flights``.
    older : str or None
        The age at which a model is stale.
    catchup : {"latest", "all", "none"}
        Which of several times that were missed start: the last one, all, or none that is late.
    overlap : {"queue", "forbid", "replace"}
        What becomes of a time that comes due while an earlier one runs: it waits, it is skipped, or it stops that one.
    late : str
        How long after it was due a start is late.
    """

    tz: str | None = None
    every: str | None = None
    on: str | None = None
    older: str | None = None
    catchup: Catchup = "latest"
    overlap: Overlap = "queue"
    late: str = "15m"

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """Read keywords.

        Raises
        ------
        InvalidError
            When one is unknown, or its value is none.
        """
        known = [entry.name for entry in fields(cls)]
        for key in given:
            if key not in known:
                hint = nearest(key, known) or f"the keywords are {', '.join(known)}"
                raise InvalidError(f"a schedule has no {key!r}", hint=hint)
        asked = cls(**given)
        for key, kind in {"catchup": Catchup, "overlap": Overlap}.items():
            if getattr(asked, key) not in get_args(kind):
                one_of = ", ".join(get_args(kind))
                hint = nearest(str(getattr(asked, key)), get_args(kind)) or f"one of {one_of}"
                raise InvalidError(f"{key} cannot be {getattr(asked, key)!r}", hint=hint)
        parse_span(asked.late)
        return asked

    def wish(self, cron: str | None) -> Wish:
        """What they say of when it is due, beside a cron line."""
        return Wish(cron, self.tz, self.every, self.on, self.older)

    @property
    def patience(self) -> int:
        """Seconds after which a start is late."""
        return int(parse_span(self.late).total_seconds())
