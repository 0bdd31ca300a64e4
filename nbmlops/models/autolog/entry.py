"""The run that one watched call writes to; what cannot be logged is said on it, and never raised."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nbmlops.core.errors import ConflictError, NbmlopsError

if TYPE_CHECKING:
    from nbmlops.tracking.active import ActiveRun

__all__ = ["Entry", "Teller"]


class Teller:
    """Says what could not be logged, each kind of it once."""

    def __init__(self) -> None:
        self._said: set[tuple[str, type[Exception]]] = set()

    def say(self, what: str, error: Exception) -> None:
        """Warn of an error."""
        if (what, type(error)) in self._said:
            return
        self._said.add((what, type(error)))
        # Where warnings are errors, the run still says it.
        with suppress(Warning):
            warnings.warn(f"nbmlops: autolog leaves out {what}: {_spoken(error)}", stacklevel=2)


class Entry:
    """The run of one watched call; a context manager around it.

    Parameters
    ----------
    run : ActiveRun
        The run.
    experiment : str
        Its experiment; what belongs to it is named after that.
    own : bool
        Whether it was started for the call, and ends with it.
    teller : Teller
        Says what could not be logged.
    """

    def __init__(self, run: ActiveRun, experiment: str, *, own: bool, teller: Teller) -> None:
        self.run = run
        self.experiment = experiment
        self._own = own
        self._teller = teller
        self._left_out: dict[str, str | Exception] = {}

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Try to log something; an error is told of and goes no further."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - logging must not stop whoever fits
            self._left_out[what] = error

    def leave_out(self, what: str, why: str) -> None:
        """Say on the run what is not logged."""
        self._left_out[what] = why

    def params(self, values: Mapping[str, Any], of: str) -> None:
        """Record params; under the name of what they are `of` where the run has another value of one already."""
        try:
            self.run.param(values)
        except ConflictError:
            self.run.param({of: values})

    def metrics(self, figures: Iterable[tuple[str, Callable[[], float]]]) -> None:
        """Log each figure that can be computed."""
        found = {}
        for name, figure in figures:
            with self.attempt(name):
                found[name] = float(figure())
        self.run.log(found)

    def __enter__(self) -> Self:
        if self._own:
            self.run.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._left_out:
                whys = {
                    what: _spoken(why) if isinstance(why, Exception) else why for what, why in self._left_out.items()
                }
                self.run.tag({"autolog.left_out": "; ".join(f"{what}: {why}" for what, why in whys.items())})
        except Exception as failure:  # noqa: BLE001 - as above
            self._teller.say("what it left out", failure)
        for what, why in self._left_out.items():
            if isinstance(why, Exception):
                self._teller.say(what, why)
        try:
            if self._own:
                self.run.__exit__(kind, error, trace)
        except Exception as failure:  # noqa: BLE001 - as above
            self._teller.say("the end of the run", failure)


def _spoken(error: Exception) -> str:
    text = error.message if isinstance(error, NbmlopsError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]
