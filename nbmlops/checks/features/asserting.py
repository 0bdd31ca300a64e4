"""Bare asserts that say what was compared, as pytest's do.

``assert left == right`` becomes two assignments and the assert of them with a message, so that each side is computed
once, as in the plain statement, and the message only when it is needed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

__all__ = ["SAY", "say", "with_messages"]

SAY: Final = "@say"
"""The name under which rewritten code finds `say`; no name that a person can write."""
_LEFT, _RIGHT = "@left", "@right"
_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_LONG, _NAMES = 200, 6
_UNBOUND = object()


def with_messages(tree: ast.Module) -> ast.Module:
    """Rewrite each assert of a parsed module, also those within functions."""
    return ast.fix_missing_locations(_Rewriter().visit(tree))  # type: ignore[no-any-return]


def say(source: str, sides: tuple[Any, ...], operator: str, names: dict[str, Callable[[], Any]], message: Any) -> str:
    """Say in a sentence what an assert found.

    Parameters
    ----------
    source : str
        The expression, as it was written.
    sides : tuple
        Its value, or those of the two sides of a comparison.
    operator : str
        The comparison; empty for none.
    names : dict of str to callable
        Gives the values of the plain names in it.
    message : object
        What the person's own message is; None for none.

    Examples
    --------
    >>> say("rush(hour) == 1", (0, 1), "==", {"hour": lambda: 17}, None)
    'rush(hour) == 1: 0 == 1 is false, with hour = 17'
    """
    found = f" {operator} ".join(map(_shown, sides))
    known = {name: value for name, get in names.items() if (value := _value(get)) is not _UNBOUND}
    where = ", ".join(f"{name} = {_shown(value)}" for name, value in [*known.items()][:_NAMES] if name != source)
    told = f"{found} is false" if operator else f"it is {found}"
    sentence = told if operator and found == source else f"{_short(source)}: {told}"
    own = "" if message is None else f"{_short(str(message))}: "
    return f"{own}{sentence}{where and f', with {where}'}"


def _value(get: Callable[[], Any]) -> Any:
    try:
        value = get()
    except NameError:  # behind a condition that was not met
        return _UNBOUND
    told = callable(value) or type(value).__name__ == "module"
    return _UNBOUND if told else value


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - the repr is the person's own code
        text = f"a {type(value).__name__} whose repr raises {type(error).__name__}"
    return _short(text if "\n" not in text else "\n" + text)


def _short(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


class _Rewriter(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> list[ast.stmt]:
        source = ast.unparse(node.test)
        match node.test:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                before, sides = [_assign(_LEFT, left), _assign(_RIGHT, right)], [_LEFT, _RIGHT]
                test: ast.expr = ast.Compare(_load(_LEFT), [operator], [_load(_RIGHT)])
                sign = _OPERATORS[type(operator)]
            case _:
                before, sides, test, sign = [_assign(_LEFT, node.test)], [_LEFT], _load(_LEFT), ""
        names = ast.Dict(
            [ast.Constant(name) for name in _plain_names(node.test)],
            [ast.Lambda(_NO_ARGUMENTS, _load(name)) for name in _plain_names(node.test)],
        )
        told = ast.Call(
            _load(SAY),
            [
                ast.Constant(source),
                ast.Tuple([_load(side) for side in sides], ast.Load()),
                ast.Constant(sign),
                names,
                node.msg or ast.Constant(None),
            ],
            [],
        )
        made: list[ast.stmt] = [*before, ast.Assert(test, told)]
        return [ast.copy_location(each, node) for each in made]


_NO_ARGUMENTS = ast.arguments([], [], None, [], [], None, [])


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _plain_names(test: ast.expr) -> list[str]:
    """Names that the expression reads in its own scope, in order."""
    found, todo = dict[str, None](), list[ast.AST]([test])
    while todo:
        node = todo.pop(0)
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found[node.id] = None
        todo += list(ast.iter_child_nodes(node))
    return list(found)
