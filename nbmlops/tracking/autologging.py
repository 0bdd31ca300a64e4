"""The verb autolog; whoever logs fits is above: `nbmlops.models.autolog`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from nbmlops.core.errors import UnsupportedError

__all__ = ["Autolog", "Autologger", "Autologging"]


@dataclass(frozen=True, slots=True)
class Autolog:
    """Whether fits are logged from now on, with which library, and whether with pictures and models."""

    on: bool
    library: str
    plots: bool
    models: bool


class Autologger(Protocol):
    """Logs what is fitted."""

    def on(self, *, plots: bool, models: bool) -> Autolog:
        """Log from now on."""

    def off(self) -> Autolog:
        """Log nothing more."""


class Autologging:
    """What runs have of autolog."""

    _make_autologger: Callable[[Any], Autologger] | None = None
    _autologger: Autologger | None = None

    def autolog(self, *, off: bool = False, plots: bool = True, models: bool = True) -> Autolog:
        """Log what scikit-learn fits in this process from now on, each fit to a run.

        The active run takes the first fit; a further one becomes a part of it. What cannot be logged is said and left
        out: a fit does what it would do without. ``docs/autolog.md`` tells what is kept.

        Parameters
        ----------
        off : bool
            Log nothing more.
        plots : bool
            Whether to draw pictures.
        models : bool
            Whether to save models.

        Raises
        ------
        UnsupportedError
            When nothing here knows how to log fits.
        """
        if self._autologger is None:
            if self._make_autologger is None:
                raise UnsupportedError("these runs have nobody who logs fits", hint="open a workspace for it")
            self._autologger = self._make_autologger(self)
        return self._autologger.off() if off else self._autologger.on(plots=plots, models=models)

    def stop_autolog(self) -> None:
        """Log nothing more, if anything was logged."""
        if self._autologger is not None:
            self._autologger.off()
