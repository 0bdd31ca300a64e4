"""Which cells of a notebook say something else than those of another, by what they do and not how they are laid out."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import zip_longest

from nbmlops.checks.records import Outcome
from nbmlops.pipelines.cells import NotebookContent, cell_digests, text_of

__all__ = ["changed_cells"]

_LONGEST = 100


def changed_cells(before: NotebookContent, after: NotebookContent) -> list[Outcome]:
    """One outcome, ``failed``, for each cell that was changed, added or removed, with its first line that differs."""
    old, new = cell_digests(before), cell_digests(after)
    matcher = difflib.SequenceMatcher(None, list(old.values()), list(new.values()), autojunk=False)
    return list(_outcomes(before, after, list(old), list(new), matcher))


def _outcomes(
    before: NotebookContent,
    after: NotebookContent,
    old: list[int],
    new: list[int],
    matcher: difflib.SequenceMatcher[str],
) -> Iterator[Outcome]:
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            continue
        for was, now in zip_longest(old[start:end], new[first:last]):
            lines = (_source(book, number).splitlines() for book, number in ((before, was), (after, now)))
            removed, added = _first_difference(*lines)
            place = f"cell {now}" if now is not None else f"cell {was}, which is gone"
            yield Outcome(place, None, "failed", added or "nothing", f"= {removed or 'nothing'}", "another code")


def _source(notebook: NotebookContent, number: int | None) -> str:
    return "" if number is None else text_of(notebook["cells"][number - 1])


def _first_difference(old: list[str], new: list[str]) -> tuple[str, str]:
    """The first line that is there no more, and the first that is new."""
    lines = [line for line in difflib.ndiff(old, new) if line[:1] in "+-" and line[2:].strip()]
    removed, added = (next((line[2:].strip() for line in lines if line[0] == sign), "") for sign in "-+")
    return removed[:_LONGEST], added[:_LONGEST]
