"""What a cell gives to a command: variables, expressions, and a body that runs as a cell would."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbmlops.commands.session import Notebook
from nbmlops.core.errors import InvalidError, NbmlopsError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["notebook"]

_ABSENT = object()


def notebook(shell: InteractiveShell, local: Mapping[str, Any] | None = None, body: str | None = None) -> Notebook:
    """What the cell that runs in `shell` gives to a command.

    Parameters
    ----------
    shell : InteractiveShell
        Whose namespace it is.
    local : mapping, optional
        The variables of the function that the line stands in, if it stands in one.
    body : str, optional
        The cell below the line.
    """
    names: dict[str, Any] = shell.user_ns
    if local is not None and local is not names:
        names = {**names, **local}
    return Notebook(
        variables=names,
        evaluate=lambda expression: _evaluate(expression, names),
        execute=lambda source, given: _execute(shell, source, given),
        body=body,
    )


def _evaluate(expression: str, names: dict[str, Any]) -> Any:
    try:
        return eval(f"({expression}\n)", names)  # noqa: S307 - the person's own expression in their own kernel
    except NbmlopsError:
        raise
    except Exception as error:
        raise InvalidError(
            f"{{{expression}}} failed: {type(error).__name__}: {error}", hint="try the expression alone in a cell"
        ) from error


def _execute(shell: InteractiveShell, source: str, given: Mapping[str, Any]) -> None:
    """Run a body as a cell of its own: the last expression is shown, and what it raises is raised."""
    __tracebackhide__ = True
    transformed = shell.transform_cell(source)
    name = shell.compile.cache(transformed, 0, source)
    try:
        with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
            compile(transformed, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        tree = ast.parse(transformed, name)
        code = compile(tree, name, "exec")
    except SyntaxError as error:
        if "await" not in str(error) and "async" not in str(error):
            raise
        raise InvalidError(
            "the body awaits something, and a cell magic cannot wait", hint="with ml.run(NAME) as run: …"
        ) from None
    del code
    with _lent(shell.user_ns, given):
        *statements, last = tree.body or [ast.Pass()]
        if not isinstance(last, ast.Expr):
            statements, last = tree.body, None
        if statements:
            exec(compile(ast.Module(statements, []), name, "exec"), shell.user_ns)  # noqa: S102 - the person's own code
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), shell.user_ns)  # noqa: S307 - as above
            _show(value, source)


def _show(value: Any, source: str) -> None:
    from IPython.display import display

    if value is not None and not source.rstrip().endswith(";"):
        display(value)


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
