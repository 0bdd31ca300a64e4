"""The text of a feature's function with all that it needs, so that it runs without the notebook it was written in.

What the function names is looked up where it was defined: modules become imports, functions of the same notebook or
module come along with what they need in turn, functions and classes of installed packages become ``from … import``,
and plain constants are written out. Whatever else it leans on would be missing elsewhere, and is refused by name.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError
from nbmlops.core.syntax import parsed

__all__ = ["Captured", "captured", "rebuilt", "registers"]

_LONGEST = 10_000
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


@dataclass(frozen=True, slots=True)
class Captured:
    """A function's text with what it needs, its name, its parameters, its docstring, and the digest of its code."""

    source: str
    name: str
    parameters: tuple[str, ...]
    description: str
    digest: str


@dataclass(slots=True)
class _Needed:
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)


def captured(function: Callable[..., Any]) -> Captured:
    """Take the text of a function.

    Raises
    ------
    InvalidError
        When it is a lambda, closes over variables, has no text, or names what does not exist elsewhere.
    """
    if not isinstance(function, FunctionType):
        raise InvalidError(f"a feature is a plain function, not a {type(function).__name__}", hint="def NAME(table): …")
    if function.__name__ == "<lambda>":
        raise InvalidError("a feature cannot be a lambda: it has no name and no text of its own", hint="def NAME(…): …")
    needed = _Needed()
    _take(function, needed, function.__name__)
    own = needed.functions.pop(function.__name__)
    blocks = [
        "\n".join(sorted(needed.imports.values())),
        "\n".join(f"{name} = {value}" for name, value in sorted(needed.constants.items())),
        *(text for _, text in sorted(needed.functions.items())),
        own,
    ]
    source = "\n\n\n".join(block for block in blocks if block) + "\n"
    parameters = _parameters(function)
    said = inspect.cleandoc(function.__doc__ or "")
    return Captured(source, function.__name__, parameters, said, code_digest(source))


def code_digest(source: str) -> str:
    """Digest of a text's syntax tree, without comments, layout and docstrings.

    Examples
    --------
    >>> code_digest("x = 1  # one") == code_digest("x=1"), code_digest("x = 1") == code_digest("x = 2")
    (True, False)
    """
    tree = parsed(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return digests.of_text(ast.unparse(ast.fix_missing_locations(tree)))


def rebuilt(source: str, name: str) -> Callable[..., Any]:
    """The function of a text that `captured` gave, in a namespace of its own.

    Raises
    ------
    InvalidError
        When the text does not run here, as when a package that it imports is not installed.
    """
    space: dict[str, Any] = {"__name__": "nbmlops_feature"}
    try:
        exec(compile(parsed(source), f"<feature {name}>", "exec"), space)  # noqa: S102 - the person's own function
    except Exception as error:
        raise InvalidError(
            f"the feature {name} does not run without its notebook: {type(error).__name__}: {error}",
            hint="import inside the function what it needs, then define it again",
        ) from error
    found: Callable[..., Any] = space[name]
    return found


def _parameters(function: FunctionType) -> tuple[str, ...]:
    found = inspect.signature(function).parameters.values()
    for one in found:
        if one.kind in {one.VAR_POSITIONAL, one.VAR_KEYWORD} or (
            one.kind is one.KEYWORD_ONLY and one.default is one.empty
        ):
            raise InvalidError(
                f"{function.__name__} takes {one}, which no source or input can be given to",
                hint="name one parameter for each source",
            )
    return tuple(one.name for one in found if one.default is one.empty)


def _take(function: FunctionType, needed: _Needed, whose: str) -> None:
    if function.__name__ in needed.functions:
        return
    cells = [name for name in function.__code__.co_freevars if name != function.__name__]
    if cells:
        raise InvalidError(
            f"{function.__name__} closes over {', '.join(cells)}, which exist only where it was made",
            hint="define it at the top level, and give it constants that are written in the code",
        )
    text, node = _text(function)
    needed.functions[function.__name__] = text
    for name in _free(node):
        space: Mapping[str, Any] = function.__globals__
        if name in space:
            _add(name, space[name], function, needed, whose)
        elif not hasattr(builtins, name):
            raise InvalidError(
                f"{function.__name__} names {name}, which is not defined", hint="run the cell that defines it first"
            )


def _text(function: FunctionType) -> tuple[str, ast.FunctionDef]:
    try:
        text = textwrap.dedent(inspect.getsource(function))
        node = parsed(text).body[0]
    except (OSError, TypeError, SyntaxError) as error:
        raise InvalidError(
            f"the text of {function.__name__} cannot be found", hint="define it in a cell or in a file"
        ) from error
    if not isinstance(node, ast.FunctionDef):
        raise InvalidError(f"{function.__name__} is no plain function", hint="def NAME(table): …")
    others = [each for each in node.decorator_list if not registers(each)]
    if others:
        raise InvalidError(
            f"{function.__name__} is decorated by {ast.unparse(others[0])}, which would not come along",
            hint="take the decorator off",
        )
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines), node


