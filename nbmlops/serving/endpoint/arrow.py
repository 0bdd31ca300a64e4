"""An Arrow stream as the body of a request.

Two bytes of a compressed stream can stand for gigabytes, and a column of nulls for any number of rows without bytes
at all. So the header of each message is looked at before its body is read: what is compressed is refused, and rows
are counted first. The header is a flatbuffer (``Message.fbs`` and ``RecordBatch`` in the format's specification).

Arrow readers forgive much. Here a stream is damaged, and refused, when it does not end with the marker of its end and
there alone, when a buffer lies outside its message or over another, when the names or what is said of the schema are
no text, and when pyarrow's full validation finds offsets or counts of nulls that do not hold. A value that was changed
to another one no reader can see: for that there is ``Content-Digest`` (`nbmlops.serving.endpoint.integrity`).
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from nbmlops.serving.endpoint.refusals import Refusal

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.rows import Columns, Intake

__all__ = ["from_arrow"]

_HEADER, _BODY, _LENGTH, _BUFFERS, _COMPRESSION, _DICTIONARY_DATA = 2, 3, 0, 2, 3, 1
_END = b"\xff\xff\xff\xff\0\0\0\0"


def from_arrow(body: bytes, intake: Intake) -> Columns:
    """Read the record batches of a stream that is not compressed."""
    import pyarrow as pa

    try:
        with pa.BufferReader(body) as whole:
            _look_through(whole, intake.most)
            if whole.tell() != len(body) or not body.endswith(_END):
                raise ValueError("it does not end with the marker of its end")
        with pa.ipc.open_stream(body) as stream:
            _refuse_unreadable(stream.schema)
            _refuse_deep(stream.schema)
            table = stream.read_all()
        table.validate(full=True)
        if len(set(table.column_names)) < table.num_columns:
            raise Refusal(422, "a column is there twice")
        return {name: table[name].to_pylist() for name in table.column_names}
    except (pa.ArrowException, ValueError, OverflowError, UnicodeDecodeError, OSError, struct.error) as error:
        raise Refusal(400, f"the body is no Arrow stream: {error}"[:300]) from None


def _refuse_deep(schema: Any) -> None:
    import pyarrow as pa

    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind) or pa.types.is_run_end_encoded(kind):
            raise Refusal(422, f"the column {field.name[:60]} is of the type {str(field.type)[:60]}, and no plain one")


def _refuse_unreadable(schema: Any) -> None:
    """Nothing here reads these words, but whoever damaged them may have damaged more."""
    for said in (schema.metadata, *(field.metadata for field in schema)):
        for key, value in (said or {}).items():
            key.decode(), value.decode()
            if key == b"pandas":
                json.loads(value)


def _look_through(whole: Any, most: int) -> None:
    """Refuse what is compressed, and too many rows, by the headers alone."""
    import pyarrow as pa

    rows = 0
    while True:
        try:
            message = pa.ipc.read_message(whole)
        except EOFError:
            return
        if message.type not in ("record batch", "dictionary"):
            continue
        header = memoryview(message.metadata)
        root = _root(header)
        batch = _table(header, root, _HEADER)
        if message.type == "dictionary":
            batch = _table(header, batch, _DICTIONARY_DATA)
        if _slot(header, batch, _COMPRESSION):
            raise Refusal(415, "the Arrow stream is compressed", "send it without compression")
        at = _slot(header, root, _BODY)
        _refuse_outside(header, batch, struct.unpack_from("<q", header, at)[0] if at else 0)
        at = _slot(header, batch, _LENGTH)
        rows += struct.unpack_from("<q", header, at)[0] if at else 0
        if rows > most:
            raise Refusal(413, f"the body has more than {most:,} rows", "send them in parts")


def _refuse_outside(header: memoryview, batch: int, size: int) -> None:
    """Refuse buffers that do not lie one after the other within the body of their message."""
    at = _slot(header, batch, _BUFFERS)
    if not at:
        return
    at += struct.unpack_from("<I", header, at)[0]
    end = 0
    for number in range(struct.unpack_from("<I", header, at)[0]):
        offset, length = struct.unpack_from("<qq", header, at + 4 + 16 * number)
        if length < 0 or offset < 0 or offset + length > size or (length and offset < end):
            raise ValueError("a buffer lies outside its message, or over another")
        end = max(end, offset + length)


def _root(header: memoryview) -> int:
    at: int = struct.unpack_from("<I", header, 0)[0]
    return at


def _slot(header: memoryview, table: int, field: int) -> int:
    """Where a field of a flatbuffer's table lies; 0 when it is not there."""
    vtable = table - struct.unpack_from("<i", header, table)[0]
    size = struct.unpack_from("<H", header, vtable)[0]
    if 4 + 2 * field >= size:
        return 0
    offset: int = struct.unpack_from("<H", header, vtable + 4 + 2 * field)[0]
    return table + offset if offset else 0


def _table(header: memoryview, table: int, field: int) -> int:
    at = _slot(header, table, field)
    if not at:
        raise ValueError("a message has no header")
    return at + int(struct.unpack_from("<I", header, at)[0])
