"""The verb ``ui``: the click tree, which stands below this package, finds it as a plug-in."""

from __future__ import annotations

import html
import os
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands import grammar
from nbmlops.commands.tree import VerbCommand
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["command"]


@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="NUMBER", help="Where to listen; by default where it is free."
)
@click.option("--no-browser", is_flag=True, help="Only say the address.")
def _serve(session: Session, port: int | None, no_browser: bool) -> Any:
    if session.face == "cell":
        raise InvalidError("ui serves a page until it is stopped, and a cell would wait for it", hint="type `ml panel`")
    from nbmlops.jupyter.server.standalone import Standalone

    marker = session.workspace.marker
    server = Standalone(marker.root, port or 0)

    def started() -> None:
        click.echo(
            f"The panels of {marker.root.name}, for you alone, until you press Ctrl-C:\n\n    {server.address}\n"
        )
        if not no_browser:
            webbrowser.open(page)

    with _leading_to(server.address) as page:
        server.run(started)
    click.echo("stopped")


@contextmanager
def _leading_to(address: str) -> Iterator[str]:
    """Give the address of a file that leads on to `address`.

    What a browser is started with stands in the list of processes, which everyone on the machine may read; the file
    is this user's alone.
    """
    number, name = tempfile.mkstemp(prefix="nbmlops-ui-", suffix=".html")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(address)}">')
    try:
        yield Path(name).as_uri()
    finally:
        Path(name).unlink(missing_ok=True)


command = VerbCommand(grammar.find("", "ui"), _serve)
