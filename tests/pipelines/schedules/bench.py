"""What tests of schedules stand on: a clock that they move, and an action that does nothing but say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbmlops.core.actions import Order, Started
from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.schedules.records import Fire, Remark
from nbmlops.workspace import Workspace
from nbmlops.workspace.layout import locate, settings_of

__all__ = ["Echo", "MovedClock", "opened", "passed"]


class MovedClock:
    """A clock that a test moves."""

    def __init__(self, at: datetime = datetime(2026, 11, 26, 5, 59, tzinfo=UTC)) -> None:
        self.time = at

    def now(self) -> datetime:
        return self.time

    def move(self, **span: float) -> None:
        self.time += timedelta(**span)


class Echo:
    """An action that keeps its orders, and does what a test gives it to do."""

    def __init__(self, does: Callable[[Order], Started | None] = lambda _: None) -> None:
        self.orders: list[Order] = []
        self.does = does

    def named(self, target: str) -> str:
        return target

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        if target == "nothing":
            raise InvalidError("nothing cannot be started")

    def start(self, order: Order) -> Started:
        self.orders.append(order)
        return self.does(order) or Started(f"run-of-{order.logical_time}")

    @property
    def times(self) -> list[str]:
        return [order.logical_time for order in self.orders]


def opened(root: Path, clock: MovedClock, echo: Echo | None = None) -> Workspace:
    """The workspace of a folder, by that clock, whose schedules can start an `Echo` by the name ``echo``."""
    if not (root / ".nbmlops").exists():
        Workspace.init(root).close()
    marker = locate(root)
    workspace = Workspace(marker, settings_of(marker.root), clock)
    workspace.schedule.actions.register("echo", echo or Echo())
    return workspace


def passed(workspace: Workspace, **options: Any) -> list[Fire]:
    """Let a daemon do what is due now; the fires that ended."""
    said: list[Fire | Remark] = []
    workspace.schedule.run(once=True, tell=said.append, **options)
    return [each for each in said if isinstance(each, Fire)]
