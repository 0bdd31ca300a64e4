"""What an export and an import did."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Exported", "Imported"]


@dataclass(frozen=True, slots=True)
class Exported:
    """Runs that were written elsewhere.

    Attributes
    ----------
    to : str
        The folder, or the address of MLflow without what is secret in it.
    runs : tuple of str
        Their friendly names.
    points, artifacts, size : int
        Points of metrics, artifacts, and bytes of artifacts that were written.
    running : tuple of str
        Runs that were left out because they still go on.
    there : int
        Runs that were there already.
    changed : tuple of str
        What could not be kept there as it is here, and what became of it.
    """

    to: str
    runs: tuple[str, ...]
    points: int
    artifacts: int
    size: int
    running: tuple[str, ...] = ()
    there: int = 0
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """Runs that came from elsewhere.

    Attributes
    ----------
    source : str
        The folder, or the address of MLflow without what is secret in it.
    runs : tuple of str
        Their friendly names here.
    points, artifacts : int
        Points of metrics and artifacts that came with them.
    there : int
        Runs that were here already; nothing of them was changed.
    renamed : tuple of (str, str)
        Friendly names there and here of those whose number was taken.
    unknown : int
        Versions that they read or wrote, and that are not here.
    changed : tuple of str
        What could not be kept here as it was there, and what became of it.
    """

    source: str
    runs: tuple[str, ...]
    points: int
    artifacts: int
    there: int = 0
    renamed: tuple[tuple[str, str], ...] = ()
    unknown: int = 0
    changed: tuple[str, ...] = ()
