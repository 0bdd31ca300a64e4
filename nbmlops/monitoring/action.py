"""The Action ``monitor``: runs one monitor, or all of them, unattended, or tells the digest of a day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.actions import Started
from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.records import DIGEST
from nbmlops.render.units import count

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.monitoring.service import Monitors

__all__ = ["ALL", "MonitorAction"]

ALL = "all"
"""As a target: every monitor that is not paused."""


class MonitorAction:
    """Runs monitors of one workspace.

    Parameters
    ----------
    monitors : Monitors
        The monitors.
    """

    def __init__(self, monitors: Monitors) -> None:
        self._monitors = monitors

    def named(self, target: str) -> str:
        """A monitor's name means itself."""
        return target

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Look whether there is such a monitor."""
        if parameters:
            raise InvalidError("a monitor takes no parameters", hint="leave -p out")
        if target not in {ALL, DIGEST}:
            self._monitors.show(target)

    def start(self, order: Order) -> Started:
        """Run it. A report that fails is no failure of the start: the monitor did what it is for."""
        if order.target == DIGEST:
            return Started(note=count(len(self._monitors.note_digest().lines), "line"))
        reports = self._monitors.run(*(() if order.target == ALL else (order.target,)))
        told = [f"{report.suite.partition(':')[2]} {report.status}" for report in reports]
        return Started(note=", ".join(told))
