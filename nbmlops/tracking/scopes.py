"""What the code of a cell does to the names of its notebook, in the order in which it does it.

Python's scopes are followed as the language reference has them (section 4.2, "Naming and binding"):
comprehensions and lambdas see their own targets, class bodies are invisible to their methods, a
walrus binds outside its comprehension, ``global`` reaches out of a function. What a function body
needs is needed when it is called, not when it is defined, so it is told apart (``later``).
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from nbmlops.tracking.bindings import bound_names, captured_names, imported_name, parameters
from nbmlops.tracking.ipython_syntax import Magic, read_magic
from nbmlops.tracking.magic_names import effects
from nbmlops.tracking.namespaces import is_namespace, may_define

__all__ = ["NameEvent", "walk"]

# use: must exist now; later: must exist when the function `within` is called; mention: a variable if
# there is one of that name, else something else; given: exists from here on but is no variable of the
# notebook's own; call: a function of that name is called; open: any name may exist from here on.
Kind = Literal["use", "later", "mention", "define", "delete", "given", "call", "open"]

# Calls that run a lambda given to them before they return.
_RUNS_LAMBDA = frozenset(
    {"agg", "aggregate", "apply", "apply_along_axis", "applymap", "assign", "filter", "groupby", "map", "mask", "max"}
    | {"min", "pipe", "reduce", "sort", "sort_values", "sorted", "transform", "vectorize", "where"}
)


@dataclass(frozen=True, slots=True)
class NameEvent:
    """One thing that a cell does to a name; `line` is 1-based within the cell."""

    kind: Kind
    name: str
    line: int
    within: str | None = None


@dataclass(slots=True)
class _Scope:
    """`kind`: module, class, function, inner (comprehension or lambda run at once) or block (``except``)."""

    kind: str
    bound: set[str] = field(default_factory=set)
    outer: set[str] = field(default_factory=set)
    name: str | None = None


@dataclass(slots=True)
class _Loop:
    """Names that a loop's body binds; a use behind a condition may read the round before."""

    bound: set[str]
    conditional: bool = False


def walk(tree: ast.Module) -> tuple[NameEvent, ...]:
    """Give the events of a cell whose IPython syntax was rewritten by `to_python`.

    Raises
    ------
    RecursionError
        When the code is nested deeper than the interpreter can follow.
    """
    walker = _Walker()
    walker.visit(tree)
    return (*walker.events, *walker.afterwards)


