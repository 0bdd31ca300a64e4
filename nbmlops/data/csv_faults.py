"""What is wrong with a CSV file, and in which line: read again slowly, row by row, once Arrow has refused it."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from nbmlops.core.errors import InvalidError
from nbmlops.data.table_files import TableFile

__all__ = ["first_row", "line_of", "refuse_broken"]

_AS_IT_IS = "mend it, or save the file as it is, without --as table"
_LONGEST = 2**31 - 1


def first_row(file: TableFile, delimiter: str) -> tuple[int, list[str]] | None:
    """The line in which the first row stands, and its fields; None when there is none.

    Raises
    ------
    InvalidError
        When a line up to there is not UTF-8.
    """
    with _rows(file, delimiter) as rows:
        return next(((line, fields) for line, fields in rows if fields), None)


def line_of(file: TableFile, delimiter: str, row: int, columns: int) -> int:
    """The line (from 1) in which a row (from 0, behind the header) begins."""
    with _rows(file, delimiter) as rows:
        meant = (line for line, fields in rows if fields or columns == 1)
        return next(itertools.islice(meant, row + 1, None))


def refuse_broken(file: TableFile, delimiter: str, columns: int) -> None:
    """Say which row is the first that does not have as many fields as the header.

    Raises
    ------
    InvalidError
        When there is one, or a line that is not UTF-8, or a quote that is never closed.
    """
    last = 0
    with _rows(file, delimiter) as rows:
        for line, fields in rows:
            last = line
            if fields and len(fields) != columns and not rows.is_open():
                what = f"{len(fields)} field{'' if len(fields) == 1 else 's'}, and the header has {columns}"
                raise InvalidError(f"{file.name}, line {line}: the row has {what}", hint=_AS_IT_IS)
        if rows.is_open():
            raise InvalidError(f'{file.name}, line {last}: a " opens there and is never closed', hint=_AS_IT_IS)


@contextmanager
def _rows(file: TableFile, delimiter: str) -> Iterator[_Rows]:
    before = csv.field_size_limit(_LONGEST)
    try:
        with file.open() as source:
            yield _Rows(_Lines(file, source), delimiter)
    finally:
        csv.field_size_limit(before)


class _Rows:
    """The rows of a file, header included, each with the line in which it begins."""

    def __init__(self, lines: _Lines, delimiter: str) -> None:
        self._lines = lines
        self._rows = csv.reader(lines, delimiter=delimiter)
        self._fields: list[str] = []

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        begin = 1
        for fields in self._rows:
            self._fields = fields
            yield begin, fields
            begin = self._rows.line_num + 1

    def is_open(self) -> bool:
        """Whether the last row that came ends with the file inside of quotes."""
        return self._lines.ended and "\n" in "".join(self._fields[-1:]) and not self._lines.last.endswith('"')


class _Lines:
    """The lines of a file as text; says which one is not UTF-8."""

    def __init__(self, file: TableFile, source: Any) -> None:
        self._file = file
        self._number = 0
        self.last = ""
        self.ended = False
        # Latin-1 has a character for every byte, so the lines are cut before they are read as what they are.
        self._lines = io.TextIOWrapper(cast("Any", io.BufferedReader(source)), "latin-1", newline="")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        self._number += 1
        # The last line that is not empty, without its end.
        self.last = line.rstrip("\r\n") or self.last
        try:
            return line.encode("latin-1").decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidError(
                f"{self._file.name}, line {self._number}: byte {error.start + 1} of it is not UTF-8",
                hint=f"convert it first, as in: iconv -f latin1 -t utf-8 {self._file.name}",
            ) from None
