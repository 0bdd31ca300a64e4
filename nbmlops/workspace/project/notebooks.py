"""Notebooks from text: cells apart by lines such as ``=== markdown``, ``=== code`` and ``=== parameters``.

Format: https://nbformat.readthedocs.io/en/latest/format_description.html, version 4.5.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["notebook"]

_CELL = re.compile(r"^=== (markdown|code|parameters)\n", re.MULTILINE)


def notebook(text: str) -> str:
    r"""Write the cells of a text as a notebook without outputs; the same text gives the same bytes.

    Examples
    --------
    >>> json.loads(notebook("=== parameters\nmonth: int = 5\n"))["cells"][0]["metadata"]
    {'tags': ['parameters']}
    """
    _, *parts = _CELL.split(text)
    cells = [
        _cell(kind, source, number) for number, (kind, source) in enumerate(zip(parts[::2], parts[1::2], strict=True))
    ]
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cell(kind: str, source: str, number: int) -> dict[str, Any]:
    lines = source.strip("\n").splitlines(keepends=True)
    metadata = {"tags": ["parameters"]} if kind == "parameters" else {}
    if kind == "markdown":
        return {"cell_type": "markdown", "id": f"cell-{number}", "metadata": metadata, "source": lines}
    code = {"execution_count": None, "outputs": [], "source": lines}
    return {"cell_type": "code", "id": f"cell-{number}", "metadata": metadata, **code}
