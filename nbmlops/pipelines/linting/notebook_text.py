"""Changes of a notebook file in its text, so that every byte that need not change stays as it was.

The file's own JSON is walked for the places of the values to change; how it indents, escapes and ends lines is taken
from what stands there. Format: nbformat 4.5, https://nbformat.readthedocs.io/en/latest/format_description.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nbmlops.core.errors import UnsupportedError

__all__ = ["rewritten"]

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")
_LINES = re.compile(r"(?<=\n)")
_Span = tuple[int, int]


def rewritten(text: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> str:
    """Give the text of a notebook file whose cells are to be others.

    Parameters
    ----------
    text : str
        The file.
    before, after : sequence of mapping
        Cells with ``source`` (text), ``metadata`` and, those that are in the file, ``place``: the index there. Only
        sources and tags may differ, and cells without a place are new.

    Raises
    ------
    UnsupportedError
        When the file cannot be changed in this way and hold what it should.
    """
    spans = _items(text, _members(text, _after_space(text, 0))["cells"][0])
    style = _Style(text)
    changes: list[tuple[int, int, str]] = []
    known = {cell["place"]: cell for cell in before}
    for number, cell in enumerate(after):
        if "place" not in cell:
            follower = next((each["place"] for each in after[number:] if "place" in each), None)
            changes.append(_new_cell(text, spans, follower, cell, style))
            continue
        members, old = _members(text, spans[cell["place"]][0]), known[cell["place"]]
        if cell["source"] != old["source"]:
            start, end = members["source"]
            changes.append((start, end, _source(text[start:end], cell["source"], style)))
        if _tags(cell) != _tags(old):
            changes.append(_tagged(text, members["metadata"], _tags(cell), style))
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    _check(text, after)
    return text


class _Style:
    """How a file is written: its indentation (None for one line), its line ends, and whether it is ASCII."""

    def __init__(self, text: str) -> None:
        found = re.match(r"\s*\{(\r?\n)([ \t]+)", text)
        self.newline = found[1] if found else "\n"
        self.unit = found[2] if found else None
        self.ascii = text.isascii() and "\\u" in text

    def dump(self, value: Any, lead: str) -> str:
        """Write a value whose first line stands behind `lead`."""
        written = json.dumps(value, indent=self.unit, ensure_ascii=self.ascii)
        return written.replace("\n", f"{self.newline}{lead}")


def _lead(text: str, at: int) -> str:
    """The blanks that begin the line of a place."""
    start = text.rfind("\n", 0, at) + 1
    found = re.compile(r"[ \t]*").match(text, start)
    return found[0] if found else ""


def _source(written: str, wanted: str, style: _Style) -> str:
    if not written.startswith("["):
        return json.dumps(wanted, ensure_ascii=style.ascii)
    spans = _items(written, 0)
    if not spans:
        return json.dumps(_LINES.split(wanted), ensure_ascii=style.ascii)
    # Lines that stay are written as they were, whatever they escape.
    known = {json.loads(written[start:end]): written[start:end] for start, end in spans}
    lead, tail = written[1 : spans[0][0]], written[spans[-1][1] :]
    between = written[spans[0][1] : spans[1][0]] if len(spans) > 1 else f",{lead}"
    lines = [line for line in _LINES.split(wanted) if line]
    return (
        f"[{lead}{between.join(known.get(line) or json.dumps(line, ensure_ascii=style.ascii) for line in lines)}{tail}"
    )


def _tagged(text: str, span: _Span, tags: list[str], style: _Style) -> tuple[int, int, str]:
    start, end = span
    members = _members(text, start)
    lead = _lead(text, start)
    inner = lead + (style.unit or "")
    if "tags" in members:
        at, stop = members["tags"]
        return at, stop, style.dump(tags, inner)
    if not members:
        return start, end, style.dump({"tags": tags}, lead)
    gap = _SPACE.match(text, start + 1)
    added = f'"tags": {style.dump(tags, inner)},{gap[0] if gap else ""}'
    return start + 1 + len(gap[0] if gap else ""), start + 1 + len(gap[0] if gap else ""), added


def _new_cell(
    text: str, spans: Sequence[_Span], follower: int | None, cell: Mapping[str, Any], style: _Style
) -> tuple[int, int, str]:
    lines = [line for line in _LINES.split(cell["source"]) if line]
    content = {key: value for key, value in cell.items() if key != "place"} | {"source": lines}
    if not spans:
        at = text.index("[", text.index('"cells"')) + 1
        return at, at, style.dump(dict(sorted(content.items())), "")
    if follower is None:
        at = spans[-1][1]
        gap = text[text.rfind("\n", 0, spans[-1][0]) : spans[-1][0]] if style.unit else ""
        return at, at, f",{gap}{style.dump(dict(sorted(content.items())), _lead(text, spans[-1][0]))}"
    at = spans[follower][0]
    lead = _lead(text, at)
    gap = f"{style.newline}{lead}" if style.unit else " "
    return at, at, f"{style.dump(dict(sorted(content.items())), lead)},{gap}"


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _items(text: str, at: int) -> list[_Span]:
    """Places of the items of an array that begins at a place."""
    spans, at = [], _after_space(text, at + 1)
    while text[at] != "]":
        end = _decode(text, at)[1]
        spans.append((at, end))
        at = _after_space(text, end)
        at = _after_space(text, at + 1) if text[at] == "," else at
    return spans


def _members(text: str, at: int) -> dict[str, _Span]:
    """Places of the values of an object that begins at a place; of a key that stands twice the last, as `json` does."""
    spans, at = dict[str, _Span](), _after_space(text, at + 1)
    while text[at] != "}":
        key, end = _decode(text, at)
        at = _after_space(text, _after_space(text, end) + 1)
        end = _decode(text, at)[1]
        spans[key] = (at, end)
        at = _after_space(text, end)
        at = _after_space(text, at + 1) if text[at] == "," else at
    return spans


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list((cell.get("metadata") or {}).get("tags") or ())


def _check(text: str, after: Sequence[Mapping[str, Any]]) -> None:
    """Read back what is about to be written."""
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError) as error:
        raise UnsupportedError("the notebook file cannot be changed in place", hint="save it in JupyterLab") from error
    held = [("".join(cell["source"]), _tags(cell)) for cell in cells]
    if held != [(cell["source"], _tags(cell)) for cell in after]:
        raise UnsupportedError("the notebook file cannot be changed in place", hint="save it in JupyterLab")
