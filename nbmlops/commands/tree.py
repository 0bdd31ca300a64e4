"""The click tree: groups that load a noun's module when it is named, and commands made from the grammar's rows."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import click

from nbmlops.commands import grammar
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.plugins import plugged
from nbmlops.core.version import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nbmlops.commands.grammar import Verb
    from nbmlops.commands.session import Session

__all__ = ["DETAIL", "JSON", "OUTPUT", "NounGroup", "Tree", "VerbCommand", "tree"]

DETAIL = "nbmlops.detail"
"""Key in a context's `meta`: whether everything that is known is to be shown."""
OUTPUT = "nbmlops.output"
"""Key in a context's `meta`: the variable that ``-o`` names."""
JSON = "nbmlops.json"
"""Key in a context's `meta`: whether ``--json`` was given."""

F = TypeVar("F", bound=Callable[..., Any])
_Resolved = tuple[str | None, click.Command | None, list[str]]


def _keep_output(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is None or context.resilient_parsing:
        return
    session: Session = context.obj
    if session.face == "shell":
        raise InvalidError(
            f"-o {value} names a variable, and a shell has none", hint="leave it out; --json writes the result as JSON"
        )
    if not value.isidentifier():
        raise InvalidError(f"-o {value!r} is no name of a variable")
    context.meta[OUTPUT] = value


def _keep_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.meta[JSON] = value


class VerbCommand(click.Command):
    """A command for one row of the grammar; ``--json`` and ``-o`` are on all of them."""

    def __init__(self, verb: Verb, callback: Callable[..., Any]) -> None:
        params = list(reversed(getattr(callback, "__click_params__", [])))
        params += [
            click.Option(
                ["-o", "--output"],
                metavar="NAME",
                expose_value=False,
                callback=_keep_output,
                help="Put the result in a variable of the notebook.",
            ),
            click.Option(
                ["--json"], is_flag=True, expose_value=False, callback=_keep_json, help="Write one JSON document."
            ),
        ]
        super().__init__(verb.name, callback=click.pass_obj(callback), params=params, help=verb.help)
        self.verb = verb

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Ask the policy before anything of the line is looked at; help on it is for everybody."""
        session: Session | None = ctx.obj
        if session is not None and not ctx.resilient_parsing and not {*args} & {*ctx.help_option_names}:
            session.permit(self.verb)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the verb, and say how its result is to be shown."""
        if not self.verb.body:
            _refuse_body(ctx, f"{self.verb.words} takes no body")
        ctx.meta[DETAIL] = self.verb.detail
        return super().invoke(ctx)


class NounGroup(click.Group):
    """The verbs of one noun.

    Parameters
    ----------
    noun : str
        The noun.
    default : str, optional
        The verb that is meant in a cell when the first word is none: ``%%ml check flights``.
    alone : str, optional
        The verb that is meant in every face when the first word is none, or there is no word at all: ``nbmlops ci``.
    """

    def __init__(self, noun: str, *, default: str | None = None, alone: str | None = None) -> None:
        super().__init__(noun, help=grammar.NOUNS.get(noun), invoke_without_command=True, callback=_help_alone)
        self.noun = noun
        self.default = default
        self.alone = alone

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb that can be left out where it is."""
        first = args[0] if args else ""
        # Completion asks what may come first.
        if self.alone and first not in {*self.commands, *ctx.help_option_names} and (args or not ctx.resilient_parsing):
            args = [self.alone, *args]
        return super().parse_args(ctx, args)

    def verb(self, name: str) -> Callable[[F], VerbCommand]:
        """Make the decorated function the command of a verb."""

        def add(function: F) -> VerbCommand:
            command = VerbCommand(grammar.find(self.noun, name), function)
            self.add_command(command)
            return command

        return add

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """The verbs in the order of the grammar."""
        return [verb.name for verb in grammar.of(self.noun)]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the verbs, and what may follow the verb that a cell can leave out."""
        default = self._default(ctx)
        more = default.params[0].shell_complete(ctx, incomplete) if default else []
        return [*super().shell_complete(ctx, incomplete), *more]

    def _default(self, ctx: click.Context) -> click.Command | None:
        session: Session | None = ctx.obj
        return self.commands[self.default] if self.default and session and session.notebook else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> _Resolved:
        """Find the verb, or say which is nearest."""
        word = args[0]
        if word in self.commands or word.startswith("-"):
            return super().resolve_command(ctx, args)
        if default := self._default(ctx):
            return default.name, default, args
        if ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        known = self.list_commands(ctx)
        raise InvalidError(
            f"{word!r} is no verb of {self.noun}", hint=nearest(word, known) or f"the verbs are {', '.join(known)}"
        )


class Tree(click.Group):
    """The nouns and the verbs of the workspace; each module is imported when its noun is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Verbs of the workspace first, then the nouns."""
        return [*(verb.name for verb in grammar.of("")), *grammar.NOUNS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the module of a noun, or of the verbs of the workspace."""
        noun = cmd_name in grammar.NOUNS
        group: click.Group = import_module(f"nbmlops.commands.{cmd_name if noun else 'top'}").group
        if noun or cmd_name in group.commands or not any(verb.name == cmd_name for verb in grammar.of("")):
            return group if noun else group.get_command(ctx, cmd_name)
        added: click.Command = plugged(cmd_name).command
        return added

    def resolve_command(self, ctx: click.Context, args: list[str]) -> _Resolved:
        """Find the noun, or say which word is nearest."""
        word = args[0]
        if word.startswith("-") or ctx.resilient_parsing or self.get_command(ctx, word):
            return super().resolve_command(ctx, args)
        raise InvalidError(f"{word!r} is neither a noun nor a verb of the workspace", hint=_nearest_words(word, args))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the help of all from the grammar, so that it loads none of them."""
        for title, rows in (
            ("Workspace", [(verb.name, verb.help) for verb in grammar.of("")]),
            ("Nouns", list(grammar.NOUNS.items())),
        ):
            with formatter.section(title):
                formatter.write_dl(rows)


def _nearest_words(word: str, args: list[str]) -> str:
    homes = [noun for noun in grammar.NOUNS if any(verb.name == word for verb in grammar.of(noun))]
    if homes and len(args) > 1 and args[1] in grammar.NOUNS:
        return f"the noun comes first, as in `ml {' '.join([args[1], word, *args[2:]])}`"
    if homes:
        rest = f" {args[1]}" if len(args) > 1 else ""
        return f"the noun comes first, as in `ml {homes[0]} {word}{rest}`"
    known = [*(verb.name for verb in grammar.of("")), *grammar.NOUNS]
    return nearest(word, known) or f"the words are {', '.join(known)}"


def _refuse_body(context: click.Context, why: str) -> None:
    """Refuse a cell whose body nothing would run; a body of blanks is none."""
    session: Session | None = context.obj
    body = session.notebook.body if session and session.notebook else None
    if body and body.strip():
        raise InvalidError(
            f"{why}, so the cell was not run",
            hint="`%%ml run NAME` records the body; a line without one starts with %ml",
        )


@click.pass_context
def _help_alone(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        _refuse_body(context, "the line above the body is not complete")
        click.echo(context.get_help())


@click.pass_context
def _status_alone(context: click.Context) -> Any:
    if context.invoked_subcommand is not None:
        return None
    _refuse_body(context, "the line above the body is not complete")
    session: Session = context.obj
    if session.face == "cell":
        return session.workspace.status()
    click.echo(context.get_help())
    return None


tree = click.version_option(__version__, message="nbmlops %(version)s")(
    Tree(
        "nbmlops",
        help="MLOps from the notebook: NOUN VERB, the same words in a cell, in a shell and in Python.",
        invoke_without_command=True,
        callback=_status_alone,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
)
"""The whole grammar as one click command."""
