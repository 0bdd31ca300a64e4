"""Views that the tests of the online store define."""

from __future__ import annotations

from typing import Any

from nbmlops.workspace import Workspace

__all__ = ["define_delays", "define_speed"]


def delays(flights):  # type: ignore[no-untyped-def]
    """Mean delay of a carrier over its last flights, as known at each."""
    sums = flights.assign(mean_delay=flights.groupby("carrier")["dep_delay"].transform(lambda d: d.expanding().mean()))
    return sums.assign(flown=sums.groupby("carrier").cumcount())[["carrier", "dep_time", "mean_delay", "flown"]]


def speed(distance, air_time):  # type: ignore[no-untyped-def]
    """Miles per hour."""
    return distance / air_time * 60


def define_delays(workspace: Workspace, **more: Any) -> None:
    """A view of carriers."""
    said = {"entity": "carrier", "from_": "flights", "time": "dep_time", **more}
    workspace.feature.define(delays, "delays", **said)


def define_speed(workspace: Workspace) -> None:
    """A view on demand."""
    workspace.feature.define(speed, "speed", on_demand=True, inputs=["distance", "air_time"], from_="flights")
