"""Shows what cells of a pipeline print, as it comes, each line with the name of its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nbmlops.core.signs import StepProgress

__all__ = ["printing"]


def printing(progress: Callable[[StepProgress], None] | None) -> Callable[[StepProgress], None]:
    """A progress that writes to stderr what cells print, and passes on all the rest."""

    def tell(sign: StepProgress) -> None:
        if sign.printed:
            for line in sign.printed.splitlines():
                click.echo(f"{sign.step} | {line}", err=True)
        elif progress is not None:
            progress(sign)

    return tell
