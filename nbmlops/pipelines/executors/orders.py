"""What a worker is sent: one step with the part of the plan that it needs, and what sent it."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from nbmlops.core.errors import UnsupportedError
from nbmlops.core.version import __version__

if TYPE_CHECKING:
    from nbmlops.pipelines.executors.site import Opener
    from nbmlops.pipelines.plan import Plan

__all__ = ["Lost", "Order", "check_versions", "versions"]


@dataclass(frozen=True, slots=True)
class Order:
    """One step for a worker.

    Attributes
    ----------
    opener : callable
        Opens the project there.
    root : Path
        The project's folder.
    plan : Plan
        Of this step alone.
    step : str
        The step.
    run_id : str
        The pipeline run that it is a part of.
    cache : bool
        Whether it may be skipped.
    attempt : int
        How often it was sent, counted from 1.
    beacon : str
        Digest of an object that the store of the run has.
    """

    opener: Opener
    root: Path
    plan: Plan
    step: str
    run_id: str
    cache: bool
    attempt: int
    beacon: str

    def packed(self) -> bytes:
        """As bytes, small where a notebook brings its outputs."""
        return zstandard.compress(pickle.dumps(self), 1)

    @classmethod
    def unpacked(cls, packed: bytes) -> Order:
        """The order that `packed` made."""
        found = pickle.loads(zstandard.decompress(packed))  # noqa: S301 - whoever may send tasks may run anything here
        assert isinstance(found, cls)
        return found


@dataclass(frozen=True, slots=True)
class Lost:
    """What a worker says of a step that is not its own to run: an earlier task of the same attempt had it."""

    why: str


def versions() -> dict[str, str]:
    """What has to be the same here and on the workers: they read what we pickle."""
    return {"nbmlops": __version__, "Python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def check_versions(sent_by: dict[str, str], worker: str) -> None:
    """Refuse, on a worker, what another version sent.

    Raises
    ------
    UnsupportedError
        When versions differ.
    """
    own = versions()
    for name, theirs in sent_by.items():
        if own.get(name) != theirs:
            raise UnsupportedError(
                f"the worker {worker} has {name} {own.get(name)}, and the run was started with {name} {theirs}",
                hint="install the same on the workers and here",
            )
