"""What flows from cell to cell: which versions a name comes from that a cell saves.

The cells that this process has executed are read backwards, statement by statement, from the one that saves: a
statement counts when it defines a name that is wanted, or may change what the name holds; from there on the names that
it uses are wanted too. What such a statement loaded is a source, and where a wanted name was saved, the version stands
for it and nobody has to look further. This is the backward slice of a program (Weiser, 1981), over the cells in the
order in which they were executed; calls are not followed, so a cell that does something whose names it does not show
counts as a whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from nbmlops.store.touched import Touch
from nbmlops.tracking.bindings import imported_name
from nbmlops.tracking.capture import CellLog
from nbmlops.tracking.ipython_syntax import read_magic
from nbmlops.tracking.ml_line import MlLine
from nbmlops.tracking.source import Parsed, events, is_provided, parse

__all__ = ["into"]

_NOUNS = frozenset({"data", "model"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a statement of a cell does to names.

    `defines` exist because of it, and hold nothing of what they held when they are in `replaces`; `changes` may be
    changed in place; `saves` are pairs of the name of a version and the variable that it was saved from, None for an
    expression; `words` are the texts in it, names of versions among them; `opens` says that it may define any name.
    """

    defines: frozenset[str]
    replaces: frozenset[str]
    changes: frozenset[str]
    uses: frozenset[str]
    imports: frozenset[str]
    saves: tuple[tuple[str, str | None], ...]
    words: frozenset[str]
    opens: bool


def into(name: str, log: CellLog, touches: Mapping[int, Iterable[Touch]]) -> list[str]:
    """Versions that flow into what the executing cell saves under a name, newest first, as objects of edges.

    Parameters
    ----------
    name : str
        The name that is being saved.
    log : CellLog
        The cells of this process.
    touches : mapping
        What each execution of a cell has touched, by its position in the log.
    """
    cells = log.executed
    # What is imported holds no data, however often it is used.
    modules = {name for cell in cells for one in _statements(cell.source) for name in one.imports}
    slicer = _Slice(touches, frozenset(modules))
    slicer.begin(name, log.position, _statements(log.executing or ""))
    for cell in reversed(cells):
        if not slicer.wanted:
            break
        slicer.cell(cell.position, _statements(cell.source), whole=cell.status == "completed")
    return list(slicer.found)


class _Slice:
    def __init__(self, touches: Mapping[int, Iterable[Touch]], modules: frozenset[str]) -> None:
        self._touches = touches
        self._modules = modules
        self.wanted = set[str]()
        self.found: dict[str, None] = {}

    def begin(self, name: str, position: int, statements: tuple[_Statement, ...]) -> None:
        """Start at the statement that saves the name; where none shows it, with all that the cell uses."""
        places = [place for place, one in enumerate(statements) if any(saved == name for saved, _ in one.saves)]
        if places:
            saving = statements[places[-1]]
            variables = {variable for saved, variable in saving.saves if saved == name}
            self.wanted |= saving.uses if None in variables else {variable for variable in variables if variable}
            self.cell(position, statements[: places[-1]], whole=True)
        else:
            self.wanted |= {used for one in statements for used in one.uses}
        self.wanted -= self._modules
        # What the cell itself has read is known to its own subject; a run that it started later is told here.
        self._take(touch for touch in self._touches.get(position, ()) if touch.relation == "reads")

    def cell(self, position: int, statements: tuple[_Statement, ...], *, whole: bool) -> None:
        """Go through a cell backwards; one that failed may not have replaced what its text says."""
        touches = tuple(self._touches.get(position, ()))
        counts = False
        for one in reversed(statements):
            for saved, variable in one.saves:
                written = [touch for touch in touches if touch == ("writes", touch.object, saved)]
                if variable in self.wanted and written:
                    self._take(written)
                    self.wanted.discard(variable)
            if (one.defines | one.changes) & self.wanted or one.opens:
                counts = True
                self._take(touch for touch in touches if touch.relation == "reads" and touch.name in one.words)
                self.wanted -= one.replaces if whole else frozenset()
                self.wanted |= one.uses - self._modules
        if counts:
            shown = {word for one in statements for word in (*one.words, *(saved for saved, _ in one.saves))}
            self._take(touch for touch in touches if touch.name not in shown)

    def _take(self, touches: Iterable[Touch]) -> None:
        self.found |= {touch.object: None for touch in touches}


@lru_cache(maxsize=10_000)
def _statements(source: str) -> tuple[_Statement, ...]:
    tree = parse(source).tree
    return tuple(_read(statement) for statement in tree.body) if tree else ()


def _read(statement: ast.stmt) -> _Statement:
    alone = events(Parsed(ast.Module([statement], [])))
    of = {kind: {event.name for event in alone if event.kind == kind} for kind in ("define", "delete", "open")}
    used = {event.name for event in alone if event.kind in {"use", "mention", "later"} and not is_provided(event.name)}
    nodes = tuple(_executed(statement))
    imports = {
        imported_name(alias) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }
    simple = not isinstance(statement, ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.Match)
    saves, words = _saved(nodes)
    return _Statement(
        defines=frozenset(of["define"] - imports),
        replaces=frozenset((of["define"] if simple else set()) | of["delete"]) - used,
        changes=frozenset(_changed(nodes)),
        uses=frozenset(used - imports),
        imports=frozenset(imports),
        saves=tuple(saves),
        words=frozenset(words),
        opens=bool(of["open"]),
    )


def _executed(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement, without the bodies of functions that it only defines."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _FUNCTIONS):
            waiting += ast.iter_child_nodes(node)


def _changed(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names whose object may be another after ``x[…] = …``, ``x.a = …``, ``x.do()`` or ``do(x)`` that stands alone."""
    for node in nodes:
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                yield from _root(node)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as called)):
                yield from _root(called)
            case ast.Expr(value=ast.Call(func=ast.Name(id=called), args=given)) if not is_provided(called):
                for argument in given:
                    yield from _root(argument)


def _root(node: ast.AST) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _saved(nodes: Iterable[ast.AST]) -> tuple[list[tuple[str, str | None]], set[str]]:
    saves: list[tuple[str, str | None]] = []
    words: set[str] = set()
    for node in nodes:
        match node:
            case ast.Call() if (magic := read_magic(node)) is not None:
                line = MlLine.parse(magic.text) if magic.name == "ml" else MlLine("", "", (), ())
                if line.verb == "save" and line.arguments:
                    variable = None if line.is_query else line.arguments[0]
                    saves.append((line.arguments[min(1, len(line.arguments) - 1)], variable))
                else:
                    words |= set(line.arguments)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=noun), attr="save"), args=[first, *rest]) if (
                noun in _NOUNS
            ):
                given = [*rest, *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
                names = [one.value for one in given[:1] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                saves += [(name, first.id if isinstance(first, ast.Name) else None) for name in names]
            case ast.Constant(value=str(text)):
                words.add(text)
    return saves, {word.partition("@")[0] for word in words}
