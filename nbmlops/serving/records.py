"""What is known of a deployment: which versions answer whom, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

from nbmlops.core.errors import InvalidError

__all__ = ["DEFAULT_ALIAS", "Deployment", "DeploymentChange", "Personal", "Traffic", "Unseen"]

DEFAULT_ALIAS = "production"
"""What is served where nothing else was said."""
Unseen = Literal["refuse", "null", "pass"]
Personal = Literal["keep", "drop", "hash"]
_WHOLE = 100.0
_KEPT = ("alias", "sticky", "sampled", "unseen")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one version answered in a while.

    Attributes
    ----------
    version : int
        Its number.
    role : {"served", "shadow"}
        Whether its answers were heard.
    rows, requests, errors : int
        Rows; requests; requests that were refused or failed: of a status of 400 and more.
    p95_ms : float
        The milliseconds in which 95 % of the requests were answered.
    """

    version: int
    role: Literal["served", "shadow"]
    rows: int
    requests: int
    errors: int
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model that answers, and how its callers are shared out.

    Attributes
    ----------
    name : str
        The model's name.
    alias : str
        The alias that answers whom no share takes.
    split : tuple of (str, float)
        Aliases or versions, such as ``champion`` or ``v7``, each with its percentage of the callers; what is left of
        the hundred is for `alias`.
    shadow : tuple of str
        Aliases or versions that answer too, unheard.
    sticky : str or None
        The input column or header whose value chooses the share; by default the request's id does.
    sampled : float
        The share of the requests whose rows are kept, between 0 and 1; profiles are of all.
    unseen : {"refuse", "null", "pass"}
        What becomes of a category that the model has not seen.
    personal : mapping of str to {"keep", "drop", "hash"}
        What is kept of an input column.
    changed : int
        Raised by each change; 0 while nothing was said.
    traffic : tuple of Traffic or None
        What each version answered in the last 24 hours; looked up by `show` alone.
    """

    name: str
    alias: str = DEFAULT_ALIAS
    split: tuple[tuple[str, float], ...] = ()
    shadow: tuple[str, ...] = ()
    sticky: str | None = None
    sampled: float = 1.0
    unseen: Unseen = "refuse"
    personal: Mapping[str, Personal] = field(default_factory=dict, hash=False)
    changed: int = 0
    author: str | None = None
    changed_at: datetime | None = None
    traffic: tuple[Traffic, ...] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        total = sum(percent for _, percent in self.split)
        if any(not 0 < percent <= _WHOLE for _, percent in self.split) or total > _WHOLE + 1e-9:
            raise InvalidError(
                f"the shares of {self.name} are {', '.join(f'{ref}={percent:g}' for ref, percent in self.split)}",
                hint="each is above 0, and together they are at most 100: champion=90 challenger=10",
            )
        if not 0 <= self.sampled <= 1:
            raise InvalidError(f"{self.sampled} is no share of the requests", hint="a number from 0 to 1, such as 0.1")

    @property
    def refs(self) -> tuple[str, ...]:
        """Every alias or version that answers, heard or not, each once."""
        rest = () if sum(percent for _, percent in self.split) >= _WHOLE - 1e-9 else (self.alias,)
        return tuple(dict.fromkeys([*(ref for ref, _ in self.split), *rest, *self.shadow]))

    def to_json(self) -> dict[str, Any]:
        """What was said of it, as plain JSON values."""
        own = {key: getattr(self, key) for key in _KEPT}
        return {
            **own,
            "split": [list(share) for share in self.split],
            "shadow": list(self.shadow),
            "personal": dict(self.personal),
        }

    @classmethod
    def of(cls, row: Any) -> Self:
        """The record of a row of the catalog."""
        return cls(
            row.name,
            split=tuple((ref, float(percent)) for ref, percent in row.split),
            shadow=tuple(row.shadow),
            personal=dict(row.personal),
            **{key: getattr(row, key) for key in ("alias", "sticky", "sampled", "unseen")},
            **{key: getattr(row, key) for key in ("changed", "author", "changed_at")},
        )


@dataclass(frozen=True, slots=True)
class DeploymentChange:
    """One change of a deployment: when, by whom, the verb, and what it was told."""

    name: str
    at: datetime
    actor: str
    verb: str
    detail: Mapping[str, Any] = field(hash=False)