class _Walker:
    def __init__(self) -> None:
        self.events: list[NameEvent] = []
        self.afterwards: list[NameEvent] = []
        self.scopes = [_Scope("module")]
        self.loops: list[_Loop] = []
        self.branches = 0
        self.guarded = 0

    def visit(self, node: ast.AST) -> None:
        handler = _HANDLERS.get(type(node))
        if handler:
            handler(self, node)
        else:
            self.visit_children(node)

    def visit_children(self, node: ast.AST) -> None:
        self.visit_all(ast.iter_child_nodes(node))
        for name in captured_names(node):
            self.bind(name, getattr(node, "lineno", 1))

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    # -- names ---------------------------------------------------------------------------------

    def say(self, kind: Kind, name: str, line: int, within: str | None = None) -> None:
        self.events.append(NameEvent(kind, name, line, within))

    def use(self, name: str, line: int) -> None:
        direct = True
        for scope in reversed(self.scopes[1:]):
            if name in scope.outer:
                break
            if name in scope.bound and (scope.kind != "class" or direct):
                return
            direct = direct and scope.kind == "block"
        functions = [scope for scope in self.scopes if scope.kind == "function"]
        if functions:
            # A function inside it may never be called: what that needs, the outer one does not.
            self.say("later", name, line, functions[0].name if len(functions) == 1 else None)
        elif self.guarded:
            self.say("mention", name, line)
        elif not any(loop.conditional and name in loop.bound for loop in self.loops):
            self.say("use", name, line)

    def bind(self, name: str, line: int) -> None:
        for scope in reversed(self.scopes):
            if scope.kind == "block" and name in scope.bound:
                return
            if scope.kind == "module" or name in scope.outer:
                self.say("define", name, line)
                return
            if scope.kind == "class":
                scope.bound.add(name)
            if scope.kind in {"class", "function"}:
                return

    @contextlib.contextmanager
    def scope(self, scope: _Scope) -> Iterator[None]:
        self.scopes.append(scope)
        yield
        self.scopes.pop()

    def name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.use(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Store):
            self.bind(node.id, node.lineno)
        elif len(self.scopes) == 1:
            self.use(node.id, node.lineno)
            if not self.branches and not self.loops:
                self.say("delete", node.id, node.lineno)

    # -- statements ----------------------------------------------------------------------------

    def assign(self, node: ast.Assign) -> None:
        self.visit_all([node.value, *node.targets])

    def annotated(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.annotation, node.value])
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.use(node.target.id, node.lineno)
        self.visit_all([node.value, node.target])

    def imports(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self.say("open", "import *", node.lineno)
            else:
                self.bind(imported_name(alias), node.lineno)

    def for_loop(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._round(node.body, node.target)
        self.visit_all(node.orelse)

    def while_loop(self, node: ast.While) -> None:
        self._round(node.body, node.test)
        self.visit_all(node.orelse)

    def _round(self, body: list[ast.stmt], head: ast.expr) -> None:
        self.loops.append(_Loop(bound_names(body, augmented=False)[0]))
        self.visit_all([head, *body])
        self.loops.pop()

    def conditional(self, node: ast.AST) -> None:
        before = [loop.conditional for loop in self.loops]
        for loop in self.loops:
            loop.conditional = True
        self.branches += 1
        self.visit_children(node)
        self.branches -= 1
        for loop, conditional in zip(self.loops, before, strict=True):
            loop.conditional = conditional

    def try_statement(self, node: ast.Try) -> None:
        # `try: x` / `except NameError: x = …` asks whether there is an x.
        guards = any(_names(one.type, "NameError") for one in node.handlers)
        self.branches += 1
        self.guarded += guards
        self.visit_all(node.body)
        self.guarded -= guards
        self.branches -= 1
        self.conditional(ast.Try(body=[], handlers=node.handlers, orelse=node.orelse, finalbody=node.finalbody))

    def handler(self, node: ast.ExceptHandler) -> None:
        self.visit_all([node.type])
        with self.scope(_Scope("block", {node.name} if node.name else set())):
            self.visit_all(node.body)

    # -- scopes --------------------------------------------------------------------------------

    def function_definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.visit_all([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults])
        with self._generic(node):
            self.visit_all([*(one.annotation for one in parameters(node.args)), node.returns])
        self.bind(node.name, node.lineno)
        with self._generic(node):
            self._body(node.args, node.body, _Scope("function", name=node.name))

    def lambda_expression(self, node: ast.Lambda, *, at_once: bool = False) -> None:
        self.visit_all([*node.args.defaults, *node.args.kw_defaults])
        self._body(node.args, [node.body], _Scope("inner" if at_once else "function"))

    def _body(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr], scope: _Scope) -> None:
        bound, scope.outer = bound_names(body)
        scope.bound = bound | {one.arg for one in parameters(arguments)}
        with self.scope(scope):
            self.visit_all(body)

    @contextlib.contextmanager
    def _generic(self, node: ast.AST) -> Iterator[None]:
        # PEP 695, Python 3.12: `def first[T](…)`; the attribute is not there in 3.11.
        given: list[Any] = getattr(node, "type_params", [])
        with self.scope(_Scope("block", {one.name for one in given})):
            self.visit_all(given)
            yield

    def class_definition(self, node: ast.ClassDef) -> None:
        self.visit_all(node.decorator_list)
        with self._generic(node):
            self.visit_all([*node.bases, *node.keywords])
            with self.scope(_Scope("class", outer=bound_names(node.body)[1])):
                self.visit_all(node.body)
        self.bind(node.name, node.lineno)

    def type_alias(self, node: Any) -> None:
        self.bind(node.name.id, node.lineno)
        with self._generic(node), self.scope(_Scope("function")):
            self.visit(node.value)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first, *others = node.generators
        self.visit(first.iter)
        targets = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        with self.scope(_Scope("inner", targets)):
            self.visit_all(first.ifs)
            for generator in others:
                self.visit_all([generator.iter, *generator.ifs])
            self.visit_all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])

    def walrus(self, node: ast.NamedExpr) -> None:
        self.visit_all([node.value, node.target])

    # -- calls and magics ----------------------------------------------------------------------

    def call(self, node: ast.Call) -> None:
        if magic := read_magic(node):
            self._magic(magic)
            return
        self.visit(node.func)
        callee = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(argument, ast.Lambda) and callee in _RUNS_LAMBDA:
                self.lambda_expression(argument, at_once=True)
            else:
                self.visit(argument)
        if isinstance(node.func, ast.Name) and not any(scope.kind == "function" for scope in self.scopes):
            self.say("call", callee, node.lineno)
        if may_define(node.func):
            self.say("open", callee, node.lineno)

    def subscript(self, node: ast.Subscript) -> None:
        self.visit_children(node)
        if isinstance(node.ctx, ast.Store) and is_namespace(node.value):
            self.say("open", "globals()", node.lineno)

    def _magic(self, magic: Magic) -> None:
        found, before = effects(magic), len(self.events)
        self.visit_all(found.code)
        if not found.keeps:
            self.events[before:] = [event for event in self.events[before:] if event.kind != "define"]
        for name in found.uses:
            self.use(name, magic.line)
        for name in found.mentions:
            self.say("mention", name, magic.line)
        for name in found.given:
            self.say("given", name, magic.line)
        if found.after:
            self.afterwards += [NameEvent("define", name, magic.line) for name in found.defines]
        else:
            for name in found.defines:
                self.bind(name, magic.line)
        if found.opens:
            self.say("open", magic.name, magic.line)


