"""Each shell line that the README and the pages of `docs` show is one of the grammar, options and all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nbmlops import Workspace
from nbmlops.commands.session import Session
from nbmlops.commands.tree import tree
from nbmlops.core.errors import NbmlopsError
from tests.commands.fakes import in_a_shell

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
A_FILE = re.compile(r"[\w-]+\.[a-z]+")


def shown(page: Path) -> Iterator[list[str]]:
    """The words of each line that begins with ``nbmlops``."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in map(str.strip, block.replace("\\\n", " ").splitlines()):
            if line.startswith("nbmlops "):
                yield shlex.split(line, comments=True)[1:]


def parse(words: list[str], session: Session) -> None:
    """Read a line as far as to where its verb would be called."""
    command: click.Command = tree
    name, context = "nbmlops", None
    while True:
        context = command.make_context(name, list(words), parent=context, obj=session)
        if not isinstance(command, click.Group) or not context._protected_args:
            return
        found, command, words = command.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[assignment]
        name = found or name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_line_that_is_shown_is_of_the_grammar(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as workspace:
        for words in shown(page):
            for word in filter(A_FILE.fullmatch, words):
                Path(word).touch()
            try:
                parse(words, in_a_shell(workspace))
            except (click.UsageError, NbmlopsError) as error:
                pytest.fail(f"nbmlops {shlex.join(words)}: {error.message}")


def test_a_line_that_is_none_is_found(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as workspace, pytest.raises(click.UsageError):
        parse(["monitor", "labels", "delay", "outcomes", "--keys", "flight"], in_a_shell(workspace))


def test_the_readme_shows_lines() -> None:
    assert len(list(shown(PAGES[0]))) > 30