def registers(decorator: ast.expr) -> bool:
    """Whether a decorator is the one that defines a feature, and leaves the function as it is.

    Examples
    --------
    >>> registers(ast.parse("ml.feature(entity='carrier')", mode="eval").body)
    True
    >>> registers(ast.parse("with_features", mode="eval").body)
    False
    """
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "feature"


def _free(node: ast.FunctionDef) -> list[str]:
    """Names that a function takes from outside, with those of its annotations and defaults."""
    from nbmlops.tracking.source import analyse

    bare = ast.FunctionDef(**dict(ast.iter_fields(node)))
    bare.decorator_list = []
    found = analyse(ast.unparse(ast.fix_missing_locations(ast.copy_location(bare, node))))
    return [name for name in found.uses if name != node.name]


def _add(name: str, value: Any, function: FunctionType, needed: _Needed, whose: str) -> None:
    if isinstance(value, ModuleType):
        _refuse_local(value.__name__, name, function)
        same = f"import {name}" if value.__name__ == name else f"import {value.__name__} as {name}"
        needed.imports[name] = same
    elif isinstance(value, FunctionType) and value.__module__ == function.__module__:
        if value.__name__ != name:
            raise InvalidError(
                f"{function.__name__} names {name}, another name of {value.__name__}", hint=f"call {value.__name__}"
            )
        _take(value, needed, whose)
    elif _is_importable(value):
        home, own = value.__module__, value.__qualname__
        needed.imports[name] = f"from {home} import {own}" + ("" if own == name else f" as {name}")
    elif _is_plain(value) and len(written := repr(value)) <= _LONGEST and _reads_back(written):
        needed.constants[name] = written
    else:
        raise InvalidError(
            f"{function.__name__} leans on {name}, a {type(value).__name__} of the notebook that {whose} cannot carry",
            hint="make it a number or a text, compute it inside the function, or take it as a source",
        )


def _refuse_local(module: str, name: str, function: FunctionType) -> None:
    if module == "__main__":
        raise InvalidError(f"{function.__name__} names {name}, the notebook itself", hint="name what is in it")


def _is_importable(value: Any) -> bool:
    """Whether other processes find it under its module and name."""
    home, own = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not isinstance(home, str) or home == "__main__" or not isinstance(own, str) or not own.isidentifier():
        return False
    return getattr(sys.modules.get(home), own, None) is value


def _is_plain(value: Any) -> bool:
    if type(value) in _PLAIN:
        return True
    if type(value) is dict:
        return all(_is_plain(key) and _is_plain(held) for key, held in value.items())
    return type(value) in {tuple, list} and all(map(_is_plain, value))


def _reads_back(written: str) -> bool:
    """Whether a value is written as Python reads it: infinities are not."""
    try:
        ast.literal_eval(written)
    except ValueError:
        return False
    return True
