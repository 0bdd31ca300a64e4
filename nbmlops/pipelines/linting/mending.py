"""Mends what the lint finds where one mend is certain: the tag, seeds, paths, and reads of files.

Each kind of mend looks at the cells as the one before left them. Whether a notebook is better for it is for the lint to
say: see `fixing`.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import of_json
from nbmlops.pipelines.cells import code_cells
from nbmlops.pipelines.declarations import evaluate
from nbmlops.pipelines.dotted import FullNames
from nbmlops.pipelines.linting.call_rules import calls, kept_paths, stem_of, unseeded_calls
from nbmlops.pipelines.linting.edits import Edits, statement_of
from nbmlops.pipelines.linting.text_rules import path_literals
from nbmlops.tracking.ipython_syntax import read_magic
from nbmlops.tracking.source import is_provided

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell
    from nbmlops.tracking.scopes import NameEvent

__all__ = ["MENDS", "Cells", "Where", "reads", "reads_of"]

Cells = list[dict[str, Any]]
"""Cells of a notebook, each with its source as one text; see `notebook_text.rewritten`."""


@dataclass(frozen=True, slots=True)
class Where:
    """The folder of a notebook, and the names of data that the store holds already."""

    folder: Path
    stored: frozenset[str] = frozenset()


_READ_BY = frozenset({"pandas.read_csv", "pandas.read_parquet"})


def _tagged(cells: Cells) -> CodeCell | None:
    found = [cell for cell in code_cells({"cells": cells}) if "parameters" in cell.tags]
    return found[0] if len(found) == 1 else None


def tag(cells: Cells, _where: Where) -> None:
    """Tag the first cell of defaults, or put an empty cell of parameters above the code."""
    read = code_cells({"cells": cells})
    if any("parameters" in cell.tags for cell in read):
        return
    for cell in read:
        if _is_defaults(cell):
            metadata = cells[cell.number - 1].setdefault("metadata", {})
            metadata["tags"] = [*(metadata.get("tags") or ()), "parameters"]
            return
        if not _only_prepares(cell):
            break
    first = next((number for number, cell in enumerate(cells) if cell["cell_type"] == "code"), len(cells))
    source = "# Values that a run can set: name: type = default"
    new: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": ["parameters"]},
        "outputs": [],
    }
    names = {"id": of_json([first, source])[:8]} if all("id" in cell for cell in cells) else {}
    cells.insert(first, {**new, **names, "source": source})


def _is_defaults(cell: CodeCell) -> bool:
    """Whether a cell holds assignments of literals, and nothing else but imports."""
    values = [statement for statement in cell.tree.body if not isinstance(statement, ast.Import | ast.ImportFrom)]
    return bool(values) and cell.parsed.error is None and all(map(_is_default, values))


def _is_default(statement: ast.stmt) -> bool:
    match statement:
        case (
            ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            try:
                evaluate(value)
            except (ValueError, TypeError, RecursionError, SyntaxError):
                return False
            return True
    return False


def _only_prepares(cell: CodeCell) -> bool:
    """Whether a cell holds imports and magics only, as those above the parameters may."""
    return cell.parsed.error is None and all(
        isinstance(statement, ast.Import | ast.ImportFrom)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and read_magic(statement.value))
        for statement in cell.tree.body
    )


def seed(cells: Cells, _where: Where) -> None:
    """Give a seed to every draw: as its argument, or to the generator of the process above the first of its draws."""
    read = code_cells({"cells": cells})
    names = FullNames(cell.tree for cell in read)
    frames = {name.partition(".")[0] for name in names.known.values()} & {"pandas", "polars"}
    edits, seeded = {cell.number: Edits(cell.source) for cell in read}, set[str]()
    for cell, call, kind in unseeded_calls(read, names):
        edit, keyword = edits[cell.number], "random_state"
        if kind in {"numpy", "random"}:
            statement, module = statement_of(cell.tree, call), ast.unparse(call.func).rpartition(".")[0]
            if statement is not None and module and kind not in seeded:
                edit.line_above(cell.tree, statement, f"{module}.seed(0)")
                seeded.add(kind)
            continue
        if kind == "random_state" and not names.of(call.func):
            # A frame's sample: pandas and polars call its seed differently.
            if len(frames) != 1:
                continue
            keyword = "seed" if "polars" in frames else keyword
        given = [*call.args, *(one.value for one in call.keywords if one.arg in {keyword, "seed", "x", "entropy"})]
        none = next((one for one in given if isinstance(one, ast.Constant) and one.value is None), None)
        if none is not None:
            edit.replace(none, "0")
        else:
            edit.argument(call, "0" if kind == "own" else f"{keyword}=0")
    _write(cells, edits)


def paths(cells: Cells, where: Where) -> None:
    """Make absolute paths relative to the notebook's folder, or else parameters."""
    read, place = code_cells({"cells": cells}), _tagged(cells)
    taken = {event.name for cell in read for event in cell.events}
    named, edits = dict[str, str](), {cell.number: Edits(cell.source) for cell in read}
    for cell in read:
        patterns = {
            id(part) for node in ast.walk(cell.tree) if isinstance(node, ast.pattern) for part in ast.walk(node)
        }
        for literal in path_literals(cell.tree):
            path = str(literal.value)
            if relative := _below(path, where.folder):
                edits[cell.number].replace(literal, repr(relative))
            elif place is not None and cell.number > place.number and id(literal) not in patterns:
                name = named.setdefault(path, _free_name(path, taken))
                taken.add(name)
                edits[cell.number].replace(literal, name)
    _write(cells, edits)
    used = {event.name for cell in code_cells({"cells": cells}) for event in cell.events if event.kind != "define"}
    for path, name in named.items():
        if place is not None and name in used:
            source = cells[place.number - 1]["source"]
            cells[place.number - 1]["source"] = f"{source.rstrip()}\n{name} = {path!r}".lstrip("\n")


