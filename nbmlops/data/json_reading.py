"""A table in a JSON file, one object in each line (https://jsonlines.org), in parts that fit in memory.

Types are those that JSON has: text stays text also where it looks like a time. Arrow reads with the types of the first
lines; where later ones need more, all lines are looked at to join their types, and the file is read anew (`Widened`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.errors import InvalidError
from nbmlops.data.csv_reading import Widened
from nbmlops.data.frames import refuse_names
from nbmlops.data.table_files import TableFile

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["JsonReading"]

_BLOCK = 8 << 20
_LONGEST = 64 << 20
_LONG = re.compile(rb"[0-9]{16}")
_EXACT = 2**53
_WORDS = {str: "text", bool: "a truth value", int: "a number", float: "a number", list: "a list", dict: "an object"}
_MEND = "mend it, or save the file as it is, without --as table"


class _Lines(NamedTuple):
    """Some lines, and the number (from 1) of the first."""

    content: bytes
    first: int


class JsonReading:
    """One way through a file of JSON lines.

    Parameters
    ----------
    file : TableFile
        The file: UTF-8, an object in each line; empty lines are none.

    Raises
    ------
    InvalidError
        When it is empty or cannot be read; with the line.
    """

    def __init__(self, file: TableFile) -> None:
        self._file = file
        first = next(self._blocks(), None)
        if first is None:
            raise InvalidError(f"{file.name} is empty", hint="nothing was saved")
        if first.content.lstrip()[:1] == b"[":
            raise InvalidError(
                f"{file.name} holds one list, and a table is read from one object in each line",
                hint="ml.data.save(pd.read_json(path), name)",
            )
        self.schema = self._inferred(first)
        refuse_names(self.schema.names, file.name)

    def parts(self) -> Iterator[pa.Table]:
        """The rows, in order.

        Raises
        ------
        Widened
            When a line needs a wider type or another column; then `schema` has it, and this is to be called again.
        InvalidError
            When a line cannot be read.
        """
        import pyarrow as pa
        from pyarrow import json as arrow_json

        how = arrow_json.ParseOptions(explicit_schema=self.schema, unexpected_field_behavior="error")
        for lines in self._blocks():
            try:
                table = arrow_json.read_json(io.BytesIO(lines.content), _at_once(lines), how)
            except pa.ArrowInvalid as error:
                before = self.schema
                self.schema = self._joined()
                if self.schema.equals(before):
                    raise self._unread(lines, str(error)) from None
                raise Widened from None
            self._refuse_rounded(lines, table.schema)
            yield table.select(self.schema.names)

    def _joined(self) -> pa.Schema:
        """A schema that takes all lines."""
        import pyarrow as pa

        joined = pa.schema([])
        for lines in self._blocks():
            try:
                joined = pa.unify_schemas([joined, self._inferred(lines)], promote_options="permissive")
            except pa.ArrowTypeError as error:
                _Kinds(self._file, self._blocks()).refuse_mixed()
                raise self._unread(lines, str(error)) from None
        return joined

    def _inferred(self, lines: _Lines) -> pa.Schema:
        """Names and types of some lines."""
        import pyarrow as pa
        from pyarrow import json as arrow_json

        try:
            found = arrow_json.read_json(io.BytesIO(lines.content), _at_once(lines)).schema
        except pa.ArrowInvalid as error:
            _Kinds(self._file, self._blocks()).refuse_mixed()
            raise self._unread(lines, str(error)) from None
        return pa.schema([pa.field(field.name, _plain(field.type)) for field in found])

    def _unread(self, lines: _Lines, said: str) -> InvalidError:
        first = said.splitlines()[0]
        return InvalidError(f"{self._file.name}, line {lines.first} or a later one: {first}", hint=_MEND)

    def _blocks(self) -> Iterator[_Lines]:
        """The file in whole lines, some megabytes of them at a time."""
        rest, number = b"", 1
        with self._file.open() as source:
            while block := source.read(_BLOCK):
                whole, end, begun = (rest + block).rpartition(b"\n")
                if number == 1:
                    whole = whole.removeprefix(b"\xef\xbb\xbf")
                if whole.strip():
                    yield self._text(_Lines(whole + end, number))
                number += whole.count(b"\n") + len(end)
                rest = begun
                if len(rest) > _LONGEST:
                    raise InvalidError(
                        f"{self._file.name}, line {number} is longer than {_LONGEST >> 20} MB", hint=_MEND
                    )
        rest = rest.removeprefix(b"\xef\xbb\xbf") if number == 1 else rest
        if rest.strip():
            yield self._text(_Lines(rest + b"\n", number))

    def _text(self, lines: _Lines) -> _Lines:
        """The lines, which are UTF-8; Arrow does not look."""
        try:
            lines.content.decode()
        except UnicodeDecodeError as error:
            before = lines.content[: error.start]
            number, place = lines.first + before.count(b"\n"), error.start - before.rfind(b"\n")
            raise InvalidError(
                f"{self._file.name}, line {number}: byte {place} of it is not UTF-8",
                hint=f"convert it first, as in: iconv -f latin1 -t utf-8 {self._file.name}",
            ) from None
        return lines

    def _refuse_rounded(self, lines: _Lines, schema: pa.Schema) -> None:
        """Refuse whole numbers that floating point would round, among numbers of which some are fractions."""
        floats = {field.name for field in schema if "double" in str(field.type)}
        if not floats or not _LONG.search(lines.content):
            return
        for number, line in enumerate(lines.content.splitlines(), lines.first):
            for name, value in (json.loads(line) if line.strip() else {}).items():
                if name in floats and (found := _rounded(value)) is not None:
                    raise InvalidError(
                        f"{self._file.name}, line {number}: {found} in {name!r} cannot be kept beside fractions: "
                        "floating point has not as many digits",
                        hint="write it as text, in quotes",
                    )


def _at_once(lines: _Lines) -> Any:
    from pyarrow import json as arrow_json

    return arrow_json.ReadOptions(block_size=len(lines.content) + 1)


def _rounded(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT and int(float(value)) != value:
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for each in inner if (found := _rounded(each)) is not None), None)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type with text in the place of what Arrow took for times."""
    import pyarrow as pa

    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in kind])
    return kind


