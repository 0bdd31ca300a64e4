"""Work that nobody waits for: done when nothing is being saved, piece by piece, by a thread that is gone afterwards.

A piece of work is made of steps, some hundredths of a second each, and asks between two of them whether it may go on.
So a save begins at once, whatever is under way; a process ends within a step, and what it leaves undone is done when it
is asked for; and a process is forked between two steps only, when the thread holds no lock that the child would miss.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

__all__ = ["Afterwards", "Pause", "StoppedError"]

Pause = Callable[[], None]
"""Called between two steps: waits while something is being saved, and raises `StoppedError` when all is to end."""
Work = Callable[[Pause], object]

_LOG = logging.getLogger(__name__)
_QUIET = 0.5
"""Seconds after a save in which the next one may come; nothing is begun in them."""
_MOST = 32
"""Pieces that may wait; of more, the oldest are left out."""
_LONGEST = 5.0
"""Seconds that an exit waits for the end of a step, which may hang on a network."""
_PATIENCE = 1.0
"""The same for a fork."""


class StoppedError(Exception):
    """The work is to end, unfinished."""


class Afterwards:
    """What one workspace leaves for later."""

    def __init__(self) -> None:
        self._begin()
        _everything.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, Work] = {}
        self._current: Hashable = None
        self._thread: threading.Thread | None = None
        self._ahead = self._urgent = self._stopping = 0
        self._quiet_at = 0.0

    def add(self, key: Hashable, work: Work) -> None:
        """Have a piece of work done later; what it raises is logged."""
        with self._changed:
            self._waiting[key] = work
            while len(self._waiting) > _MOST:
                self._waiting.pop(next(iter(self._waiting)))
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._work, name="nbmlops-afterwards", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the interpreter is about to end, or there are too many threads
                _LOG.info("nothing is done afterwards: %s", error)
                self._waiting.clear()
                return
            self._thread = thread
            _end_in_time()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Let what is done here go first: no step is begun until some time after its end."""
        with self._changed:
            self._ahead += 1
        try:
            yield
        finally:
            with self._changed:
                self._ahead = max(0, self._ahead - 1)  # it is 0 in a child that was forked meanwhile
                self._quiet_at = time.monotonic() + _QUIET
                self._changed.notify_all()

    def settle(self, key: Hashable) -> bool:
        """Wait for the end of a piece of work that is under way; one that has not begun is dropped, for its caller.

        True when it was waited for.
        """
        with self._changed:
            self._waiting.pop(key, None)
            if self._current != key:
                return False
            self._urgent += 1
            self._changed.notify_all()
            try:
                while self._current == key:
                    self._changed.wait()
            finally:
                self._urgent -= 1
            return True

    def stop(self, longest: float | None = None) -> None:
        """Drop what waits, and end what is under way, which takes a step; more may be added later."""
        with self._changed:
            self._waiting.clear()
            self._stopping += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._current is None, longest)
            finally:
                self._stopping -= 1

    def _work(self) -> None:
        while (work := self._next()) is not None:
            try:
                with _step:
                    work(self._pause)
            except StoppedError:
                pass
            # It is no part of what anybody does now, and whoever asks for it learns what is wrong.
            except Exception:  # noqa: BLE001 - whatever it is, it is logged
                _LOG.info("what was to be done after a save failed", exc_info=True)
            finally:
                with self._changed:
                    self._current = None
                    self._changed.notify_all()

    def _next(self) -> Work | None:
        """The piece that waits longest, when it may begin; None when nothing waits, and the thread ends."""
        with self._changed:
            while self._waiting and (left := self._to_wait()) is not None:
                self._changed.wait(left or None)
            if not self._waiting:
                self._thread = None
                return None
            self._current = next(iter(self._waiting))
            return self._waiting.pop(self._current)

    def _to_wait(self) -> float | None:
        """Seconds until a step may begin, 0 for an unknown time; None when it may."""
        if self._ahead:
            return 0.0
        left = self._quiet_at - time.monotonic()
        return left if left > 0 else None

    def _pause(self) -> None:
        _step.release()
        try:
            with self._changed:
                while not (self._stopping or self._urgent) and (left := self._to_wait()) is not None:
                    self._changed.wait(left or None)
                if self._stopping:
                    raise StoppedError
        finally:
            _step.acquire()


_everything: weakref.WeakSet[Afterwards] = weakref.WeakSet()
_step = threading.RLock()
"""Held during a step: one is done at a time, whatever the number of workspaces, and none while a process is forked."""
_forking = threading.local()
_watched = False


def _end_in_time() -> None:
    """Let the exit end what is under way: a thread that is cut off within a library takes the process with it."""
    global _watched  # noqa: PLW0603 - once for the process
    if not _watched:
        _watched = True
        # After the first catalog's own, so before them: they give back connections that a step may have.
        atexit.register(_at_exit)


def _at_exit() -> None:
    for each in list(_everything):
        each.stop(_LONGEST)


def _before_fork() -> None:
    _forking.alone = _step.acquire(timeout=_PATIENCE)


def _in_parent() -> None:
    if _forking.alone:
        _step.release()


def _in_child() -> None:
    global _step  # noqa: PLW0603 - the thread that may hold it is not here
    _step = threading.RLock()
    for each in list(_everything):
        each._begin()  # noqa: SLF001 - of this module


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
