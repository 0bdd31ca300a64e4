"""What is told of who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

__all__ = ["Glass", "Grant", "Standing"]


@dataclass(frozen=True, slots=True)
class Glass:
    """A time in which everything is allowed to one person; `until` is None for as long as their process has it."""

    actor: str
    reason: str
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """The role that a user of the database has."""

    user: str
    role: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy that counts, and where one stands by it.

    Attributes
    ----------
    number : int or None
        The policy's, counted as they were adopted; None when everybody may do everything.
    digest, by, at : str, str, datetime or None
        Its digest, and who adopted it when.
    file : {"none", "adopted", "edited", "missing"}
        How the file in the workspace compares with it.
    you, roles : str, tuple of str
        Who asks, and the roles they have.
    users : mapping of str to tuple of str
        The roles of those who are named.
    default : str or None
        The role of everybody else.
    rules : tuple of str
        What needs the approval of others.
    verbs : mapping of str to tuple of str
        The verbs of each role.
    glasses : tuple of Glass
        Who may do everything for a time, and why.
    embedded : bool
        Whether the catalog is SQLite, where roles prevent accidents and are no boundary.
    """

    number: int | None
    digest: str | None
    by: str | None
    at: datetime | None
    file: Literal["none", "adopted", "edited", "missing"]
    you: str
    roles: tuple[str, ...]
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default: str | None = None
    rules: tuple[str, ...] = ()
    verbs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    glasses: tuple[Glass, ...] = ()
    embedded: bool = True
