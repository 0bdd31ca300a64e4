"""How many steps run at once on one machine."""

from __future__ import annotations

import threading

from nbmlops.pipelines.executors.threads import Memory


def holder(memory: Memory, size: int | None) -> tuple[threading.Thread, threading.Event, threading.Event]:
    """Take memory in a thread; it has it when the first event is set, and lets go of it with the second."""
    has, over = threading.Event(), threading.Event()

    def hold() -> None:
        with memory.taken(size):
            has.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    return thread, has, over


def test_steps_whose_limits_exceed_the_memory_wait_for_one_another() -> None:
    memory = Memory(10)
    one, one_has, one_over = holder(memory, 6)
    assert one_has.wait(30)
    two, two_has, two_over = holder(memory, 5)
    three, three_has, three_over = holder(memory, 4)
    assert three_has.wait(30), "6 and 4 fit"
    assert not two_has.wait(0.05)
    one_over.set()
    assert two_has.wait(30)
    for over in (two_over, three_over):
        over.set()
    for thread in (one, two, three):
        thread.join(30)


def test_a_step_that_may_have_more_than_there_is_runs_alone() -> None:
    memory = Memory(10)
    with memory.taken(11):
        thread, has, over = holder(memory, 1)
        assert not has.wait(0.05)
    assert has.wait(30)
    over.set()
    thread.join(30)


def test_steps_without_a_limit_wait_for_nobody() -> None:
    memory = Memory(10)
    with memory.taken(10), memory.taken(None), Memory(None).taken(1):
        pass
