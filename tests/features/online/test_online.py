"""Views are brought online, and read by key."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.actions import Order
from nbmlops.core.errors import InvalidError, NotFoundError, UnavailableError
from nbmlops.core.settings import Settings
from nbmlops.core.signs import StepProgress
from nbmlops.features.online.action import MaterializeAction
from nbmlops.features.online.sqlite_store import SqliteStore
from nbmlops.workspace import Workspace, layout
from tests.features.conftest import flights
from tests.features.online.views import define_delays, define_speed


class Hands:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Going:
    """Goes on until told."""

    is_cancelled = False


@pytest.fixture
def clock() -> Hands:
    return Hands(datetime(2024, 4, 2, tzinfo=UTC))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Hands) -> Iterator[Workspace]:
    monkeypatch.chdir(tmp_path)
    Workspace.init(tmp_path).close()
    with Workspace(layout.locate(tmp_path), Settings(), clock) as made:
        made.data.save(flights(), "flights")
        yield made


def newest(frame: pd.DataFrame) -> pd.DataFrame:
    """By pandas, the slow way: the last mean and count of each carrier."""
    groups = frame.sort_values("dep_time").groupby("carrier")["dep_delay"]
    return pd.DataFrame({"mean_delay": groups.mean(), "flown": groups.size() - 1})


def read(workspace: Workspace, carriers: list[str] = ["AA", "DL", "UA"]) -> pd.DataFrame:  # noqa: B006 - read only
    return workspace.feature.online({"carrier": carriers}, "delays").to_pandas().set_index("carrier")


def test_what_is_read_is_the_newest_row_of_each_entity(workspace: Workspace) -> None:
    define_delays(workspace)
    (done,) = workspace.feature.materialize("delays")
    assert (done.ref, done.written, done.removed, done.keys) == ("delays@v1", 3, 0, 3)
    assert done.newest == flights()["dep_time"].max()
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(flights()).to_numpy())


def test_a_second_time_writes_nothing_and_later_what_changed(workspace: Workspace) -> None:
    define_delays(workspace)
    workspace.feature.materialize()
    (again,) = workspace.feature.materialize()
    assert (again.written, again.note) == (0, "nothing is new")
    late = pd.concat([flights(), flights(1).assign(carrier="AA", dep_time=pd.Timestamp("2024-04-01", tz="UTC"))])
    workspace.data.save(late.reset_index(drop=True), "flights")
    assert workspace.feature.freshness()[0].waiting
    (more,) = workspace.feature.materialize()
    assert (more.written, more.removed) == (1, 0)
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(late).to_numpy())
    (fresh,) = workspace.feature.freshness("delays")
    assert (fresh.keys, fresh.waiting, fresh.newest) == (3, False, datetime(2024, 4, 1, tzinfo=UTC))
    assert fresh.age == timedelta(days=1)
    assert fresh.behind == timedelta(0)


def test_what_left_the_data_leaves_the_store(workspace: Workspace) -> None:
    define_delays(workspace)
    workspace.feature.materialize()
    left = flights()[lambda frame: frame["carrier"] != "UA"].iloc[:-40].reset_index(drop=True)
    workspace.data.save(left, "flights")
    (done,) = workspace.feature.materialize()
    assert done.removed >= 1
    assert done.keys == 2
    np.testing.assert_allclose(read(workspace, ["AA", "DL"]).to_numpy(), newest(left).to_numpy())
    assert workspace.feature.online("carrier=UA", "delays").statuses["flown"] == ["missing"]


def test_a_key_never_seen_is_null_and_said_so(workspace: Workspace) -> None:
    define_delays(workspace)
    workspace.feature.materialize()
    found = workspace.feature.online([{"carrier": "ZZ"}, {"carrier": None}, {"carrier": "AA"}], ["delays:flown"])
    assert list(found.values["flown"])[:2] == [None, None]
    assert found.statuses["flown"] == ["missing", "missing", "present"]
    assert found.unseen == 2


def test_a_value_expires_after_its_ttl(workspace: Workspace, clock: Hands) -> None:
    define_delays(workspace, ttl="7d")
    workspace.feature.materialize()
    last = flights().groupby("carrier")["dep_time"].max()
    clock.at = last["AA"].to_pydatetime() + timedelta(days=7)
    found = workspace.feature.online("carrier=AA", "delays")
    assert (found.statuses["flown"], found.times["delays@v1"]) == (["present"], [last["AA"]])
    clock.at += timedelta(microseconds=1)
    found = workspace.feature.online("carrier=AA", "delays")
    assert (found.statuses["flown"], found.values["flown"]) == (["expired"], [None])


def test_a_new_version_is_read_when_it_is_complete(workspace: Workspace) -> None:
    define_delays(workspace)
    workspace.feature.materialize()
    define_delays(workspace, ttl="1d")
    assert workspace.feature.online("carrier=AA", "delays").statuses["flown"] == ["present"]
    with pytest.raises(NotFoundError, match="delays@v2 is not online"):
        workspace.feature.online("carrier=AA", "delays@v2")
    workspace.feature.materialize()
    assert workspace.feature.online("carrier=AA", "delays").statuses["flown"] == ["expired"]
    assert workspace.feature.online("carrier=AA", "delays@v1").statuses["flown"] == ["present"]


def test_what_was_stopped_goes_on_where_it_was(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.features.online.filling._BATCH", 2)
    define_delays(workspace)

    def stop(sign: StepProgress) -> None:
        if sign.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.feature.materialize(progress=stop)
    with pytest.raises(NotFoundError, match="is not online"):
        workspace.feature.online("carrier=AA", "delays")
    (done,) = workspace.feature.materialize()
    assert (done.written, done.keys, done.note) == (1, 3, "went on behind 2 rows")
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(flights()).to_numpy())


def test_signs_of_life_tell_how_far_it_is_and_how_fast(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.features.online.filling._BATCH", 2)
    define_delays(workspace)
    signs: list[StepProgress] = []
    workspace.feature.materialize(progress=signs.append)
    assert [(sign.state, sign.done, sign.cells) for sign in signs] == [
        *[("running", 0, 0), ("running", 2, 3), ("running", 3, 3)],
        ("completed", 0, 0),
    ]
    assert {(sign.step, sign.unit) for sign in signs} == {("delays", "rows")}
    assert re.fullmatch(r"[\d,]+ rows/s", signs[1].why)


INTERRUPTED = """
import sys
from nbmlops.features.online import filling
from nbmlops.features.online.sqlite_store import SqliteStore
from nbmlops.__main__ import main

