"""Runs the tests of a cell against what the notebook defines; one outcome for each test.

A test is a function whose name begins with ``test_``, or an assert that stands alone. An assertion that does not hold
fails; anything else that is raised makes the test errored, and the others still run. Properties of hypothesis are
called as they are, with the same examples each time.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import CodeType
from typing import Any, Final

from nbmlops.checks.evidence import NoteEvidence
from nbmlops.checks.features.asserting import SAY, say, with_messages
from nbmlops.checks.records import Outcome
from nbmlops.core.digests import of_text
from nbmlops.core.errors import InvalidError
from nbmlops.core.syntax import parsed

__all__ = ["Case", "cases", "judge"]

_PROFILE, _FILE = "nbmlops-features", "<feature checks "
_LONG, _FRAMES = 60, 12
_FAILED: Final = {"Failed", "XFailed"}
_SKIPPED: Final = {"Skipped"}


@dataclass(frozen=True, slots=True)
class Case:
    """One test: what it is called, in which line of the body it stands, and what runs it."""

    name: str
    line: int
    run: Callable[[], object]
    about: str = ""


def judge(
    source: str,
    names: Mapping[str, Any],
    begun: Callable[[str], None] | None = None,
    ended: Callable[[Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    """Run the tests of a cell.

    Parameters
    ----------
    source : str
        The body of the cell; nothing that it defines outlives it.
    names : mapping
        What the notebook defines.
    begun : callable, optional
        Called with the name of each test before it runs.
    ended : callable, optional
        Called with the outcome of each test.

    Returns
    -------
    tuple of Outcome
        One for each test, in their order, and one for each other statement that raised.

    Raises
    ------
    InvalidError
        When the body does not parse, or holds no test.
    """
    outcomes = []
    with _steady(source):
        for case in cases(source, names):
            if begun:
                begun(case.name)
            outcomes.append(_outcome(case))
            if ended:
                ended(outcomes[-1])
    return tuple(outcomes)


def cases(source: str, names: Mapping[str, Any]) -> Iterator[Case]:
    """Give the tests of a body one after the other; its other statements run in between.

    Raises
    ------
    InvalidError
        As `judge`.
    """
    file = f"{_FILE}{of_text(source)[:8]}>"
    tree = _parsed(source, file)
    if not any(isinstance(each, ast.Assert) or _is_test(each) for each in tree.body):
        raise InvalidError(
            "there is no test in the body", hint="write functions whose names begin with test_, or bare asserts"
        )
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {**names, SAY: say}
    for statement in tree.body:
        written = ast.unparse(statement.test) if isinstance(statement, ast.Assert) else ""
        code = compile(with_messages(ast.Module([statement], [])), file, "exec")
        run = _Statement(code, space)
        if written:
            yield Case(f"assert {written}"[:_LONG], statement.lineno, run)
            continue
        try:
            run()
        except Exception as error:  # noqa: BLE001 - it becomes an outcome
            yield Case(f"line {statement.lineno}", statement.lineno, _Raised(error))
    for test in filter(_is_test, tree.body):
        name: str = getattr(test, "name", "")
        if name in space:
            yield from _of_function(test, space[name])


def _parsed(source: str, file: str) -> ast.Module:
    try:
        return parsed(source, name=file)
    except SyntaxError as error:
        said = "".join(traceback.format_exception_only(error)).splitlines()[1:]
        raise InvalidError("\n".join([f"line {error.lineno} of the body does not parse", *said])) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidError(f"the body does not parse: {error}") from None


def _is_test(node: ast.stmt) -> bool:
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    return function or (isinstance(node, ast.ClassDef) and node.name.startswith("Test"))


@dataclass(frozen=True, slots=True)
class _Statement:
    code: CodeType
    space: dict[str, Any]

    def __call__(self) -> None:
        exec(self.code, self.space)  # noqa: S102 - the person's own code, in their own kernel


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException

    def __call__(self) -> None:
        raise self.error


def _of_function(node: Any, function: Any) -> Iterator[Case]:
    about = (inspect.getdoc(function) or "").partition("\n")[0]
    if why := _unfit(node, function):
        yield Case(node.name, node.lineno, _Raised(InvalidError(why)), about)
        return
    marks = list(getattr(function, "pytestmark", ()))
    skipped = next((mark for mark in marks if mark.name == "skip"), None)
    if skipped is not None:
        yield Case(node.name, node.lineno, _Raised(_Left(skipped.kwargs.get("reason") or "marked so")), about)
        return
    given = [_rows(mark) for mark in marks if mark.name == "parametrize"]
    for row in itertools.product(*given):
        values = {name: value for part in row for name, value in part.items()}
        ending = f"[{', '.join(map(repr, values.values()))}]" if values else ""
        yield Case(f"{node.name}{ending}"[:_LONG], node.lineno, _Call(function, values), about)


class _Left(Exception):  # noqa: N818 - it is no error: the person wants the test left out
    """A test that is left out."""


@dataclass(frozen=True, slots=True)
class _Call:
    function: Callable[..., object]
    values: Mapping[str, Any]

    def __call__(self) -> object:
        return self.function(**self.values)


def _unfit(node: Any, function: Any) -> str:
    """Why a test cannot be called; empty when it can."""
    if isinstance(node, ast.ClassDef):
        return "classes of tests are not run: write functions"
    if isinstance(node, ast.AsyncFunctionDef):
        return "it is async, and nothing awaits it: write a plain function"
    named = {
        name for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize" for name in _names(mark)
    }
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return f"{node.name} is no function any more"
    wanted = [one.name for one in parameters if one.default is one.empty and one.kind not in (2, 4)]
    missing = [name for name in wanted if name not in named]
    return f"it takes {', '.join(missing)}, which nothing gives: there are no fixtures here" if missing else ""


def _names(mark: Any) -> list[str]:
    names = mark.args[0]
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _rows(mark: Any) -> list[dict[str, Any]]:
    """The values of ``pytest.mark.parametrize``, by name."""
    names, rows = _names(mark), []
    for given in mark.args[1]:
        values = given.values if type(given).__name__ == "ParameterSet" else given if len(names) > 1 else (given,)
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def _outcome(case: Case) -> Outcome:
    try:
        case.run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a test raises is its outcome; pytest's are no Exceptions
        return _of_error(case, error)
    return Outcome(case.name, None, "passed", "", "", case.about)


def _of_error(case: Case, error: BaseException) -> Outcome:
    kind = type(error).__name__
    if isinstance(error, _Left) or (kind in _SKIPPED and _is_of_pytest(error)):
        return Outcome(case.name, None, "warned", f"left out: {error}", "", case.about)
    failed = _is_failure(error)
    said = [str(error).strip() or _line_of(error)] if failed else [f"{kind}: {error}" if str(error) else kind]
    said += [note.strip() for note in getattr(error, "__notes__", ()) if note.strip()]
    figure, *more = "\n".join(said).splitlines()
    detail = " ".join(line.strip() for line in more)[:600]
    where = _where(error)
    return Outcome(
        check=case.name,
        column=None,
        status="failed" if failed else "errored",
        figure=figure[:300],
        bound="",
        detail="; ".join(part for part in (where, detail, case.about) if part),
        evidence=(NoteEvidence.of(_traced(error)),),
    )


def _is_failure(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_failure, error.exceptions))
    return isinstance(error, AssertionError) or (type(error).__name__ in _FAILED and _is_of_pytest(error))


def _is_of_pytest(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in {"_pytest", "pytest", "builtins"}


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The person's own frames: those of cells and of files that are not installed packages."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if "site-packages" not in frame.filename and frame.filename != __file__]


def _line_of(error: BaseException) -> str:
    own = _frames(error)
    return (own[-1].line or "it did not hold") if own else "it did not hold"


def _where(error: BaseException) -> str:
    lines = [frame.lineno for frame in _frames(error) if frame.filename.startswith(_FILE)]
    return f"line {lines[-1]}" if lines else ""


def _traced(error: BaseException) -> str:
    lines = traceback.format_list(_frames(error)[-_FRAMES:])
    return "".join([*lines, *traceback.format_exception_only(error)])


@contextmanager
def _steady(source: str) -> Iterator[None]:
    """Let hypothesis try the same examples each time, and keep none of them in a folder."""
    if ("hypothesis" not in source and "hypothesis" not in sys.modules) or find_spec("hypothesis") is None:
        yield
        return
    settings = import_module("hypothesis").settings
    before = settings.get_current_profile_name()
    settings.register_profile(_PROFILE, settings.get_profile(before), derandomize=True, database=None, deadline=None)
    settings.load_profile(_PROFILE)
    try:
        yield
    finally:
        settings.load_profile(before)
