"""What is known of a package."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Package"]


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was written.

    Attributes
    ----------
    file : str
        Where it is.
    pipeline : str
        The version that it holds.
    digest : str
        Digest of that version, 64 hex digits.
    size : int
        Bytes of the file.
    notebooks, modules, schedules : tuple of str
        What it holds: paths below the project, and names.
    needs : tuple of str
        What it reads, each by its digest.
    with_data : bool
        Whether that is in it.
    """

    file: str
    pipeline: str
    digest: str
    size: int
    notebooks: tuple[str, ...]
    modules: tuple[str, ...]
    schedules: tuple[str, ...]
    needs: tuple[str, ...]
    with_data: bool
