"""Are the outputs of a notebook's cells the same again? Texts only, as far as they can be.

Left out are images, HTML and what goes to stderr, addresses in memory, and cells whose outputs say when and where they
ran: those with a line of ``%ml``, ``ml.`` or a magic that measures time. What these record is compared elsewhere.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Iterator

from nbmlops.checks.records import Outcome
from nbmlops.pipelines.cells import CodeCell, NotebookContent, code_cells, text_of
from nbmlops.tracking.ipython_syntax import read_magic

__all__ = ["compare_outputs"]

_TELLS_ITS_PLACE = frozenset({"load_ext", "ml", "prun", "reload_ext", "time", "timeit"})
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_LONGEST = 60


def compare_outputs(before: NotebookContent, after: NotebookContent, tolerance: float) -> list[Outcome]:
    """Compare the outputs of the cells that two executed notebooks have in common.

    Parameters
    ----------
    before, after : mapping
        The notebooks.
    tolerance : float
        Relative difference up to which two fractions in a text are near.

    Returns
    -------
    list of Outcome
        One for each cell that differs, ``warned`` within the tolerance; one for all that are the same.
    """
    compared = [(number, old, new) for number, old, new in _pairs(before, after) if old or new]
    differing = [_judged(number, old, new, tolerance) for number, old, new in compared if old != new]
    same = len(compared) - len(differing)
    return [Outcome("cell outputs", None, "passed", f"{same} the same", ""), *differing] if compared else differing


def _pairs(before: NotebookContent, after: NotebookContent) -> Iterator[tuple[int, str, str]]:
    """Number and both texts of each cell that is in both notebooks and can be compared."""
    old, new = list(code_cells(before)), list(code_cells(after))
    matcher = difflib.SequenceMatcher(None, [cell.source for cell in old], [cell.source for cell in new], False)
    for first, second, size in matcher.get_matching_blocks():
        for one, other in zip(old[first : first + size], new[second : second + size], strict=True):
            if not _tells_its_place(one):
                texts = (_text(book["cells"][cell.number - 1]) for book, cell in ((before, one), (after, other)))
                yield other.number, *texts  # type: ignore[misc]


def _tells_its_place(cell: CodeCell) -> bool:
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Call) and (magic := read_magic(node)) and magic.name in _TELLS_ITS_PLACE:
            return True
        if isinstance(node, ast.Name) and node.id == "ml":
            return True
    return False


def _text(cell: NotebookContent) -> str:
    """What a cell printed and showed as text."""
    found = []
    for output in cell.get("outputs") or ():
        if output.get("output_type") == "stream" and output.get("name") == "stdout":
            text = output.get("text") or ""
        else:
            text = (output.get("data") or {}).get("text/plain") or ""
        found.append(text_of({"source": text}))
    return _ADDRESS.sub("0x…", "".join(found)).rstrip()


def _judged(number: int, old: str, new: str, tolerance: float) -> Outcome:
    check = f"output of cell {number}"
    if _NUMBER.sub("#", old) == _NUMBER.sub("#", new):
        pairs = zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True)
        if all(_near(one, other, tolerance) for one, other in pairs):
            return Outcome(check, None, "warned", "numbers differ", "", f"within {tolerance:g}")
    was, now = _first_difference(old, new)
    return Outcome(check, None, "failed", now, f"= {was}", "the same code, and another text")


def _near(one: str, other: str, tolerance: float) -> bool:
    """Whether two numbers are near; whole ones count something, and have to be the same."""
    fractions = all(set(".eE") & set(text) for text in (one, other))
    return one == other or (fractions and math.isclose(float(one), float(other), rel_tol=tolerance))


def _first_difference(old: str, new: str) -> tuple[str, str]:
    before, after = old.splitlines(), new.splitlines()
    place = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(before), len(after)) if place is None else place
    shown = (repr(rows[at][:_LONGEST]) if at < len(rows) else "nothing" for rows in (before, after))
    was, now = shown
    return was, now
