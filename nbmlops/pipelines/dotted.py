"""Full names of what a notebook's code calls, whatever it was imported as."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FullNames"]


class FullNames:
    """Follow imports and plain aliases, so that ``pd.read_csv`` is ``pandas.read_csv``.

    Examples
    --------
    >>> names = FullNames([ast.parse("from nbmlops import ml as m; load = m.data.load")])
    >>> names.of(ast.parse("load", mode="eval").body)
    'nbmlops.ml.data.load'
    """

    def __init__(self, trees: Iterable[ast.AST] = ()) -> None:
        self._known: dict[str, str] = {}
        self.known: Mapping[str, str] = self._known
        """Name in the notebook -> full name."""
        for tree in trees:
            for node in ast.walk(tree):
                self._learn(node)

    def _learn(self, node: ast.AST) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    first = alias.name.partition(".")[0]
                    self._known[alias.asname or first] = alias.name if alias.asname else first
            case ast.ImportFrom(module=str(module), level=0):
                self._known.update({alias.asname or alias.name: f"{module}.{alias.name}" for alias in node.names})
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() | ast.Name() as value):
                # Only what was imported is worth following: `rows = flights` is no alias of a module.
                if (full := self.of(value)) and name not in self._known:
                    self._known[name] = full

    def of(self, node: ast.expr) -> str | None:
        """Give the full dotted name of `node`, or None when it does not start at an import."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._known:
            return None
        return ".".join([self._known[node.id], *reversed(parts)])