filling._BATCH = 1
written, count = SqliteStore.write, 0

def write(self, slot, rows, gone=()):
    global count
    written(self, slot, rows, gone)
    count += len(rows)
    if count == 2:
        print("two", flush=True)
        sys.stdin.readline()  # it never comes

SqliteStore.write = write
main(["feature", "materialize", "delays"])
"""


def test_an_interrupt_loses_nothing(workspace: Workspace) -> None:
    define_delays(workspace)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"two\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, b"interrupted\n")
    (done,) = workspace.feature.materialize()
    assert (done.written, done.keys, done.note) == (1, 3, "went on behind 2 rows")
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(flights()).to_numpy())


def test_what_was_stopped_and_is_old_by_now_is_made_anew(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.features.online.filling._BATCH", 1)
    define_delays(workspace)
    workspace.feature.materialize()
    workspace.data.save(flights(seed=1), "flights")

    def stop(sign: StepProgress) -> None:
        if sign.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.feature.materialize(progress=stop)
    workspace.data.save(flights(seed=2), "flights")
    workspace.feature.materialize()
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(flights(seed=2)).to_numpy())
    assert len(workspace.feature.online_store().slots()) == 1


def test_a_backfill_adds_only_rows_of_its_times(workspace: Workspace) -> None:
    define_delays(workspace)
    until = "2024-02-01T00:00:00+00:00"
    (part,) = workspace.feature.materialize("delays", until=until)
    past = flights()[flights()["dep_time"] < pd.Timestamp(until)]
    assert part.note == "of these times only"
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(past).to_numpy())
    workspace.feature.materialize("delays", since=until)
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(flights()).to_numpy())
    workspace.feature.materialize("delays", until=until)  # late: what is newer stays
    np.testing.assert_allclose(read(workspace).to_numpy(), newest(flights()).to_numpy())
    (whole,) = workspace.feature.materialize("delays")
    assert whole.written == 3
    assert read(workspace).shape == (3, 2)


def test_again_writes_all_of_it(workspace: Workspace) -> None:
    define_delays(workspace)
    workspace.feature.materialize()
    (done,) = workspace.feature.materialize(again=True)
    assert (done.written, done.keys) == (3, 3)
    assert len(workspace.feature.online_store().slots()) == 1


def test_features_on_demand_are_computed_on_the_keys(workspace: Workspace) -> None:
    define_delays(workspace)
    define_speed(workspace)
    workspace.feature.service("inputs", ["delays:mean_delay", "speed"])
    workspace.feature.materialize("inputs")
    rows = pd.DataFrame({"carrier": ["AA", "UA"], "distance": [600, 900], "air_time": [60, 90]})
    found = workspace.feature.online(rows, "inputs")
    assert list(found.values) == ["mean_delay", "speed"]
    assert found.values["speed"] == [600.0, 600.0]
    assert found.views == ("delays@v1", "speed@v1")
    typed = workspace.feature.online(
        "carrier=AA,distance=600,air_time=60; carrier=UA,distance=900,air_time=90", "inputs"
    )
    assert typed == found
    with pytest.raises(InvalidError, match="the column air_time is missing"):
        workspace.feature.online({"carrier": ["AA"], "distance": [1]}, "inputs")


def test_a_slip_is_answered(workspace: Workspace) -> None:
    define_delays(workspace)
    define_speed(workspace)
    with pytest.raises(NotFoundError, match="delays@v1 is not online"):
        workspace.feature.online("carrier=AA", "delays")
    with pytest.raises(InvalidError, match="speed@v1 is computed on the request, and is never kept"):
        workspace.feature.materialize("speed")
    with pytest.raises(InvalidError, match="'AA' is no key"):
        workspace.feature.online("AA", "delays")
    with pytest.raises(InvalidError, match="'soon' is no time for since"):
        workspace.feature.materialize(since="soon")
    workspace.feature.materialize("delays")
    with pytest.raises(InvalidError, match="the column carrier is missing"):
        workspace.feature.online("carier=AA", "delays")
    with pytest.raises(InvalidError, match="different lengths"):
        workspace.feature.online({"carrier": ["AA"], "x": [1, 2]}, "delays")


def test_a_store_that_is_down_is_an_error_or_the_last_that_was_known(workspace: Workspace) -> None:
    define_delays(workspace)
    workspace.feature.materialize()
    known = workspace.feature.online("carrier=AA", "delays", down="stale")
    strict = workspace.feature.online("carrier=AA", "delays")
    store = workspace.feature.online_store()
    assert isinstance(store, SqliteStore)
    store.close()
    store.path.write_bytes(b"spoilt" * 1000)
    found = workspace.feature.online("carrier=AA", "delays", down="stale")
    assert (found.values, found.statuses["flown"]) == (strict.values, ["stale"])
    assert found.age == timedelta(0)
    assert known.age is None
    with pytest.raises(UnavailableError):
        workspace.feature.online("carrier=AA", "delays")


def test_whole_numbers_are_keys_however_they_are_written(workspace: Workspace) -> None:
    frame = pd.DataFrame({"plane": [1, 2**60], "at": pd.Timestamp("2024-03-01", tz="UTC"), "seats": [100, None]})
    workspace.data.save(frame, "planes")

    def seats(planes):  # type: ignore[no-untyped-def]
        return planes[["plane", "at", "seats"]]

    workspace.feature.define(seats, entity="plane", from_="planes", time="at")
    workspace.feature.materialize("seats")
    found = workspace.feature.online({"plane": [1.0, "1", np.int64(1), 2**60]}, "seats")
    assert found.values["seats"] == [100.0, 100.0, 100.0, None]
    assert found.statuses["seats"] == ["present"] * 4
    with pytest.raises(InvalidError, match=r"'1\.5' is no whole number"):
        workspace.feature.online({"plane": [1.5]}, "seats")


def test_many_keys_of_many_views_are_read_as_each_alone(workspace: Workspace, clock: Hands) -> None:
    random = np.random.default_rng(1)
    at = pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(random.integers(0, 86_400 * 9, 90), unit="s")
    frame = pd.DataFrame({"plane": range(90), "at": at, "seats": random.normal(size=90), "left": range(90)})
    frame.loc[::7, "seats"] = np.nan
    workspace.data.save(frame, "planes")

    def lasting(planes):  # type: ignore[no-untyped-def]
        return planes[["plane", "at", "seats"]]

    def fleeting(planes):  # type: ignore[no-untyped-def]
        return planes.query("plane % 3 > 0")[["plane", "at", "left", "seats"]].rename(columns={"seats": "worn"})

    workspace.feature.define(lasting, entity="plane", from_="planes", time="at")
    workspace.feature.define(fleeting, entity="plane", from_="planes", time="at", ttl="4d")
    workspace.feature.materialize()
    clock.at = datetime(2024, 3, 10, tzinfo=UTC)
    keys = [None if key > 100 else key for key in random.integers(0, 110, 60).tolist()]
    names = ["fleeting", "lasting:seats"]
    together = workspace.feature.online({"plane": keys}, names)
    alone = [workspace.feature.online({"plane": [key]}, names) for key in keys]
    assert together.statuses == {name: [one.statuses[name][0] for one in alone] for name in together.statuses}
    assert {*together.statuses["left"]} == {"present", "missing", "expired"}
    assert together.times == {view: [one.times[view][0] for one in alone] for view in together.times}
    for name, column in together.values.items():
        np.testing.assert_equal(column, [one.values[name][0] for one in alone])
    assert workspace.feature.online({"plane": []}, names).values == {"left": [], "worn": [], "seats": []}


def test_a_schedule_materializes(workspace: Workspace) -> None:
    define_delays(workspace)
    action = MaterializeAction(workspace.feature)
    action.check("delays", {})
    order = Order(action.named("delays"), {}, "2024-04-02T00:00:00", Going())
    assert action.start(order).note == "delays@v1 3 keys"
    order.stop.is_cancelled = True  # type: ignore[misc]
    workspace.data.save(flights(seed=1), "flights")
    with pytest.raises(KeyboardInterrupt):
        action.start(order)
    with pytest.raises(InvalidError, match="takes no parameters"):
        action.check("delays", {"x": 1})
    with pytest.raises(NotFoundError):
        action.check("delay", {})
    assert workspace.schedule.add("delays", "*/5 * * * *", action="materialize").action == "materialize"
    assert read(workspace).shape == (3, 2)
