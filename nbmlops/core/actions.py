"""Actions: what a schedule starts, by name.

Whoever can be started registers an Action here, a pipeline now and a monitor later, so that schedules know nothing of
either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbmlops.core.errors import ConflictError, NbmlopsError, NotFoundError, nearest

__all__ = ["Action", "Actions", "LaterError", "Order", "Started", "Stop", "UnderWayError"]


class UnderWayError(ConflictError):
    """What was to be started is being done by somebody else at this moment."""


class LaterError(NbmlopsError):
    """It cannot be done now, and is to be tried again: after so many `seconds`, which is no failure by itself."""

    seconds: float = 5.0

    @classmethod
    def after(cls, seconds: float, message: str) -> LaterError:
        """The error that says why, and when."""
        error = cls(message)
        error.seconds = seconds
        return error


class Stop(Protocol):
    """Tells what was started that it is to end."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to end; asked now and then."""


@dataclass(frozen=True, slots=True)
class Order:
    """One start.

    Attributes
    ----------
    target : str
        What to start, as `Action.named` gave it.
    parameters : mapping
        What it is given.
    logical_time : str
        What the start stands for: a time as the ledger has it, or an event. Started twice for one, an Action
        commits once.
    stop : Stop
        Says when it is to end.
    """

    target: str
    parameters: Mapping[str, Any]
    logical_time: str
    stop: Stop


@dataclass(frozen=True, slots=True)
class Started:
    """What became of a start that succeeded: the name of its run, if it has one, and what else there is to say."""

    run: str | None = None
    note: str = ""


class Action(Protocol):
    """Something that can be started unattended."""

    def named(self, target: str) -> str:
        """The target in full, as it is meant when nobody is there to ask.

        Raises
        ------
        InvalidError
            When it is no name of one.
        """

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Raise what starting it with these parameters would, as far as that can be told before.

        Raises
        ------
        NotFoundError, InvalidError
            When it is not there, or a parameter is none of its own.
        """

    def start(self, order: Order) -> Started:
        """Start it and wait for its end.

        Raises
        ------
        UnderWayError
            When somebody else does the same at this moment.
        LaterError
            When it is to be tried again later.
        NbmlopsError
            When it failed.
        KeyboardInterrupt
            When it was stopped.
        """


@dataclass(frozen=True, slots=True)
class Actions:
    """The Actions of one workspace, by name.

    Examples
    --------
    >>> Actions().find("pipelin")
    Traceback (most recent call last):
    ...
    nbmlops.core.errors.NotFoundError: there is no action named 'pipelin'
    hint: there is none
    """

    known: dict[str, Action] = field(default_factory=dict)

    def register(self, name: str, action: Action) -> None:
        """Let schedules start `action` by `name`."""
        self.known[name] = action

    def find(self, name: str) -> Action:
        """The Action of a name.

        Raises
        ------
        NotFoundError
            When there is none.
        """
        if name not in self.known:
            hint = nearest(name, self.known) or (f"one of {', '.join(self.known)}" if self.known else "there is none")
            raise NotFoundError(f"there is no action named {name!r}", hint=hint)
        return self.known[name]