class _Kinds:
    """What each place of the objects holds, line by line; read slowly, to say what does not fit."""

    def __init__(self, file: TableFile, blocks: Iterator[_Lines]) -> None:
        self._file = file
        self._blocks = blocks
        self._held: dict[str, str] = {}

    def refuse_mixed(self) -> None:
        """Say which line is the first that is no object in JSON, or holds something else than those before.

        Raises
        ------
        InvalidError
            When there is one.
        """
        for lines in self._blocks:
            for number, line in enumerate(lines.content.split(b"\n"), lines.first):
                if line.strip():
                    self._take(number, self._parsed(number, line))

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise self._wrong(number, f"no JSON: {error.msg} at character {error.pos + 1}") from None
        if not isinstance(found, dict):
            raise self._wrong(number, f"{_WORDS.get(type(found), 'null')} stands there, not an object")
        return found

    def _take(self, number: int, value: Any, place: str = "") -> None:
        if value is None:
            return
        word = _WORDS[type(value)]
        if (held := self._held.setdefault(place, word)) != word:
            shown = json.dumps(value, ensure_ascii=False)
            shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
            raise self._wrong(number, f"{place!r} is {word} ({shown}), and {held} before")
        if isinstance(value, dict):
            for key, inner in value.items():
                self._take(number, inner, f"{place}.{key}" if place else key)
        elif isinstance(value, list):
            for inner in value:
                self._take(number, inner, f"{place}[]")

    def _wrong(self, number: int, what: str) -> InvalidError:
        return InvalidError(f"{self._file.name}, line {number}: {what}", hint=_MEND)
