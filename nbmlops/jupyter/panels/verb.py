"""The verb ``panel``: the click tree, which stands below this package, finds it as a plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands import grammar
from nbmlops.commands.tree import VerbCommand
from nbmlops.core.errors import InvalidError
from nbmlops.jupyter.panels.panel import ORDER
from nbmlops.jupyter.panels.showing import open_panel

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["command", "open_panel"]


@click.argument("name", metavar="NAME", required=False, type=click.Choice(ORDER))
def _draw(session: Session, name: str | None) -> Any:
    if session.face == "shell":
        raise InvalidError(
            "a panel is drawn below a cell, and a shell has none", hint="`ml ui` serves the panels as a page"
        )
    return session.workspace.panel(name)


command = VerbCommand(grammar.find("", "panel"), _draw)
