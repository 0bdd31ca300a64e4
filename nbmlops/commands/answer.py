"""Runs one line of the grammar for a face: parse, invoke, and say what is to be shown and how."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, ShellComplete

from nbmlops.commands.offers import files
from nbmlops.commands.tree import DETAIL, JSON, OUTPUT, NounGroup, VerbCommand, tree
from nbmlops.core.errors import InvalidError, nearest

if TYPE_CHECKING:
    from nbmlops.commands.session import Session
    from nbmlops.render.dispatch import Document

__all__ = ["Answer", "answer", "completions", "given", "help_of", "verb_of"]


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
        from nbmlops.render.dispatch import Document
        from nbmlops.render.dispatch import json as to_json

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


def given(verb: str, words: Iterable[str], program: str, without: Collection[str] = ()) -> dict[str, Any]:
    """What a line of a verb of the workspace gives for its arguments and options; nothing of it is run.

    Parameters
    ----------
    verb : str
        The verb, as ``search``.
    words : iterable of str
        What stands behind it.
    program : str
        What hints call the program.
    without : collection of str
        Options that it has not here, by their names in Python, beside those that every verb has.

    Raises
    ------
    InvalidError
        When the line is not of the grammar.
    """
    command = copy.copy(tree.get_command(click.Context(tree), verb))
    assert isinstance(command, VerbCommand)
    command.params = [each for each in command.params if each.expose_value and each.name not in without]
    command.add_help_option = False
    try:
        return command.make_context(verb, list(words)).params
    except click.UsageError as error:
        raise _explained(error, program) from None


def completions(words: Iterable[str], incomplete: str, session: Session) -> list[CompletionItem]:
    """What may follow `words`, beginning with `incomplete`; nothing of it is run."""
    given = list(words)
    # Click takes a word with a `-` for an option, and the field that runs are ordered by may begin so.
    sign = "-" if given[-1:] == ["--by"] and incomplete.startswith("-") else ""
    complete = ShellComplete(tree, {"obj": session}, "nbmlops", "_NBMLOPS_COMPLETE").get_completions
    found = complete(given, incomplete.removeprefix(sign))
    return [CompletionItem(sign + word) for item in found for word in _spelled(item)]


def verb_of(words: Iterable[str]) -> list[str]:
    """The words of a line that say what it does: noun and verb, the noun alone, or nothing that is known."""
    first, second, *_ = [*words, "", ""]
    group = tree.get_command(click.Context(tree), first) if first in tree.list_commands(click.Context(tree)) else None
    if not isinstance(group, NounGroup):
        return [first] if group else []
    verb = second if second in group.commands else group.default if second else None
    return [first, verb] if verb else [first]


def help_of(words: Iterable[str], program: str) -> str:
    """Help on what a line does, as ``--help`` behind it gives; nothing of it is run."""
    command: click.Command = tree
    context = click.Context(tree, info_name=program, **tree.context_settings)
    for word in verb_of(words):
        command = command.get_command(context, word) or command if isinstance(command, click.Group) else command
        context = click.Context(command, info_name=word, parent=context)
    return command.get_help(context)


def _spelled(item: CompletionItem) -> Iterable[str]:
    """The words that an item stands for: a shell makes paths of the sign for them, a cell does not."""
    if item.type in {"file", "dir"}:
        return files(item.value, folders=item.type == "dir")
    return [item.value]


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
