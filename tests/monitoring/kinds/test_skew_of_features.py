"""The features of a model are made again as they were known at each request; the monitor names those that differ.

The replays are of 5,000 flights here; NBMLOPS_FLIGHTS says of how many, such as the 100,000 that were replayed once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops.checks.records import Report
from nbmlops.core.clock import microseconds
from nbmlops.core.errors import InvalidError
from nbmlops.core.settings import Settings
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.endpoint.exchange import Exchange
from nbmlops.serving.endpoint.lineup import Lineup
from nbmlops.serving.endpoint.recording import Recorder
from nbmlops.serving.endpoint.served import Served
from nbmlops.serving.records import Deployment
from nbmlops.workspace import Workspace, layout
from nbmlops.workspace.served_features import fetcher_of

FLIGHTS = int(os.environ.get("NBMLOPS_FLIGHTS", "5000"))
INPUTS = ["mean_delay", "flown", "gain", "speed"]
DAY = datetime(2024, 4, 2, tzinfo=UTC)


class Hands:
    """A clock that a test moves."""

    at = DAY

    def now(self) -> datetime:
        return self.at


def delays(flights):  # type: ignore[no-untyped-def]
    """Mean delay of a carrier at an airport over its flights, as known at each."""
    groups = flights.groupby(["carrier", "origin"])
    return flights.assign(
        mean_delay=groups["dep_delay"].transform(lambda d: d.expanding().mean()),
        flown=groups.cumcount().astype(float),
        gain=flights["gain"],
    )[["carrier", "origin", "dep_time", "mean_delay", "flown", "gain"]]


def speed(distance, air_time):  # type: ignore[no-untyped-def]
    """Miles per hour."""
    return distance / air_time * 60


def made(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(11)
    seconds = np.sort(random.choice(86_400 * 90, rows, replace=False))
    return pd.DataFrame(
        {
            "carrier": random.choice([f"C{n}" for n in range(20)], rows),
            "origin": random.choice([f"A{n}" for n in range(40)], rows),
            "dep_time": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "dep_delay": random.normal(10, 5, rows).round(3),
            "gain": np.where(random.random(rows) < 0.5, np.nan, random.normal(size=rows)),
            "distance": random.integers(100, 3_000, rows),
            "air_time": random.integers(30, 300, rows),
        }
    )


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Hands) -> Iterator[Workspace]:
    monkeypatch.chdir(tmp_path)
    Workspace.init(tmp_path).close()
    with Workspace(layout.locate(tmp_path), Settings(), clock) as workspace:
        flights = made(max(FLIGHTS, 2_000))
        workspace.data.save(flights, "flights")
        said: dict[str, Any] = {"entity": ["carrier", "origin"], "from_": "flights", "time": "dep_time", "ttl": "60d"}
        workspace.feature.define(delays, "delays", **said)
        workspace.feature.define(speed, "speed", on_demand=True, inputs=["distance", "air_time"], from_="flights")
        workspace.feature.service("inputs", ["delays", "speed"])
        spine = flights.sample(500, random_state=1)[
            ["carrier", "origin", "dep_time", "dep_delay", "distance", "air_time"]
        ]
        table = workspace.feature.training(spine.reset_index(drop=True), "inputs", time="dep_time", name="rows")
        rows = workspace.data.load(table.ref)
        model = LinearRegression().fit(rows[INPUTS].fillna(0), rows["dep_delay"])
        workspace.model.save(model, "delay", example=rows[INPUTS].fillna(0).astype(float))
        workspace.model.promote("delay@v1")
        workspace.feature.materialize()
        yield workspace


Change = Callable[[dict[str, Any]], None]


def replay(workspace: Workspace, clock: Hands, change: Change = lambda _: None) -> int:
    """Ask what an endpoint is asked, and log it as an endpoint does; `change` spoils what was fetched."""
    flights = made(max(FLIGHTS, 2_000)).head(FLIGHTS)
    version = workspace.model.show("delay@v1")
    fetcher = fetcher_of(workspace, version.ref, version.signature)
    assert fetcher is not None
    model = workspace.model.load("delay@v1")
    served = Served("delay", 1, version.id, version.digest, version.signature, model, fetcher=fetcher)
    recorder = Recorder(CaptureLog(workspace.marker.state / "capture", Deployment("delay", sampled=1.0), "replay"))
    recorder.follow(Lineup(Deployment("delay", sampled=1.0), served))
    keys = flights[["carrier", "origin", "distance", "air_time"]]
    clock.at = DAY + timedelta(minutes=1)
    for number in range(0, FLIGHTS, 1_000):
        part = keys.iloc[number : number + 1_000]
        given = {name: part[name].tolist() for name in part}
        one = Exchange(f"r{number}", microseconds(clock.at), served, asked=given)
        one.arrays, one.fetched = served.take(given)
        named = dict(zip(served.intake.names, one.arrays, strict=True))
        change(named)
        one.arrays = [named[name] for name in served.intake.names]
        one.answer = {"predict": np.zeros(len(part))}
        recorder.served(one, 1.0)
    recorder.close()
    clock.at = DAY + timedelta(minutes=5)
    return len(flights)


def looked(workspace: Workspace) -> Report:
    workspace.monitor.add("skewed", "delay", "skew", features=True)
    (report,) = workspace.monitor.run("skewed")
    return report


def differing(report: Report) -> list[str]:
    return [str(one.column) for one in report.outcomes if one.status == "failed"]


def test_replayed_flights_have_no_mismatch(workspace: Workspace, clock: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.monitoring.kinds.skew._ROWS", FLIGHTS)
    rows = replay(workspace, clock)
    report = looked(workspace)
    assert differing(report) == []
    assert [one.column for one in report.outcomes] == [None, *INPUTS]
    assert [one.number for one in report.outcomes[1:]] == [0.0] * 4
    assert report.outcomes[0].figure == f"{rows:,} of {rows:,} rows"


def test_a_time_zone_that_was_taken_for_another_is_named(workspace: Workspace, clock: Hands) -> None:
    # Whoever materialized took a time of New York for one of UTC, and so left out the last hours.
    store = workspace.feature.online_store()
    for slot in store.slots():
        store.drop(slot.id)
    until = made(max(FLIGHTS, 2_000))["dep_time"].max() - pd.Timedelta(hours=5)
    workspace.feature.materialize("delays", until=until.isoformat())
    replay(workspace, clock)
    assert {"mean_delay", "flown"} <= set(differing(looked(workspace)))


def test_nulls_that_were_made_zero_are_named(workspace: Workspace, clock: Hands) -> None:
    def zero(named: dict[str, Any]) -> None:
        named["gain"] = np.nan_to_num(named["gain"])

    replay(workspace, clock, zero)
    assert differing(looked(workspace)) == ["gain"]


def test_a_stale_value_online_is_named(workspace: Workspace, clock: Hands) -> None:
    flights = made(max(FLIGHTS, 2_000))
    more = flights.groupby(["carrier", "origin"]).tail(1)
    more = more.assign(dep_time=pd.Timestamp("2024-04-01T23:00", tz="UTC"), dep_delay=500.0)
    workspace.data.save(pd.concat([flights, more], ignore_index=True), "flights")
    replay(workspace, clock)  # nobody materialized what is new
    named = set(differing(looked(workspace)))
    assert {"mean_delay", "flown"} <= named
    assert "speed" not in named


def test_it_knows_its_features_itself(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="known by themselves"):
        workspace.monitor.add("skewed", "delay", "skew", features=True, code="features.py:make")
    with pytest.raises(InvalidError, match="needs a code"):
        workspace.monitor.add("skewed", "delay", "skew")
    with pytest.raises(InvalidError, match="no features"):
        workspace.monitor.add("drifts", "delay", "drift", features=True)
