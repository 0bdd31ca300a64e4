"""Options that long listings share: which part of a history, and what was deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["DELETED", "NONE_DELETED", "NONE_THERE", "paged"]

F = TypeVar("F", bound=Callable[..., Any])

DELETED = click.option("--deleted", is_flag=True, help="List what was deleted and can be restored.")

NONE_DELETED = "nothing is deleted that could be restored"
NONE_THERE = "no version matches"


def paged(command: F) -> F:
    """Let a command take ``--limit``, ``--after`` and ``--aliased``."""
    for option in (
        click.option("--aliased", is_flag=True, help="Only versions that an alias is on."),
        click.option("--after", metavar="REF", help="The last version of the page before."),
        click.option("--limit", type=int, help="How many at most."),
    ):
        command = option(command)
    return command
