"""Progress in a cell: one line that is updated, and only when something takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbmlops.render.units import count, duration, size

__all__ = ["CellMeter"]

_LONG, _OFTEN = 2.0, 0.25
"""Seconds before anything is shown, and between two updates."""


class CellMeter:
    """A meter for a cell.

    Parameters
    ----------
    clock : callable, optional
        Seconds that pass.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    @contextmanager
    def bytes(self, label: str) -> Iterator[Callable[[int], None]]:
        """Count bytes."""
        line, total = _Line(self._clock), 0

        def add(amount: int) -> None:
            nonlocal total
            total += amount
            line.tell(lambda: f"{label} {size(total)} …")

        yield add
        line.close(lambda seconds: f"{label} {size(total)} took {duration(seconds)}")

    @contextmanager
    def steps(self, label: str) -> Iterator[Callable[[Any], None]]:
        """Follow the steps of a pipeline, or whatever goes on in parts."""
        line, states = _Line(self._clock), dict[str, Any]()

        def follow(sign: Any) -> None:
            if sign.printed:
                return
            states[sign.step] = sign
            line.tell(lambda: f"{label}: {', '.join(_running(states)) or 'between steps'}")

        yield follow
        line.close(lambda seconds: f"{label}: {count(len(states), 'step')} in {duration(seconds)}")


def _running(states: dict[str, Any]) -> list[str]:
    running = {name: sign for name, sign in states.items() if sign.state == "running"}
    return [
        f"{name} {sign.done:,} of {sign.cells:,} {sign.unit}{f', {sign.why}' if sign.why else ''}"
        for name, sign in running.items()
    ]


class _Line:
    """A line of output that replaces itself; steps tell it from threads of their own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._told = clock()
        self._handle: Any = None
        self._lock = threading.Lock()

    def tell(self, sentence: Callable[[], str]) -> None:
        with self._lock:
            now = self._clock()
            if now - self._began < _LONG or now - self._told < _OFTEN:
                return
            self._told = now
            self._show(sentence())

    def close(self, sentence: Callable[[float], str]) -> None:
        with self._lock:
            if self._handle is not None:
                self._show(sentence(self._clock() - self._began))

    def _show(self, sentence: str) -> None:
        from IPython.display import display

        content = {"text/plain": sentence}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(content, raw=True)
