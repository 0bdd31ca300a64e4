"""Runs one line of the grammar for a face: parse, invoke, and say what is to be shown and how."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, ShellComplete

from nbmlops.commands.tree import DETAIL, JSON, OUTPUT, NounGroup, VerbCommand, tree
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.render.dispatch import Document
from nbmlops.render.dispatch import json as to_json

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["Answer", "answer", "completions"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a line gave: the record, the variable it is to be put in, and how to show it.

    Attributes
    ----------
    result : object
        The record; None when the line only printed help.
    output : str or None
        The variable that ``-o`` names.
    detail : bool
        Whether everything that is known of it is to be shown.
    as_json : bool
        Whether ``--json`` was given.
    """

    result: Any = None
    output: str | None = None
    detail: bool = False
    as_json: bool = False

    def document(self) -> Document:
        """The result as one JSON document."""
        return Document(json.dumps(to_json(self.result), ensure_ascii=False, indent=2, allow_nan=False))


def answer(words: Iterable[str], session: Session, program: str = "nbmlops") -> Answer:
    """Run a line.

    Parameters
    ----------
    words : iterable of str
        The line, split.
    session : Session
        What it runs in.
    program : str
        What the help calls the program.

    Raises
    ------
    InvalidError
        When the line is not of the grammar.
    NbmlopsError
        What the verb raises.
    """
    try:
        with tree.make_context(program, list(words), obj=session) as context:
            result = tree.invoke(context)
            meta = context.meta
            return Answer(result, meta.get(OUTPUT), bool(meta.get(DETAIL)), bool(meta.get(JSON)))
    except click.exceptions.Exit:
        return Answer()
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.UsageError as error:
        raise _explained(error, program) from None


def completions(words: Iterable[str], incomplete: str, session: Session) -> list[CompletionItem]:
    """What may follow `words`, beginning with `incomplete`; nothing of it is run."""
    return ShellComplete(tree, {"obj": session}, "nbmlops", "_NBMLOPS_COMPLETE").get_completions(
        list(words), incomplete
    )


def _explained(error: click.UsageError, program: str) -> InvalidError:
    """What click found wrong, in our words, with the next thing to type."""
    command = error.ctx.command if error.ctx else None
    words, usage = "", f"{program} --help"
    if isinstance(command, VerbCommand):
        words, usage = command.verb.words, f"{program} {command.verb.usage}"
    elif isinstance(command, NounGroup):
        words, usage = command.noun, f"{program} {command.noun} --help"
    match error:
        case click.NoSuchOption():
            known = [name for param in (command.params if command else ()) for name in param.opts]
            hint = nearest(error.option_name, known) or f"{program} {words} --help".replace("  ", " ")
            return InvalidError(f"{words or program} has no option {error.option_name}", hint=hint)
        case click.MissingParameter():
            what = error.param.make_metavar(error.ctx) if error.param and error.ctx else "something"
            if isinstance(error.param, click.Option):
                what = f"{error.param.opts[0]} {what}"
                usage = f"{usage} {what}"
            return InvalidError(f"{words} needs {what}", hint=usage)
        case _:
            message = error.format_message().rstrip(".")
            return InvalidError(message[:1].lower() + message[1:], hint=usage)
