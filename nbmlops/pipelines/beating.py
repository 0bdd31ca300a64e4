"""Work that is done again and again beside other work, such as renewing a lease."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nbmlops.core.errors import UnavailableError

__all__ = ["beating"]


@contextmanager
def beating(
    work: Callable[[], object], seconds: float, is_away: Callable[[UnavailableError], object]
) -> Iterator[None]:
    """Do `work` every so many `seconds` in a thread while the body runs; `is_away` hears of a store that is away."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(seconds):
            try:
                work()
            except UnavailableError as error:
                is_away(error)

    thread = threading.Thread(target=again, name="nbmlops-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
