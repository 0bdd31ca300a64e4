"""What the product tells people to type can be typed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import nbmlops
from nbmlops import ml
from nbmlops.__main__ import main
from nbmlops.commands import grammar
from nbmlops.commands.tree import tree
from nbmlops.core import errors
from nbmlops.core.errors import CorruptError, NotFoundError
from nbmlops.core.version import __version__
from nbmlops.workspace.current import forget

SOURCE = Path(nbmlops.__file__).parent
TYPED = re.compile(r"`ml ([^`]*)`")
BARE = re.compile(rf"(?:nbmlops|(?<!%)%ml) (?:{'|'.join([*grammar.NOUNS, *(verb.name for verb in grammar.of(''))])})\b")


def text_of(node: ast.AST) -> str:
    """The text of a literal, with X for what is computed."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def literals() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if text := text_of(node):
                yield f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}", text


def hints() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                for part in ast.walk(node.value):
                    if text := text_of(part):
                        yield f"{path.relative_to(SOURCE)}:{node.value.lineno}", text


def fault(line: str) -> str | None:
    """Why a line cannot be typed; None when it can."""
    noun, *rest = line.split()
    if noun == "X" and (not rest or rest[0].startswith("X")):
        return None  # all of it is computed
    if noun == "X":  # a kind of version
        return next(filter(None, (fault(" ".join([kind, *rest])) for kind in ("data", "model", "pipeline"))), None)
    context = click.Context(tree)
    command = tree.get_command(context, noun)
    if isinstance(command, click.Group):
        if not rest:
            return f"{noun} has no verb"
        command, rest = command.get_command(context, rest[0]), rest[1:]
    if command is None:
        return "no such verb"
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"-h", "--help"}
    unknown = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in known]
    return f"no option {unknown}" if unknown else None


def test_every_command_that_a_text_names_can_be_typed() -> None:
    found = [(where, line) for where, text in literals() for line in TYPED.findall(text)]
    assert len(found) > 40
    assert [(where, line, fault(line)) for where, line in found if fault(line)] == []


def test_no_hint_names_a_command_in_the_words_of_one_face_alone() -> None:
    assert [(where, text) for where, text in hints() if BARE.search(text)] == []


@pytest.mark.parametrize("line", ["data lst", "store repair --form X", "nope", "data"])
def test_a_wrong_command_is_found(line: str) -> None:
    assert fault(line)


def test_a_hint_speaks_as_the_face_does() -> None:
    error = NotFoundError("there is no x", hint="see `ml data list`")
    assert error.hint == "see `nbmlops data list`"
    errors.speak("%ml")
    try:
        assert error.hint == "see `%ml data list`"
        assert str(error).endswith("hint: see `%ml data list`")
        assert error._render_traceback_()[-1] == "hint: see `%ml data list`"
    finally:
        errors.speak("nbmlops")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("data --foo", "hint: nbmlops data --help"),
        ("data list --jsn", "hint: did you mean --json?"),
        ("list data", "`nbmlops data list`"),
        ("store repair", "store repair needs --from URL"),
        ("data save flihgts.csv", "did you mean flights.csv?"),
        ("data show flights@7f3", "at least 6 digits"),
        ("data restore flights", "flights is not deleted; nothing to restore"),
        ("pipeline run x -p n", "n=0.91"),
        ("run list --experiment gmb", "did you mean gbm?"),
    ],
)
def test_a_slip_is_answered_with_what_to_type(
    project: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    (project / "flights.csv").write_text("a\n1\n")
    ml.data.save("flights.csv", "flights")
    with ml.run("gbm"):
        pass
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_lost_its_marker_does_not_send_people_in_a_circle(project: Path) -> None:
    forget()
    (project / ".nbmlops" / "workspace.json").unlink()
    with pytest.raises(CorruptError, match=r"has no workspace\.json"):
        ml.data.list()


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"nbmlops {__version__}\n"
