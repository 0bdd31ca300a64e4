"""One sentence, three faces: the table is walked over Python, ``%ml`` and the shell."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from nbmlops import ml
from nbmlops.commands.answer import answer
from nbmlops.commands.grammar import NOUNS, VERBS, Verb, find, of, overview
from nbmlops.commands.tree import VerbCommand, tree
from nbmlops.core.errors import NotFoundError
from nbmlops.workspace.current import forget
from tests.commands.fakes import in_a_cell, in_a_shell

OF_EVERY_COMMAND = {"output", "json", "help"}


def every_verb(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.words)(test)


def command_of(verb: Verb) -> VerbCommand:
    context = click.Context(tree)
    group = tree.get_command(context, verb.noun) if verb.noun else tree
    assert isinstance(group, click.Group)
    command = group.get_command(context, verb.name)
    assert isinstance(command, VerbCommand)
    return command


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("workspace"))
        ml.init()
        yield
        forget()


def test_every_verb_of_the_table_is_a_command_and_every_command_is_in_the_table() -> None:
    context = click.Context(tree)
    assert tree.list_commands(context) == [*(verb.name for verb in of("")), *NOUNS]
    for noun in NOUNS:
        group = tree.get_command(context, noun)
        assert isinstance(group, click.Group)
        assert set(group.commands) == {verb.name for verb in of(noun)}


@every_verb
def test_a_verb_has_one_line_of_help_in_each_face(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    assert re.fullmatch(r"[A-Z][^\n]*\.", verb.help)
    words = [*verb.words.split(), "--help"]
    answer(words, in_a_shell(), "nbmlops")
    in_shell = capsys.readouterr().out
    answer(words, in_a_cell(), "%ml")
    in_cell = capsys.readouterr().out
    assert in_cell == in_shell.replace("nbmlops", "%ml", 1)
    assert verb.help in " ".join(in_cell.split())


@every_verb
def test_a_verb_takes_what_the_table_says(verb: Verb) -> None:
    arguments = [param for param in command_of(verb).params if isinstance(param, click.Argument)]
    written = re.findall(r"\[?([A-Z=]+)\]?", verb.positionals)
    assert [argument.make_metavar(click.Context(tree)).strip("[].") for argument in arguments] == written
    optional = re.findall(r"\[([A-Z]+)\]", verb.positionals)
    assert len(optional) == sum(not argument.required for argument in arguments if "=" not in verb.positionals)


@every_verb
def test_a_verb_is_in_python_too_with_the_same_options(verb: Verb, workspace: None) -> None:
    if "python" in verb.exempt:
        assert len(verb.exempt["python"]) > 20
        return
    found: Any = ml
    for name in verb.python.removeprefix("ml.").split("."):
        found = getattr(found, name)
    in_python = set(inspect.signature(found).parameters)
    here = {param.name for param in command_of(verb).params} - OF_EVERY_COMMAND
    assert here - in_python == set(verb.only_here)
    assert in_python - here == set(verb.only_python)


@every_verb
def test_every_exemption_names_something_that_is_there_and_says_why(verb: Verb) -> None:
    here = {param.name for param in command_of(verb).params}
    assert set(verb.only_here) <= here
    assert not set(verb.only_python) & here
    for reason in (*verb.exempt.values(), *verb.only_here.values(), *verb.only_python.values()):
        assert len(reason.split()) >= 2


@every_verb
def test_every_verb_can_write_json_and_fill_a_variable(verb: Verb) -> None:
    options = {name for param in command_of(verb).params for name in param.opts}
    assert {"--json", "-o", "--output"} <= options


@every_verb
def test_every_option_says_what_it_is_for(verb: Verb) -> None:
    for param in command_of(verb).params:
        if isinstance(param, click.Option):
            assert (param.help or "").endswith("."), param.opts


def test_nouns_and_verbs_are_told_in_the_overview() -> None:
    told = overview()
    for verb in VERBS:
        assert f"%ml {verb.usage}" in told
    assert max(map(len, told.splitlines())) <= 120


def test_an_unknown_verb_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="no verb 'sav' of data") as error:
        find("data", "sav")
    assert error.value.hint == "did you mean save?"


def test_the_tree_loads_a_noun_only_when_it_is_named() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from nbmlops.commands.answer import answer; from nbmlops.commands.session import Session\n"
        "answer(['--help'], Session()); answer(['store', '--help'], Session())\n"
        "print([n for n in sorted(sys.modules) if n in {'nbmlops.commands.data', 'nbmlops.commands.store'}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.splitlines()[-1] == "['nbmlops.commands.store']"
