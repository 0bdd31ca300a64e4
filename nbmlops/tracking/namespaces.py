"""Calls that reach into a namespace, and may define names that the text does not show."""

from __future__ import annotations

import ast

__all__ = ["is_namespace", "may_define"]

_NAMESPACES = frozenset({"globals", "locals", "vars"})


def is_namespace(node: ast.expr) -> bool:
    """Whether `node` is a call that gives a namespace as a dict, such as ``globals()``."""
    return _is_call_of(node, _NAMESPACES)


def may_define(callee: ast.expr) -> bool:
    """Whether a call of `callee` may define names that its text does not show."""
    match callee:
        case ast.Name(id="exec"):
            return True
        case ast.Attribute(value=value, attr="update"):
            return is_namespace(value)
        case ast.Attribute(value=value, attr="push" | "ex" | "run_cell"):
            return _is_call_of(value, frozenset({"get_ipython"}))
    return False


def _is_call_of(node: ast.expr, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
