"""What cells of an executed notebook said, as a panel shows it: texts and pictures, and nothing that a browser runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nbmlops.jupyter.panels.shaped import short
from nbmlops.pipelines.cells import text_of

__all__ = ["shown_cells"]

_SOURCE, _TEXT, _PICTURE = 4_000, 8_000, 300_000
"""Characters of a source, of what one output says, and of a picture, that are shown."""
_OUTPUTS = 20
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def shown_cells(cells: Sequence[Mapping[str, Any]], start: int, limit: int) -> list[dict[str, Any]]:
    """Some cells, each with its number from 1, status, seconds, source and outputs.

    Parameters
    ----------
    cells : sequence of mapping
        The cells of a notebook.
    start, limit : int
        From which on, counted from 0, and how many at most.
    """
    return [_shown(place + 1, cells[place]) for place in range(max(0, start), min(len(cells), start + limit))]


def _shown(number: int, cell: Mapping[str, Any]) -> dict[str, Any]:
    mark = cell.get("metadata", {}).get("papermill") or {}
    outputs = cell.get("outputs") or []
    told = {"number": number, "type": cell.get("cell_type"), "source": short(text_of(cell), _SOURCE)}
    about = {"status": mark.get("status"), "seconds": mark.get("duration"), "count": cell.get("execution_count")}
    said = [one for output in _joined(outputs) if (one := _output(output)) is not None]
    # Of many, the last: they are what has just been said.
    return {**told, **about, "outputs": said[-_OUTPUTS:], "left_out": max(0, len(said) - _OUTPUTS)}


def _joined(outputs: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The outputs, with what was printed piece by piece in one."""
    held: dict[str, Any] | None = None
    for output in outputs:
        is_stream = output.get("output_type") == "stream"
        if held is not None and is_stream and held["name"] == output.get("name"):
            held["text"] += text_of({"source": output.get("text") or ""})
            continue
        if held is not None:
            yield held
        held = None
        if is_stream:
            held = {**output, "text": text_of({"source": output.get("text") or ""}), "name": output.get("name")}
        else:
            yield output
    if held is not None:
        yield held


def _output(output: Mapping[str, Any]) -> dict[str, Any] | None:
    match output.get("output_type"):
        case "stream":
            return {"kind": "text", "name": output["name"], "text": _end(_plain(output["text"]))}
        case "error":
            told = "\n".join(output.get("traceback") or ()) or f"{output.get('ename')}: {output.get('evalue')}"
            return {"kind": "error", "name": str(output.get("ename")), "text": _end(_plain(told))}
        case "execute_result" | "display_data":
            return _data(output.get("data") or {})
    return None


def _data(data: Mapping[str, Any]) -> dict[str, Any] | None:
    text = short(text_of({"source": data.get("text/plain") or ""}), _TEXT)
    picture = text_of({"source": data.get("image/png") or ""}).strip()
    if picture and len(picture) <= _PICTURE:
        return {"kind": "picture", "text": text, "png": picture}
    return {"kind": "text", "name": "result", "text": text} if text else None


def _plain(text: str) -> str:
    """A text without colours; of a line that was written over, what stood there last."""
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in _COLOURS.sub("", text).split("\n"))
    return "\n".join(lines)


def _end(text: str) -> str:
    return text if len(text) <= _TEXT else f"…{text[-_TEXT:]}"
