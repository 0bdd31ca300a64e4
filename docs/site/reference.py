"""Pages of every verb in its three faces, from the click tree and the grammar, and of the services in Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import click

import nbmlops
from nbmlops.commands.grammar import NOUNS, Verb, of
from nbmlops.commands.tree import tree

__all__ = ["api_pages", "page_of", "verb_pages"]

_SERVICES = {
    "data": "nbmlops.data.Data",
    "run": "nbmlops.tracking.Runs",
    "check": "nbmlops.checks.Checks",
    "feature": "nbmlops.features.Features",
    "model": "nbmlops.models.Models",
    "pipeline": "nbmlops.pipelines.Pipelines",
    "schedule": "nbmlops.pipelines.schedules.service.Schedules",
    "deployment": "nbmlops.serving.Deployments",
    "monitor": "nbmlops.monitoring.service.Monitors",
    "remote": "nbmlops.workspace.remotes.Remotes",
    "store": "nbmlops.store.service.Store",
    "ci": "nbmlops.pipelines.ci.service.ContinuousIntegration",
}


def page_of(verb: Verb) -> str:
    """Where the page of a verb is, below the folder of the site and without an ending."""
    return f"verbs/{verb.noun or 'workspace'}/{verb.name}"


def verb_pages(into: Path) -> list[str]:
    """Write a page for each noun, with one for each of its verbs below it; give the pages of the nouns."""
    pages = []
    for noun in ("", *NOUNS):
        name, about = noun or "workspace", NOUNS.get(noun, "Verbs whose noun is the workspace itself")
        verbs = of(noun)
        lines = [f"| [`{verb.usage}`]({name}/{verb.name}.md) | {_cell(verb.help)} |" for verb in verbs]
        listed = "\n".join(f"{name}/{verb.name}" for verb in verbs)
        text = f"# {name}\n\n{about}.\n\n| | |\n|---|---|\n" + "\n".join(lines)
        text += f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
        _write(into / f"verbs/{name}.md", text)
        for verb in verbs:
            _write(into / f"{page_of(verb)}.md", _page(verb))
        pages.append(f"verbs/{name}")
    return pages


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _page(verb: Verb) -> str:
    parts = [f"# {verb.words}", verb.help]
    if "cell" not in verb.exempt:
        body = f" A cell may be its body: `%%ml {verb.words} …` above it." if verb.body else ""
        parts.append(f"## In a cell\n\n```text\n%ml {verb.usage}\n```\n{body}")
    if "shell" not in verb.exempt:
        parts.append(f"## In a shell\n\n```text\nnbmlops {verb.usage}\n```")
    if "python" not in verb.exempt:
        parts.append(f"## In Python\n\n{_python(verb)}")
    if verb.exempt:
        parts.append("\n".join(f"Not in {face}: {reason}." for face, reason in verb.exempt.items()))
    parts.append(_options(verb))
    return "\n\n".join(part for part in parts if part) + "\n"


def _command(verb: Verb) -> click.Command | None:
    """The command of a verb, as the tree has it."""
    command: click.Command | None = tree
    for word in verb.words.split():
        if not isinstance(command, click.Group):
            return None
        command = command.get_command(click.Context(command), word)
    return command


def _options(verb: Verb) -> str:
    command = _command(verb)
    if command is None:
        return ""
    rows = []
    for each in command.params:
        if isinstance(each, click.Option) and not each.hidden:
            names = ", ".join(f"`{name}`" for name in (*each.opts, *each.secondary_opts))
            takes = "" if each.is_flag else f" `{each.metavar or each.name.upper() if each.name else ''}`"
            rows.append(f"| {names}{takes} | {_cell(each.help or '')} |")
    if not rows:
        return ""
    return "## Options\n\n| option | what it does |\n|---|---|\n" + "\n".join(rows)


def _cell(text: str) -> str:
    """Text that stands in one cell of a table, and is no markup."""
    text = " ".join(text.split())
    return "".join("\\" + sign if sign in "\\|*_[]<>$" else sign for sign in text)


def _python(verb: Verb) -> str:
    found = _object(verb.python)
    # Names of types as they are written in the sources.
    signature = str(inspect.signature(found)).replace("'", "")
    said = inspect.getdoc(found) or ""
    text = f"```python\n{verb.python}{signature}\n```\n"
    return text + (f"\n```text\n{said}\n```\n" if said else "")


def _object(name: str) -> Callable[..., Any]:
    """What stands behind a Python name of the grammar, such as ``ml.data.save``, in the workspace around the folder."""
    found: Any = reduce(getattr, name.split("."), nbmlops)
    called: Callable[..., Any] = found if inspect.isroutine(found) else found.__call__
    return called


def api_pages(into: Path) -> list[str]:
    """Write a page for the workspace and one for each service, from their docstrings."""
    pages = []
    for noun, place in {"workspace": "nbmlops.workspace.root.Workspace", **_SERVICES}.items():
        words = f"```{{eval-rst}}\n.. autoclass:: {place}\n   :members:\n```\n"
        called = "Workspace" if noun == "workspace" else f"ml.{noun}"
        _write(into / f"python/{noun}.md", f"# {called}\n\n{words}")
        pages.append(f"python/{noun}")
    return pages