def _below(path: str, folder: Path) -> str | None:
    """A path from the notebook's folder, when it lies in there."""
    if not path.startswith("/") or not Path(path).is_relative_to(folder):
        return None
    return Path(os.path.relpath(path, folder)).as_posix() + ("/" if path.endswith("/") else "")


def _free_name(path: str, taken: set[str]) -> str:
    stem = stem_of(path.rstrip("/\\").replace("\\", "/")).strip("_").lower()
    base = f"{stem}_path" if stem.isidentifier() and stem != "name" else "path"
    numbered = (f"{base}_{number}" for number in range(2, 1_000))
    return next(name for name in (base, *numbered) if name not in taken and not is_provided(name))


def reads(cells: Cells, where: Where) -> None:
    """Load what is read from a file in the notebook's folder through the store, which is given the table first."""
    read = code_cells({"cells": cells})
    names, edits = FullNames(cell.tree for cell in read), {cell.number: Edits(cell.source) for cell in read}
    ml = next((name for name, full in names.known.items() if full == "nbmlops.ml"), "ml")
    made = [(cell.number, event.line) for cell in read for event in cell.events if _makes(event, ml)]
    if made and ml not in names.known:
        return
    for cell, call, name in _file_reads(read, names, where):
        statement = statement_of(cell.tree, call)
        if statement is None:
            continue
        edits[cell.number].replace_call(call, f'{ml}.data.load("{name}")')
        if not any(place < (cell.number, statement.lineno) for place in made):
            edits[cell.number].line_above(cell.tree, statement, "from nbmlops import ml")
            made.append((cell.number, statement.lineno - 1))
    _write(cells, edits)


def _makes(event: NameEvent, name: str) -> bool:
    return event.name == name and event.kind == "define"


def reads_of(cells: Cells, where: Where) -> dict[str, tuple[Path, str]]:
    """What `reads` would load: name -> the file, and the function of pandas that reads it."""
    read = code_cells({"cells": cells})
    names = FullNames(cell.tree for cell in read)
    return {
        name: (where.folder / _literal(call), (names.of(call.func) or "").rpartition(".")[2])
        for _, call, name in _file_reads(read, names, where)
    }


def _file_reads(cells: Sequence[CodeCell], names: FullNames, where: Where) -> Iterator[tuple[CodeCell, ast.Call, str]]:
    """Calls that read a file with pandas' own defaults: options could make another table of it."""
    kept = set(kept_paths(cells, names))
    found: list[tuple[CodeCell, ast.Call, str]] = []
    for cell in cells:
        for call in calls(cell.tree):
            path = _literal(call)
            if names.of(call.func) in _READ_BY and path and path not in kept and (where.folder / path).is_file():
                found.append((cell, call, stem_of(path)))
    for cell, call, name in found:
        same = {_literal(other) for _, other, named in found if named == name}
        # Of a name that means something else already nobody can say what the notebook wants.
        if len(same) == 1 and name not in where.stored:
            yield cell, call, name


def _literal(call: ast.Call) -> str:
    """The only argument of a call, where it is a text."""
    match call:
        case ast.Call(args=[ast.Constant(value=str(path))], keywords=[]):
            return path
    return ""


def _write(cells: Cells, edits: Mapping[int, Edits]) -> None:
    for number, edit in edits.items():
        cells[number - 1]["source"] = edit.result()


MENDS: Sequence[Callable[[Cells, Where], None]] = (tag, seed, paths, reads)
"""In the order in which they are tried; each is given cells to change, and where they are."""
