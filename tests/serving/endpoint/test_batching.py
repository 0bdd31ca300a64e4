"""Who is alone is answered where its request was read; who is not is answered with the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from nbmlops.serving.endpoint.batching import Batcher


class Doubles:
    """A version that notes where it was asked, and how many rows at a time; it takes none below zero."""

    version = 1

    def __init__(self) -> None:
        self.asked: list[tuple[bool, int]] = []

    def answer(self, arrays: list[np.ndarray[Any, Any]], _: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
        if (arrays[0] < 0).any():
            raise ValueError("below zero")
        self.asked.append((threading.current_thread() is threading.main_thread(), len(arrays[0])))
        return {"predict": 2 * arrays[0]}


async def one(batcher: Batcher, served: Any, value: float) -> float:
    answer = await batcher.answer(served, [np.array([value])], ("predict",))
    return float(answer["predict"][0])


def test_a_caller_who_is_alone_is_answered_in_the_loop_once_the_model_has_proved_quick() -> None:
    served, batcher = Doubles(), Batcher(lambda *_: None, quick=60.0)

    async def ask() -> list[float]:
        return [await one(batcher, served, number) for number in range(400)]

    assert asyncio.run(ask()) == [2.0 * number for number in range(400)]
    batcher.close()
    here = [inside for inside, _ in served.asked]
    assert not any(here[:16])
    # It looks now and then whether it is still alone.
    assert 0.9 < sum(here[16:]) / len(here[16:]) < 1


def test_callers_who_meet_are_answered_together_and_in_the_thread() -> None:
    served, batcher = Doubles(), Batcher(lambda *_: None, quick=60.0)

    async def ask() -> None:
        for number in range(120):
            await one(batcher, served, number)
        for number in range(8):
            if number == 1:  # by then it has noticed
                served.asked.clear()
            found = await asyncio.gather(*(one(batcher, served, number) for number in range(16)))
            assert found == [2.0 * number for number in range(16)]

    asyncio.run(ask())
    batcher.close()
    assert not any(inside for inside, _ in served.asked)
    assert sum(rows for _, rows in served.asked) == 7 * 16
    assert max(rows for _, rows in served.asked) > 1


def test_a_model_that_takes_its_time_never_holds_up_the_loop() -> None:
    served, batcher = Doubles(), Batcher(lambda *_: None, quick=0.0)

    async def ask() -> None:
        for number in range(40):
            await one(batcher, served, number)

    asyncio.run(ask())
    batcher.close()
    assert not any(inside for inside, _ in served.asked)


def test_what_the_model_raises_reaches_the_caller_wherever_it_was_asked() -> None:
    served, batcher = Doubles(), Batcher(lambda *_: None, quick=60.0)

    async def ask() -> None:
        for number in range(40):
            await one(batcher, served, number)
            with pytest.raises(ValueError, match="below zero"):
                await one(batcher, served, -1)

    asyncio.run(ask())
    batcher.close()
    assert any(inside for inside, _ in served.asked)
