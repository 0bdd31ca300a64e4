"""What is to be exported, and what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.pipelines.logical_time import DUE

if TYPE_CHECKING:
    from nbmlops.pipelines.cron import Cron

__all__ = ["Export", "Wanted", "dashed"]


def dashed(name: str) -> str:
    """A name of small letters, digits and dashes, as Kubernetes and systemd take them.

    Examples
    --------
    >>> dashed("Delays_of 2013")
    'delays-of-2013'
    """
    return "".join(each if each.isalnum() and each.isascii() else "-" for each in name.lower()).strip("-")


@dataclass(frozen=True, slots=True)
class Export:
    """The files for one orchestrator.

    Attributes
    ----------
    pipeline : str
        What they run, such as ``delays@production``.
    target : str
        The orchestrator.
    command : str
        The line that they call.
    files : mapping of str to str
        Name -> content.
    folder : str or None
        Where they were written; None when they were not.
    notes : tuple of str
        What is left to do.
    """

    pipeline: str
    target: str
    command: str
    files: Mapping[str, str]
    folder: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every target is made from.

    Attributes
    ----------
    ref : str
        Name and alias of the pipeline.
    params : mapping of str to str
        Parameters that each run is given.
    cron : Cron or None
        When it is due; None leaves that to whoever starts it.
    image : str or None
        The container image, for what runs in containers.
    root : Path
        The project's folder on this machine.
    program : tuple of str
        The words that call nbmlops on this machine.
    made_by : str
        The line that exports it again.
    """

    ref: str
    params: Mapping[str, str]
    cron: Cron | None
    image: str | None
    root: Path
    program: tuple[str, ...]
    made_by: str

    @property
    def label(self) -> str:
        """A name of small letters, digits and dashes, as Kubernetes and systemd take them."""
        return f"nbmlops-{dashed(self.ref.partition('@')[0])}"

    @property
    def due(self) -> str | None:
        """The logical time for an orchestrator that does not tell what it starts something for."""
        if self.cron is None:
            return None
        return f"{DUE}{self.cron.text} {self.cron.zone}"

    def words(self, at: str | None, program: tuple[str, ...] = ("nbmlops",)) -> list[str]:
        """The words of the command; `at` is the logical time."""
        given = [word for key, value in self.params.items() for word in ("-p", f"{key}={value}")]
        time = ["--logical-time", at] if at else []
        return [*program, "pipeline", "run", self.ref, *time, *given]

    def line(self, at: str | None, program: tuple[str, ...] = ("nbmlops",)) -> str:
        """The same as one line of a shell."""
        return shlex.join(self.words(at, program))