def _names(expression: ast.expr | None, name: str) -> bool:
    return expression is not None and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(expression))


_HANDLERS: dict[type[ast.AST], Callable[[_Walker, Any], None]] = {
    ast.AnnAssign: _Walker.annotated,
    ast.Assign: _Walker.assign,
    ast.AsyncFor: _Walker.for_loop,
    ast.AsyncFunctionDef: _Walker.function_definition,
    ast.AugAssign: _Walker.augmented,
    ast.BoolOp: _Walker.conditional,
    ast.Call: _Walker.call,
    ast.ClassDef: _Walker.class_definition,
    ast.DictComp: _Walker.comprehension,
    ast.ExceptHandler: _Walker.handler,
    ast.For: _Walker.for_loop,
    ast.FunctionDef: _Walker.function_definition,
    ast.GeneratorExp: _Walker.comprehension,
    ast.If: _Walker.conditional,
    ast.IfExp: _Walker.conditional,
    ast.Import: _Walker.imports,
    ast.ImportFrom: _Walker.imports,
    ast.Lambda: _Walker.lambda_expression,
    ast.ListComp: _Walker.comprehension,
    ast.Match: _Walker.conditional,
    ast.Name: _Walker.name,
    ast.NamedExpr: _Walker.walrus,
    ast.SetComp: _Walker.comprehension,
    ast.Subscript: _Walker.subscript,
    ast.Try: _Walker.try_statement,
    ast.TryStar: _Walker.conditional,
    ast.While: _Walker.while_loop,
}
# `type X = …`, Python 3.12: its value is evaluated when asked for.
if hasattr(ast, "TypeAlias"):
    _HANDLERS[ast.TypeAlias] = _Walker.type_alias
