"""Carry chunks from packs to packs: cut into loads of about one pack, carried side by side, stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from nbmlops.store.folders import Folder
from nbmlops.store.index import Place
from nbmlops.store.sink import PACK_LIMIT

__all__ = ["THREADS", "Load", "StoppedError", "Told", "loads", "side_by_side"]

THREADS = 3
"""Loads on their way at once: each may hold a whole pack in memory while it is sent."""
_SMALL = 16 * 1024 * 1024
"""Bytes of a load over a network, and the least elsewhere: what is lost at most, for each thread, to an interrupt."""

Load = list[Place]
R = TypeVar("R")


class StoppedError(Exception):
    """Another load has failed, or somebody pressed Ctrl-C."""


class Told:
    """Tells progress from any thread, one at a time."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self._lock = threading.Lock()

    def __call__(self, count: int) -> None:
        """So many bytes more."""
        if self._progress is not None:
            with self._lock:
                self._progress(count)


def loads(places: Iterable[Place], *sides: Folder) -> list[Load]:
    """Cut into loads, in the order of the packs that the chunks lie in: what filled a pack fills one again.

    `sides` are the folders that they are carried from and to.
    """
    ordered = sorted(places, key=lambda place: (place.pack, place.offset))
    most = _SMALL if any("://" in side.where for side in sides) else PACK_LIMIT
    limit = min(most, max(_SMALL, sum(place.stored for place in ordered) // (4 * THREADS)))
    cut: list[Load] = []
    size = limit
    for _, group in groupby(ordered, key=attrgetter("pack")):
        held = list(group)
        whole = sum(place.stored for place in held)
        if size + whole > limit:
            size = limit  # a pack begins a load, unless it fits into the one before
        for place in held:
            if size + place.stored > limit:
                cut.append([])
                size = 0
            cut[-1].append(place)
            size += place.stored
    return cut


def side_by_side(work: Callable[[Load, threading.Event], R], cut: list[Load]) -> Iterator[R]:
    """Do the work on each load; what it gives, as it comes.

    The work looks at the event between two pieces, and raises `StoppedError` when it is set.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="nbmlops-carry") as pool:
        futures = [pool.submit(work, load, stop) for load in cut]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
