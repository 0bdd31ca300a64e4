from __future__ import annotations

import asyncio
import threading

import pytest

from nbmlops.jupyter.server.workers import Busy, Workers


def test_a_job_gives_what_it_gives_and_raises_what_it_raises() -> None:
    async def story() -> None:
        workers = Workers("job", threads=2, waiting=2)
        assert await workers.do(lambda: 7) == 7
        with pytest.raises(KeyError, match="gone"):
            await workers.do(lambda: {}["gone"])

    asyncio.run(story())


@pytest.mark.parametrize("ends", [SystemExit, StopIteration])
def test_a_job_that_wants_to_end_the_thread_fails_and_the_next_is_done(ends: type[BaseException]) -> None:
    def job() -> None:
        raise ends

    async def story() -> None:
        workers = Workers("job", threads=1, waiting=2)
        with pytest.raises(RuntimeError, match=ends.__name__):
            await workers.do(job)
        assert await workers.do(lambda: "done") == "done"

    asyncio.run(story())


def test_what_is_too_much_to_wait_is_refused_at_once_and_the_loop_goes_on() -> None:
    begun, go = threading.Event(), threading.Event()

    def job() -> bool:
        begun.set()
        return go.wait()

    async def story() -> None:
        workers = Workers("job", threads=1, waiting=2)
        first = asyncio.create_task(workers.do(job))
        await asyncio.to_thread(begun.wait)
        waiting = [asyncio.create_task(workers.do(lambda number=number: number)) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await workers.do(lambda: None)
        go.set()
        assert await asyncio.gather(first, *waiting) == [True, 0, 1]

    asyncio.run(story())


def test_no_more_threads_are_started_than_there_may_be() -> None:
    async def story() -> set[str]:
        workers = Workers("few", threads=3, waiting=64)
        done = await asyncio.gather(*(workers.do(lambda: threading.current_thread().name) for _ in range(60)))
        return set(done)

    assert asyncio.run(story()) <= {"few-1", "few-2", "few-3"}


def test_whoever_gives_up_waiting_disturbs_nobody() -> None:
    go = threading.Event()

    async def story() -> None:
        workers = Workers("job", threads=1, waiting=2)
        task = asyncio.create_task(workers.do(go.wait))
        await asyncio.sleep(0.01)
        task.cancel()
        go.set()
        assert await workers.do(lambda: "next") == "next"

    asyncio.run(story())
