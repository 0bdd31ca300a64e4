from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "data_versioning.py"
MET = {"met"}
# What seconds may say at this size, beside other tests; and what is told of a peer that is absent.
TIMED, ALONE = {"met", "NOT MET"}, {"not compared"}

FILES = [
    (r"\d+ MB CSV, first save", ALONE),
    (r"bytes on disk", MET),
    (r"the same, unchanged", ALONE),
    (r"folder of 20 small files, first save", ALONE),
    (r"bytes on disk", MET),
    (r"the same, unchanged", ALONE),
]
MEMORY = [
    (r"\d+ MB CSV, save: peak memory", MET),
    (r"\d+ MB CSV, load: peak memory", MET),
    (r"\d+ MB PARQUET, save: peak memory", MET),
    (r"\d+ MB PARQUET, load: peak memory", MET),
]
TABLES = [
    (r"0\.3 M x 19 DataFrame, save", TIMED),
    (r"0\.3 M rows, load of 4 of 19 columns", TIMED),
    (r"0\.3 M rows, load of a 1 % range", TIMED),
    (r"recipe three deep, load of 4 of 19 columns", TIMED),
    (r"recipe three deep, load of a 1 % range", TIMED),
    (r"10,000 x 8, diff by key", TIMED),
]
EDITS = [
    (r"0\.3 M rows, append 1 % of the rows: new bytes", MET),
    (r"0\.3 M rows, insert 0\.1 % in the middle: new bytes", MET),
    (r"0\.3 M rows, edit 3,000 rows in a row: new bytes", MET),
    (r"0\.3 M rows, edit 0\.1 % of one column: new bytes", MET),
    (r"0\.3 M rows, add a column: new bytes", {"met", "NOT MET"}),  # see the test of it alone
    (r"0\.3 M rows, drop 5 % at random: new bytes", MET),
    (r"0\.3 M rows, sort: new bytes", MET),
]


@functools.cache
def table(*rows: str) -> list[list[str]]:
    """The lines of the table that the benchmark prints, without its head, by cells."""
    size = ("--scale", "0.01", "--rounds", "1", "--without-peers")
    done = subprocess.run([sys.executable, SCRIPT, *rows, *size], capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    assert not done.stderr
    lines = done.stdout.splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("work "))
    return [re.split(r"\s{2,}", line.strip()) for line in lines[head + 1 :]]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("csv", "folder"), FILES),
        (("memory",), MEMORY),
        (("frame", "load", "diff"), TABLES),
        (("edits",), EDITS),
    ],
    ids=["files", "memory", "tables", "edits"],
)
def test_every_row_is_printed_and_its_bytes_meet_their_target(
    rows: tuple[str, ...], expected: list[tuple[str, set[str]]]
) -> None:
    found = table(*rows)
    assert len(found) == len(expected), found
    for line, (work, may_say) in zip(found, expected, strict=True):
        assert re.fullmatch(work, line[0]), f"{line[0]} stands where {work} should"
        assert line[-1] in may_say, line
        assert line[-1] != "not compared" or line[1].endswith("absent"), line


def test_a_new_column_costs_little_more_than_itself() -> None:
    # The target is for ten million rows; of so few a larger share is not the column itself.
    (line,) = [line for line in table("edits") if "add a column" in line[0]]
    assert float(line[2].rstrip("%")) < 13.5
