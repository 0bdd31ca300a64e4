"""What a schedule starts, when, once, and what becomes of times that were missed or overlap."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nbmlops.core.actions import Order
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, StepFailedError, UnavailableError
from nbmlops.pipelines.schedules.records import Fire
from nbmlops.store.audit import Audit
from nbmlops.workspace import Workspace
from tests.pipelines.schedules.bench import Echo, MovedClock, passed


def add(workspace: Workspace, cron: str | None = "0 6 * * *", **rules: Any) -> None:
    workspace.schedule.add("delays", cron, action="echo", **rules)


def ended(fires: list[Fire]) -> list[tuple[str, str]]:
    return [(fire.logical_time[:16], fire.state) for fire in fires]


def test_what_is_due_is_started_once_with_its_time(workspace: Workspace, clock: MovedClock, echo: Echo) -> None:
    add(workspace, params={"month": "due:%Y-%m", "rows": 5}, tz="Europe/Berlin")
    assert passed(workspace) == []
    clock.move(days=1)
    (fire,) = passed(workspace)
    assert (fire.logical_time, fire.state, fire.run) == (
        "2026-11-27T05:00:00Z",
        "completed",
        "run-of-2026-11-27T05:00:00Z",
    )
    assert passed(workspace) == []
    assert [(order.target, order.parameters) for order in echo.orders] == [("delays", {"month": "2026-11", "rows": 5})]


@pytest.mark.parametrize(
    ("catchup", "started", "skipped"),
    [("all", ["26", "27", "28"], []), ("latest", ["28"], []), ("none", [], ["28"])],
)
def test_times_that_were_missed_are_caught_up_as_the_schedule_says(
    workspace: Workspace, clock: MovedClock, echo: Echo, catchup: str, started: list[str], skipped: list[str]
) -> None:
    add(workspace, catchup=catchup)
    clock.move(days=2, hours=3)
    fires = passed(workspace)
    assert [time[8:10] for time in echo.times] == started
    assert [fire.logical_time[8:10] for fire in fires if fire.state == "skipped"] == skipped
    if catchup != "all":
        assert "that nothing started, from 2026-11-26T06:00:00Z on" in str(fires[0].note)
    assert passed(workspace) == []


def test_a_time_that_is_not_late_is_no_missed_one(workspace: Workspace, clock: MovedClock, echo: Echo) -> None:
    add(workspace, catchup="none", late="10m")
    clock.move(minutes=9)
    assert ended(passed(workspace)) == [("2026-11-26T06:00", "completed")]


@pytest.mark.parametrize("jumps", [(1,), (-1,), (24,), (-24,), (1, -1), (-1, 1), (24, -24), (-24, 24, 1, -1)])
def test_a_clock_that_jumps_starts_no_time_twice_and_none_is_lost(
    workspace: Workspace, clock: MovedClock, echo: Echo, jumps: tuple[int, ...]
) -> None:
    begin = clock.time
    add(workspace, "0 * * * *", catchup="all")
    for hours in (*jumps, 0):
        for _ in range(3):
            clock.move(minutes=37)
            passed(workspace)
        clock.move(hours=hours)
        passed(workspace)
    clock.time = begin + timedelta(hours=36)
    passed(workspace)
    due = [begin + timedelta(minutes=1, hours=number) for number in range(36)]
    assert sorted(echo.times) == sorted(set(echo.times))
    assert set(echo.times) >= {f"{at:%Y-%m-%dT%H:%M:%S}Z" for at in due}


def test_what_fails_says_why_and_the_next_time_comes(workspace: Workspace, clock: MovedClock, echo: Echo) -> None:
    faults: list[Exception] = [StepFailedError("the step 2_sum failed"), ValueError("no rows")]

    def fail(order: Order) -> None:
        raise faults[len(echo.orders) - 1]

    echo.does = fail
    add(workspace)
    notes = []
    for _ in range(2):
        clock.move(days=1)
        notes += [(fire.state, fire.note) for fire in passed(workspace)]
    assert notes == [("failed", "the step 2_sum failed"), ("failed", "ValueError: no rows")]
    assert workspace.schedule.show("delays").last == workspace.schedule.history("delays")[0]


def test_what_needs_something_that_is_away_is_tried_again_three_times(
    workspace: Workspace, clock: MovedClock, echo: Echo
) -> None:
    def fail(order: Order) -> None:
        clock.move(seconds=10)
        raise UnavailableError("the remote is away")

    echo.does = fail
    add(workspace)
    clock.move(minutes=1)
    for _ in range(4):
        passed(workspace)
        clock.move(seconds=10)
    assert len(echo.orders) == 3
    assert [fire.state for fire in workspace.schedule.history("delays")] == ["failed"]


@pytest.mark.parametrize(
    ("overlap", "states"),
    [
        ("queue", {"06:00": "completed", "06:01": "completed"}),
        ("forbid", {"06:00": "completed", "06:01": "skipped"}),
        ("replace", {"06:00": "replaced", "06:01": "completed"}),
    ],
)
def test_a_time_that_comes_due_while_one_runs_is_treated_as_the_schedule_says(
    workspace: Workspace, clock: MovedClock, echo: Echo, overlap: str, states: dict[str, str]
) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def work(order: Order) -> None:
        at_work.set()
        while len(echo.orders) == 1 and not go_on.wait(0.01):
            if order.stop.is_cancelled:
                raise KeyboardInterrupt

    echo.does = work
    add(workspace, "* * * * *", overlap=overlap)
    clock.move(minutes=1)
    fires: list[Fire] = []
    daemon = threading.Thread(target=lambda: workspace.schedule.run(tell=fires.append, parallel=2), daemon=True)
    daemon.start()
    assert at_work.wait(20)
    clock.move(minutes=1)
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while len(workspace.schedule.history("delays")) < 2 and datetime.now(UTC) < deadline:
        threading.Event().wait(0.05)
    if overlap != "replace":
        go_on.set()
    while len(fires) < 2 and datetime.now(UTC) < deadline:
        threading.Event().wait(0.05)
    assert {fire.logical_time[11:16]: fire.state for fire in workspace.schedule.history("delays")} == states
    assert {fire.logical_time[11:16]: fire.state for fire in fires} == states


def test_a_paused_schedule_starts_nothing_and_does_not_catch_up(
    workspace: Workspace, clock: MovedClock, echo: Echo
) -> None:
    add(workspace, catchup="all")
    assert workspace.schedule.pause("delays").next_at is None
    clock.move(days=3)
    assert passed(workspace) == []
    workspace.schedule.resume("delays")
    assert passed(workspace) == []
    clock.move(days=1)
    assert len(passed(workspace)) == 1


def test_a_deleted_schedule_comes_back_paused_and_its_name_may_be_given_again(
    workspace: Workspace, clock: MovedClock, echo: Echo
) -> None:
    add(workspace)
    workspace.schedule.delete("delays")
    clock.move(days=1)
    assert passed(workspace) == []
    assert workspace.schedule.list() == []
    with pytest.raises(NotFoundError, match="no schedule named 'delays'") as raised:
        workspace.schedule.pause("delays")
    assert "schedule restore delays" in str(raised.value.hint)
    assert workspace.schedule.restore("delays").paused_at is not None
    workspace.schedule.delete("delays")
    add(workspace, "0 7 * * *")
    assert workspace.schedule.rename("delays", "mornings").trigger == "0 7 * * * UTC"
    actions = [event.action for event in Audit(workspace.catalog).events()]
    assert actions[:3] == ["schedule.rename", "schedule.add", "schedule.delete"]


def test_two_schedules_of_one_name_are_refused_and_the_second_is_told_what_to_do(workspace: Workspace) -> None:
    add(workspace)
    with pytest.raises(ConflictError, match="there is a schedule delays already, which starts delays") as raised:
        add(workspace, "0 7 * * *")
    assert "--name delays_2" in str(raised.value.hint)
    add(workspace, "0 7 * * *", name="delays_2")
    assert [schedule.name for schedule in workspace.schedule.list()] == ["delays", "delays_2"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"cron": "0 25 * * *"}, r"the hour of a cron line cannot be '25'\n0 25 \* \* \*\n  \^\^"),
        ({"cron": "0 6 * * *", "tz": "Europe/Berlim"}, "no time zone named 'Europe/Berlim'"),
        ({}, "nothing says when it is due"),
        ({"cron": "0 6 * * *", "every": "6h"}, "cron and every both say when it is due"),
        ({"every": "0"}, "is no span of time to wait"),
        ({"every": "soon"}, "is no span of time"),
        ({"every": "6h", "tz": "UTC"}, "only a cron line has a time zone"),
        ({"on": "dta:flights"}, "there is no event named 'dta'"),
        ({"on": "data"}, "does not say of what"),
        ({"on": "data:a b"}, "the name 'a b'"),
        ({"on": "stale:delay"}, "--older goes with --on stale:MODEL"),
        ({"on": "commit:main"}, "a commit has no name here"),
        ({"every": "6h", "catchup": "al"}, "catchup cannot be 'al'"),
        ({"every": "6h", "overlap": "kill"}, "overlap cannot be 'kill'"),
        ({"every": "6h", "late": "soon"}, "is no span of time"),
        ({"every": "6h", "nap": "1h"}, "a schedule has no 'nap'"),
        ({"every": "6h", "action": "ech"}, "there is no action named 'ech'"),
        ({"every": "6h", "params": {"day": "due-1y:%Y"}}, None),
        ({"every": "6h", "params": {"rows": object()}}, "the parameter rows is a object, which cannot be kept"),
        ({"every": "6h", "name": "list"}, "is a verb"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_and_nothing_is_kept(
    workspace: Workspace, rules: dict[str, Any], said: str | None
) -> None:
    if said is None:  # what is no date is a text like any other
        workspace.schedule.add("delays", **{"action": "echo", **rules})
        return
    with pytest.raises((InvalidError, NotFoundError), match=said) as raised:
        workspace.schedule.add("delays", **{"action": "echo", **rules})
    assert raised.value.hint
    assert workspace.schedule.list() == []


def test_the_next_times_are_told_on_the_clocks_of_its_zone(workspace: Workspace, clock: MovedClock) -> None:
    clock.time = datetime(2026, 3, 27, tzinfo=UTC)
    add(workspace, "30 2 * * *", tz="Europe/Berlin")
    assert [upcoming.local for upcoming in workspace.schedule.next("delays", 3)] == [
        "2026-03-27 02:30+01:00",
        "2026-03-28 02:30+01:00",
        "2026-03-29 03:00+02:00",
    ]


def test_an_interval_is_counted_from_when_it_was_added(workspace: Workspace, clock: MovedClock, echo: Echo) -> None:
    add(workspace, None, every="6h", catchup="all")
    clock.move(hours=13)
    passed(workspace)
    assert echo.times == ["2026-11-26T11:59:00Z", "2026-11-26T17:59:00Z"]


def test_lateness_is_told_until_it_has_started(workspace: Workspace, clock: MovedClock, echo: Echo) -> None:
    add(workspace)
    assert workspace.schedule.show("delays").late is None
    clock.move(hours=2, minutes=1)
    assert workspace.schedule.show("delays").late == 7_200
    passed(workspace)
    assert workspace.schedule.show("delays").late is None


def test_what_waits_of_a_deleted_schedule_does_not_start_when_its_name_is_given_again(
    workspace: Workspace, clock: MovedClock, echo: Echo
) -> None:
    def fail(order: Order) -> None:
        raise UnavailableError("the remote is away")

    echo.does = fail
    add(workspace)
    clock.move(minutes=1)
    passed(workspace)
    assert [fire.state for fire in workspace.schedule.history("delays")] == ["waiting"]
    workspace.schedule.delete("delays")
    add(workspace, "0 7 * * *")
    clock.move(minutes=1)
    assert passed(workspace) == []
    assert [(fire.state, fire.note) for fire in workspace.schedule.history("delays")] == [
        ("skipped", "the schedule was deleted")
    ]
