"""Runs the tests in a notebook's ``%%ml check feature`` cells in a cold kernel, with nothing but what they need.

What they need is found by name, backwards: the cells that define or change a name that a test uses, directly or by
another cell. The rest, such as training and saving, is not run.
"""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nbmlops.checks.features.headless import kept
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.cells import CodeCell, code_cells
from nbmlops.pipelines.execution import execute
from nbmlops.pipelines.notebook import as_notebook, read_content
from nbmlops.pipelines.outcome import CellProgress, Execution
from nbmlops.pipelines.request import Limits
from nbmlops.tracking.ml_line import MlLine
from nbmlops.tracking.source import analyse

__all__ = ["has_tests", "run_tests"]

_KEEP = "from nbmlops.checks.features.headless import keep as _keep\n_keep({!r}, globals(), {}, {!r})"


def run_tests(
    path: Path, timeout: float, progress: Callable[[CellProgress], None] | None = None
) -> tuple[Outcome, ...]:
    """Run the tests of a notebook.

    Parameters
    ----------
    path : Path
        The notebook; it is not changed.
    timeout : float
        Seconds that each cell may take.
    progress : callable, optional
        Called when a cell begins and when it ends.

    Raises
    ------
    NotFoundError, UnavailableError, UnsupportedError
        When the notebook cannot be read, or its kernel not be started.
    InvalidError
        When no cell of it is a test cell, or it is no valid notebook.
    """
    content = read_content(path)
    cells = code_cells(content)
    tests = {cell.number: body for cell in cells if (body := _body(cell)) is not None}
    if not tests:
        raise InvalidError(
            f"{path} has no tests", hint="begin a cell with `%%ml check feature`, and write test_… below"
        )
    wanted = _needed(cells, tests)
    with tempfile.TemporaryDirectory(prefix="nbmlops-tests-") as folder:
        file = Path(folder) / "outcomes"
        content["cells"] = [
            {**cell, "source": _KEEP.format(tests[number], number, str(file))} if number in tests else cell
            for number, cell in enumerate(content["cells"], start=1)
            if number in wanted
        ]
        done = execute(
            as_notebook(content, path),
            Path(folder) / path.name,
            cwd=path.absolute().parent,
            env={"HYPOTHESIS_STORAGE_DIRECTORY": str(Path(folder) / "hypothesis")},  # else a folder of the project
            name=path.name,
            limits=Limits(cell=timeout),
            progress=progress,
        )
        outcomes, begun = kept(file)
    return outcomes if done.status == "completed" else (*outcomes, _ended(done, begun, sorted(wanted), timeout))


def has_tests(path: Path) -> bool:
    """Whether a cell of a notebook is a test cell; raises as `run_tests` where it cannot be read."""
    return any(_body(cell) is not None for cell in code_cells(read_content(path)))


def _body(cell: CodeCell) -> str | None:
    """The tests below ``%%ml check feature``; None for any other cell."""
    first, _, body = cell.source.lstrip().partition("\n")
    if not first.startswith("%%ml "):
        return None
    line = MlLine.parse(first.removeprefix("%%ml"))
    return body if (line.noun, line.verb) == ("check", "feature") and not line.arguments else None


def _needed(cells: tuple[CodeCell, ...], tests: dict[int, str]) -> set[int]:
    """Numbers of the cells to run, those of the tests among them."""
    names, wanted = set[str](), set[int]()
    for cell in reversed(cells):
        if cell.number in tests:
            names |= set(analyse(tests[cell.number]).uses)
        elif not wanted or not (_loads(cell) or names & {*analyse(cell.source).defines, *_changed(cell.tree)}):
            continue
        else:
            names |= set(analyse(cell.source).uses)
        wanted.add(cell.number)
    return wanted


def _loads(cell: CodeCell) -> bool:
    """Whether it loads an extension, or may define any name."""
    return "load_ext" in cell.source or any(event.kind == "open" for event in cell.events)


def _changed(tree: ast.Module) -> Iterable[str]:
    """Names whose objects an assignment changes, as in ``flights["late"] = …``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            root: Any = node
            while isinstance(root, ast.Subscript | ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id


def _ended(done: Execution, begun: str | None, numbers: list[int], timeout: float) -> Outcome:
    """Why the tests did not come to an end."""
    error = done.error
    place = "the kernel" if error is None or error.number is None else f"cell {numbers[error.number - 1]}"
    said = done.status.replace("_", " ") if error is None else f"{error.ename}: {error.evalue}".strip(": ")
    if done.status == "timed_out":
        said = f"took longer than {timeout:g} s"
    rest = "the tests after it were not run"
    return Outcome(begun or place, None, "errored", said[:300], "", f"{place}; {rest}" if begun else rest)
