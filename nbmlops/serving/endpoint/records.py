"""What is known of an endpoint that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Endpoint"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model that answers over HTTP, until it is stopped.

    Attributes
    ----------
    ref : str
        The version or alias that answers.
    address : str
        Where: ``http://127.0.0.1:8000``.
    pid : int
        The process that keeps the workers.
    workers : int
        How many there are.
    token_file : str or None
        The file with the token; None when it is in the environment.
    log : str or None
        The file with what it said; None when it says so in a terminal.
    stopped : bool
        Whether it was stopped just now.
    """

    ref: str
    address: str
    pid: int
    workers: int
    token_file: str | None
    log: str | None = None
    stopped: bool = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self.ref.partition("@")[0]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what was written as JSON."""
        return cls(**document)
