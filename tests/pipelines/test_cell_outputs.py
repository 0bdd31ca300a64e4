"""Outputs and code of cells beside each other, without a kernel."""

from __future__ import annotations

from typing import Any

from nbmlops.pipelines.cell_outputs import compare_outputs
from nbmlops.pipelines.changed_cells import changed_cells


def notebook(*cells: tuple[str, str]) -> dict[str, Any]:
    """Cells of a source and of what it printed."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [{"output_type": "stream", "name": "stdout", "text": text}] if text else [],
            }
            for source, text in cells
        ]
    }


def told(before: str, after: str, source: str = "show()") -> dict[str, str]:
    found = compare_outputs(notebook((source, before)), notebook((source, after)), 1e-6)
    return {one.check: one.status for one in found if one.check != "cell outputs"}


def test_texts_are_the_same_but_for_addresses_in_memory() -> None:
    assert told("<A at 0x7f33aa00>", "<A at 0x7f33bb11>") == {}
    assert told("one", "two") == {"output of cell 1": "failed"}
    assert told("one", "") == {"output of cell 1": "failed"}


def test_fractions_may_be_near_and_whole_numbers_may_not() -> None:
    assert told("auc 0.70000000", "auc 0.70000001") == {"output of cell 1": "warned"}
    assert told("auc 0.7", "auc 0.8") == {"output of cell 1": "failed"}
    assert told("rows 1000000000", "rows 1000000001") == {"output of cell 1": "failed"}


def test_cells_that_tell_when_they_ran_are_left_out() -> None:
    assert told("took 1 s", "took 2 s", "%time fit()") == {}
    assert told("flights@v1", "flights@7f3a9c", "%ml data load flights") == {}


def test_a_cell_that_was_changed_added_or_removed_is_named_by_its_line() -> None:
    before = notebook(("a = 1\nb = 2", ""), ("c = 3", ""))
    assert changed_cells(before, notebook(("a = (1)  # one\nb = 2", ""), ("c = 3", ""))) == []
    (changed,) = changed_cells(before, notebook(("a = 1\nb = 5", ""), ("c = 3", "")))
    assert (changed.check, changed.figure, changed.bound) == ("cell 1", "b = 5", "= b = 2")
    (added,) = changed_cells(before, notebook(("a = 1\nb = 2", ""), ("c = 3", ""), ("d = 4", "")))
    assert (added.check, added.figure, added.bound) == ("cell 3", "d = 4", "= nothing")
    (removed,) = changed_cells(before, notebook(("c = 3", "")))
    assert (removed.check, removed.figure) == ("cell 1, which is gone", "nothing")
