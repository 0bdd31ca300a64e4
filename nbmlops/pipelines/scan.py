"""What a notebook reads and writes, told from its own ``%ml`` and ``ml.`` lines without running it.

The graph of a pipeline is inferred from this, and compared with what a run really read and wrote. A
name that is a notebook parameter (or an f-string over parameters) is taken at the parameter's value;
any other computed name cannot be known before the run and is reported as dynamic.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from nbmlops.checks.suite import Suite
from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref
from nbmlops.pipelines import checked, featured
from nbmlops.pipelines.cells import CodeCell, NotebookContent, code_cells, literal_parameters
from nbmlops.pipelines.dotted import FullNames
from nbmlops.tracking.ipython_syntax import Magic, read_magic
from nbmlops.tracking.ml_line import MlLine

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Access", "Dynamic", "Scan", "scan", "scan_cells"]

VersionKind = Literal["data", "model"]
Relation = Literal["reads", "writes", "checks"]

# Noun and verb -> what is accessed, how, and which argument names it (position, keywords).
_CALLS: dict[tuple[str, str], tuple[VersionKind, Relation, int, tuple[str, ...]]] = {
    ("data", "load"): ("data", "reads", 0, ("ref",)),
    ("data", "save"): ("data", "writes", 1, ("name",)),
    ("data", "track"): ("data", "writes", 1, ("name",)),
    ("model", "load"): ("model", "reads", 0, ("ref",)),
    ("model", "save"): ("model", "writes", 1, ("name",)),
    ("model", "promote"): ("model", "reads", 0, ("ref",)),
}
_UNFILLED = "braces are filled in KEY={…} only; in Python, a parameter may name it"
_COMPUTED = "its name is computed when the cell runs"
_EITHER = "it may be data or a model: --kind says which"
_FILES = frozenset({".parquet", ".pq", ".csv"})


@dataclass(frozen=True, slots=True)
class Access:
    """One place where a notebook reads, writes or strictly checks a version.

    `cell` is the number of the cell among all cells and `line` the line in it, both from 1; `ref` is
    the reference as it resolves, for instance ``flights@v3``. A `locked` read takes what ``nbmlops.lock`` has.
    """

    kind: VersionKind
    name: str
    cell: int
    line: int
    ref: str
    locked: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether no version is named, so that an upstream step of the same run is meant."""
        return self.name == self.ref and not self.locked


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A place whose name is known only at run time, or is no reference; `why` says which."""

    kind: VersionKind
    relation: Relation
    text: str
    cell: int
    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Scan:
    """All places of a notebook, in its order; `checks` holds the strict ones only."""

    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    checks: tuple[Access, ...]
    dynamic: tuple[Dynamic, ...]


def scan(notebook: NotebookContent, parameters: Mapping[str, Any] | None = None) -> Scan:
    """Find what `notebook` reads and writes.

    Parameters
    ----------
    notebook : mapping
        A notebook, as nbformat or `json` gives it.
    parameters : mapping, optional
        Values that will be injected, in place of the defaults in its ``parameters`` cell.

    Examples
    --------
    >>> found = scan({"cells": [{"cell_type": "code", "source": "%ml data load flights -o df"}]})
    >>> found.reads
    (Access(kind='data', name='flights', cell=1, line=1, ref='flights', locked=False),)
    """
    return scan_cells(code_cells(notebook), parameters)


def scan_cells(cells: tuple[CodeCell, ...], parameters: Mapping[str, Any] | None = None) -> Scan:
    """Do as `scan`, with cells that are parsed already."""
    known = literal_parameters(cells) | dict(parameters or {})
    assigned = {
        event.name
        for cell in cells
        if not cell.tags & {"parameters", "injected-parameters"}
        for event in cell.events
        if event.kind == "define"
    }
    # A parameter that another cell assigns again has no one value.
    known = {name: value for name, value in known.items() if name not in assigned}
    scanner = _Scanner(known, FullNames(cell.tree for cell in cells))
    for cell in cells:
        scanner.read(cell)
    found = scanner.found
    return Scan(tuple(found["reads"]), tuple(found["writes"]), tuple(found["checks"]), tuple(scanner.dynamic))


@dataclass(slots=True)
class _Scanner:
    parameters: dict[str, Any]
    names: FullNames
    cell: int = 0
    found: dict[Relation, list[Access]] = field(default_factory=lambda: {"reads": [], "writes": [], "checks": []})
    dynamic: list[Dynamic] = field(default_factory=list)
    variables: set[str] = field(default_factory=set)
    # Variable -> kind and name of the version that was loaded into it or saved from it.
    holds: dict[str, tuple[VersionKind, str]] = field(default_factory=dict)

    def read(self, cell: CodeCell) -> None:
        self.cell = cell.number
        self.variables |= {event.name for event in cell.events if event.kind == "define"}
        for call, hidden, target in _calls(cell.tree):
            if (magic := read_magic(call)) is not None:
                if magic.name == "ml":
                    self._line(magic, target)
                    self._body(call, magic)
            elif full := self.names.of(call.func):
                noun_verb = full.removeprefix("nbmlops.ml.").split(".") + ["define"] * (full == "nbmlops.ml.feature")
                if full.startswith("nbmlops.ml.") and len(noun_verb) == 2:
                    self._call(call, (noun_verb[0], noun_verb[1]), hidden, target)

    def _line(self, magic: Magic, target: str | None) -> None:
        line = MlLine.parse(magic.text)
        if line.noun == "check":
            self._checked_line(line, magic.line)
            return
        if (line.noun, line.verb) == ("data", "concat"):
            self._put_together(line.arguments, line.option("--name"), magic.line)
            return
        if (line.noun, line.verb) == ("model", "score"):
            model, data = (*line.arguments, "", "")[:2]
            self._scored(model, data, line.option("--to"), magic.line, named=line.option("--to") is not None)
            return
        if line.noun == "feature":
            for how, text in featured.in_line(line, self.variables):
                self._told("data", how, text, f"feature {line.verb}", magic.line)
            return
        place = _CALLS.get((line.noun, line.verb))
        if place is None:
            return
        kind, relation, position, _ = place
        first = line.arguments[0] if line.arguments else ""
        own = first if line.is_query else PurePath(first).stem
        named = line.arguments[position] if len(line.arguments) > position else own
        if "{" in named:
            self.dynamic.append(Dynamic(kind, relation, named, self.cell, magic.line, _UNFILLED))
            return
        self._add(kind, relation, named, magic.line, locked=line.option("--locked") is not None)
        held = (line.output, target) if relation == "reads" else () if line.is_query else (first,)
        self._hold(kind, named, *held)

    def _checked_line(self, line: MlLine, number: int) -> None:
        strict = line.option("--strict") is not None
        for operand, word in checked.in_line(line):
            if "{" in word:
                relation: Relation = "checks" if operand.is_judged else "reads"
                self.dynamic.append(Dynamic(operand.kind, relation, word, self.cell, number, _UNFILLED))
            else:
                self._check(operand, word, word if word in self.variables else None, number, strict=strict)

    def _body(self, call: ast.Call, magic: Magic) -> None:
        """Note the versions that a suite below a line looks values up in."""
        line = MlLine.parse(magic.text)
        if (line.noun, line.verb) == ("check", "data"):
            for text in (body.value for body in call.args[2:] if isinstance(body, ast.Constant)):
                # What is no suite says so when its cell runs.
                with suppress(InvalidError):
                    for ref in Suite.parse(str(text)).refs:
                        self._add("data", "reads", ref, magic.line)

    def _call(self, call: ast.Call, noun_verb: tuple[str, str], hidden: frozenset[str], target: str | None) -> None:
        known = {name: held for name, held in self.parameters.items() if name not in hidden}
        if noun_verb[0] == "check":
            strict = _value(checked.argument(call, None, ("strict",)), known) is True
            for operand, given in checked.in_call(noun_verb[1], call):
                text = _evaluate(given, known)
                variable = given.id if isinstance(given, ast.Name) and text is None else None
                self._check(operand, text or "", variable, call.lineno, strict=strict)
            return
        if noun_verb == ("data", "concat"):
            refs, name = checked.argument(call, 0, ("refs",)), checked.argument(call, 1, ("name",))
            each = refs.elts if isinstance(refs, ast.List | ast.Tuple) else [refs]
            self._put_together([_evaluate(ref, known) for ref in each], _evaluate(name, known), call.lineno)
            return
        if noun_verb == ("model", "score"):
            model, data = (_evaluate(checked.argument(call, n, (key,)), known) for n, key in enumerate(("ref", "data")))
            to = checked.argument(call, None, ("to",))
            self._scored(model, data, _evaluate(to, known), call.lineno, named=to is not None)
            return
        if noun_verb[0] == "feature":
            for how, text in featured.in_call(noun_verb[1], call, lambda value: _evaluate(value, known)):
                self._told("data", how, text, f"feature {noun_verb[1]}", call.lineno)
            return
        place = _CALLS.get(noun_verb)
        if place is None:
            return
        kind, relation, position, keywords = place
        value = checked.argument(call, position, keywords)
        first = checked.argument(call, 0, ("value", "estimator"))
        text = _evaluate(value, known)
        if relation == "writes" and value is None:
            # Saved without a name: it is called as the variable or the file is.
            text = first.id if isinstance(first, ast.Name) else PurePath(_evaluate(first, known) or "").stem or None
        if text is None:
            written = ast.unparse(value) if value is not None else ast.unparse(call)
            self.dynamic.append(Dynamic(kind, relation, written, self.cell, call.lineno, _COMPUTED))
            return
        lock = next((keyword.value for keyword in call.keywords if keyword.arg == "locked"), None)
        self._add(kind, relation, text, call.lineno, locked=bool(_value(lock, known)))
        self._hold(kind, text, target if relation == "reads" else getattr(first, "id", None))

    def _put_together(self, refs: Sequence[str | None], name: str | None, line: int) -> None:
        """Note the versions whose rows are put together, and what that is called."""
        for ref in refs:
            self._told("data", "reads", ref, "data concat", line)
        self._told("data", "writes", name, "data concat", line)

    def _scored(self, model: str | None, data: str | None, to: str | None, line: int, *, named: bool) -> None:
        """Note the model that answers, the table, and what the answers are called: as the model unless `named`."""
        self._told("model", "reads", model, "model score", line)
        self._told("data", "reads", data, "model score", line)
        if not named and model is not None:
            to = f"{model.partition('@')[0]}_scores"
        self._told("data", "writes", to, "model score", line)

    def _told(self, kind: VersionKind, relation: Relation, text: str | None, verb: str, line: int) -> None:
        if text is None or "{" in text:
            why = _COMPUTED if text is None else _UNFILLED
            self.dynamic.append(Dynamic(kind, relation, text or verb, self.cell, line, why))
        else:
            self._add(kind, relation, text, line)

    def _hold(self, kind: VersionKind, name: str, *variables: str | None) -> None:
        self.holds.update({variable: (kind, name) for variable in variables if variable})

    def _check(self, operand: checked.Operand, text: str, variable: str | None, line: int, *, strict: bool) -> None:
        """Note what a check takes: what a `variable` holds, or else the version that `text` names."""
        kind, ref = operand.kind, text
        if variable:
            kind, ref = self.holds.get(variable, (kind, ""))
        elif not text or PurePath(text).suffix in _FILES:
            return
        else:
            known = self._kind_of(text) if operand.is_either else kind
            if known is None:
                self.dynamic.append(Dynamic("data", "checks", text, self.cell, line, _EITHER))
                return
            kind = known
            self._add(kind, "reads", text, line)
        if ref and strict and operand.is_judged:
            self._add(kind, "checks", ref, line)

    def _kind_of(self, text: str) -> VersionKind | None:
        """The kind of a name that the notebook has read or written before, when that is one kind."""
        name = text.partition("@")[0]
        kinds = {one.kind for one in (*self.found["reads"], *self.found["writes"]) if one.name == name}
        return kinds.pop() if len(kinds) == 1 else None

    def _add(self, kind: VersionKind, relation: Relation, text: str, line: int, *, locked: bool = False) -> None:
        try:
            ref = Ref.parse(text)
        except InvalidError as error:
            self.dynamic.append(Dynamic(kind, relation, text, self.cell, line, error.message))
            return
        access = Access(kind, ref.name, self.cell, line, str(ref), locked)
        if access not in self.found[relation]:
            self.found[relation].append(access)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, frozenset[str], str | None]]:
    """Yield every call in the order of the text, what hides parameters there, and what it is assigned to."""
    stack: list[tuple[ast.AST, frozenset[str], str | None]] = [(tree, frozenset(), None)]
    while stack:
        node, hidden, target = stack.pop()
        if isinstance(node, ast.Call):
            yield node, hidden, target
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            own = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            hidden |= {argument.arg for argument in own}
        assigned = None
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                assigned = name
        stack += [(child, hidden, assigned) for child in reversed(list(ast.iter_child_nodes(node)))]


def _evaluate(node: ast.expr | None, known: Mapping[str, Any]) -> str | None:
    """Compute a text from constants and known names; None for anything else."""
    value = _value(node, known)
    return value if isinstance(value, str) else None


def _value(node: ast.expr | None, known: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known.get(name)
        case ast.JoinedStr(values=values):
            parts = [_formatted(value, known) for value in values]
            return None if None in parts else "".join(map(str, parts))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = _evaluate(left, known), _evaluate(right, known)
            return None if first is None or second is None else first + second
    return None


def _formatted(node: ast.expr, known: Mapping[str, Any]) -> str | None:
    if not isinstance(node, ast.FormattedValue):
        return _evaluate(node, known)
    value = _value(node.value, known)
    style = _evaluate(node.format_spec, known) if node.format_spec else ""
    if value is None or style is None or node.conversion not in {-1, ord("s")}:
        return None
    try:
        return format(value, style)
    except (ValueError, TypeError):
        return None
