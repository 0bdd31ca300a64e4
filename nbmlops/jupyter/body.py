"""What a cell gives to a command: variables, expressions, and a body that runs as a cell would."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Any

from nbmlops.commands.session import Notebook
from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.core.syntax import parsed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Body"]

_ABSENT = object()


class Body:
    """The cell around a line, and below it.

    Parameters
    ----------
    shell : InteractiveShell
        Whose namespace it is.
    local : mapping, optional
        The variables of the function that the line stands in, if it stands in one.
    source : str, optional
        The cell below the line.
    """

    def __init__(
        self, shell: InteractiveShell, local: Mapping[str, Any] | None = None, source: str | None = None
    ) -> None:
        self._shell = shell
        self._source = source
        names: dict[str, Any] = shell.user_ns
        self._names = names if local is None or local is names else {**names, **local}
        self.failed = False
        self.trace: TracebackType | None = None
        """Where in the body an error was raised; None for one in its syntax."""

    def notebook(self) -> Notebook:
        """What a command is given of it."""
        return Notebook(self._names, self._evaluate, self._execute, self._source)

    def _evaluate(self, expression: str) -> Any:
        try:
            return eval(f"({expression}\n)", self._names)  # noqa: S307 - the person's own expression in their own kernel
        except NbmlopsError:
            raise
        except Exception as error:
            raise InvalidError(
                f"{{{expression}}} failed: {type(error).__name__}: {error}", hint="try the expression alone in a cell"
            ) from error

    def _execute(self, source: str, given: Mapping[str, Any]) -> None:
        """Run a body as a cell of its own: the last expression is shown, and what it raises is raised."""
        shell: Any = self._shell
        transformed = shell.transform_cell(source)
        # The cell is in the history by now, which is the one count that all versions of IPython agree on.
        number = len(shell.history_manager.input_hist_raw) - 1 if shell.history_manager else 0
        name = shell.compile.cache(transformed, number, source)
        try:
            statements, last = _compiled(transformed, name)
        except SyntaxError as error:
            self.failed = True
            raise InvalidError(_unparsed(error)) from None
        with _lent(self._shell.user_ns, given):
            try:
                exec(statements, self._shell.user_ns)  # noqa: S102 - the person's own code in their own kernel
                value = None if last is None else eval(last, self._shell.user_ns)  # noqa: S307 - as above
            except BaseException as error:
                self.failed, self.trace = True, error.__traceback__ and error.__traceback__.tb_next
                raise
        if value is not None and not source.rstrip().endswith(";"):
            from IPython.display import display

            display(value)  # type: ignore[no-untyped-call]


def _unparsed(error: SyntaxError) -> str:
    """What Python says of the syntax, with the person's own line; IPython would show our frames above it."""
    said = "".join(traceback.format_exception_only(error)).splitlines()
    return "\n".join([f"line {error.lineno} of the body does not parse", *said[1:]])


def _compiled(source: str, name: str) -> tuple[CodeType, CodeType | None]:
    """Code of a body, and of the expression at its end, if there is one."""
    try:
        tree = parsed(source, name=name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        statements = compile(tree, name, "exec")
        return statements, compile(ast.Expression(last.value), name, "eval") if isinstance(last, ast.Expr) else None
    except SyntaxError as error:
        if "await" not in str(error) and "async" not in str(error):
            raise
        raise InvalidError(
            "the body awaits something, and a cell magic cannot wait", hint="with ml.run(NAME) as run: …"
        ) from None


@contextmanager
def _lent(names: dict[str, Any], given: Mapping[str, Any]) -> Iterator[None]:
    """Let the params of a run be variables of its body, and take them back after it."""
    lent = {name: value for name, value in given.items() if name.isidentifier()}
    before = {name: names.get(name, _ABSENT) for name in lent}
    names.update(lent)
    try:
        yield
    finally:
        for name, value in before.items():
            if names.get(name) is not lent[name]:
                continue  # the body gave it another value, and that stays
            if value is _ABSENT:
                del names[name]
            else:
                names[name] = value
