"""Which names a piece of a syntax tree binds in its own scope."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["bound_names", "captured_names", "imported_name", "parameters"]


def bound_names(nodes: Iterable[ast.AST], *, augmented: bool = True) -> tuple[set[str], set[str]]:
    """Find what `nodes` bind in the scope they share; nested functions and classes keep their own.

    Parameters
    ----------
    nodes : iterable of ast.AST
        The body of a function, a class or a loop.
    augmented : bool
        Whether ``x += 1`` counts; it binds, but needs an `x` first.

    Returns
    -------
    tuple of two sets of str
        The names bound, and the names declared global; a nonlocal name is in neither.
    """
    names, outer, enclosing, stack = set[str](), set[str](), set[str](), list(nodes)
    while stack:
        node = stack.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Lambda():
                pass
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                names.update(n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.Global():
                outer.update(node.names)
            case ast.Nonlocal():
                enclosing.update(node.names)
            case ast.Import() | ast.ImportFrom():
                names.update(imported_name(alias) for alias in node.names)
            case ast.AugAssign(target=ast.Name()) if not augmented:
                stack.append(node.value)
            case _:
                names.update(captured_names(node))
                stack.extend(ast.iter_child_nodes(node))
    return names - outer - enclosing, outer


def imported_name(alias: ast.alias) -> str:
    """Give the name that an import binds: ``a`` of ``import a.b``, ``c`` of ``import a.b as c``."""
    return alias.asname or alias.name.partition(".")[0]


def captured_names(node: ast.AST) -> Iterator[str]:
    """Yield the name that a pattern of ``match`` or an ``except`` clause binds by itself, if any."""
    match node:
        case (
            ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
            | ast.ExceptHandler(name=str(name))
        ):
            yield name


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """List every parameter of a function, star ones included."""
    stars = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]
