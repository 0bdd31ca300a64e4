"""What a person asks of a schedule, checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self, get_args

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_known, check_one_of
from nbmlops.core.spans import parse_span
from nbmlops.pipelines.schedules.records import Catchup, Overlap
from nbmlops.pipelines.schedules.triggers import Wish

__all__ = ["Asked", "each_counts"]


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
        check_known(cls, given, "a schedule has no")
        asked = cls(**given)
        check_one_of("catchup", asked.catchup, get_args(Catchup))
        check_one_of("overlap", asked.overlap, get_args(Overlap))
        parse_span(asked.late)
        return asked

    def wish(self, cron: str | None) -> Wish:
        """What they say of when it is due, beside a cron line."""
        return Wish(cron, self.tz, self.every, self.on, self.older)

    @property
    def patience(self) -> int:
        """Seconds after which a start is late."""
        return int(parse_span(self.late).total_seconds())


def each_counts(asked: Asked) -> Asked:
    """The rules for changes of models: no two are alike, so each starts it, in its turn.

    Raises
    ------
    InvalidError
        When some were to be left out.
    """
    if asked.catchup == "none" or asked.overlap != "queue":
        raise InvalidError("each change of a model counts", hint="leave --catchup and --overlap out")
    return replace(asked, catchup="all")
