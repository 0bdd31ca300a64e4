"""How many steps run at once on one machine."""

from __future__ import annotations

import threading

from nbmlops.pipelines.executors.threads import Room


def holder(
    room: Room, cores: int = 1, memory: int | None = None
) -> tuple[threading.Thread, threading.Event, threading.Event]:
    """Take room in a thread; it has it when the first event is set, and lets go of it with the second."""
    has, over = threading.Event(), threading.Event()

    def hold() -> None:
        with room.taken(cores, memory):
            has.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    return thread, has, over


def test_steps_whose_limits_exceed_the_memory_wait_for_one_another() -> None:
    room = Room(8, 10)
    one, one_has, one_over = holder(room, memory=6)
    assert one_has.wait(30)
    two, two_has, two_over = holder(room, memory=5)
    three, three_has, three_over = holder(room, memory=4)
    assert three_has.wait(30), "6 and 4 fit"
    assert not two_has.wait(0.05)
    one_over.set()
    assert two_has.wait(30)
    for over in (two_over, three_over):
        over.set()
    for thread in (one, two, three):
        thread.join(30)


def test_a_step_is_counted_for_the_cores_that_it_asks_for() -> None:
    room = Room(4, None)
    one, one_has, one_over = holder(room, cores=3)
    assert one_has.wait(30)
    two, two_has, two_over = holder(room, cores=2)
    with room.taken(1, 1_000):
        assert not two_has.wait(0.05)
    one_over.set()
    assert two_has.wait(30)
    two_over.set()
    for thread in (one, two):
        thread.join(30)


def test_a_step_that_may_have_more_than_there_is_runs_alone() -> None:
    room = Room(2, 10)
    with room.taken(5, 11):
        thread, has, over = holder(room, memory=1)
        assert not has.wait(0.05)
    assert has.wait(30)
    over.set()
    thread.join(30)


def test_steps_without_a_limit_take_no_memory() -> None:
    room = Room(2, 10)
    with room.taken(1, 10), room.taken(1, None):
        pass
