"""What a test cell becomes where a notebook is judged without a person: its outcomes go to a file, line by line.

The file is read by the process that started the kernel, whatever became of the kernel meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbmlops.checks.features.testing import judge
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import NbmlopsError

__all__ = ["keep", "kept"]


def keep(source: str, names: Mapping[str, Any], cell: int, file: str) -> None:
    """Run the tests of cell number `cell`, and add what they found to `file`; a test is named before it begins."""
    with Path(file).open("a", encoding="utf-8") as lines:

        def say(document: Mapping[str, Any]) -> None:
            lines.write(json.dumps(document) + "\n")
            lines.flush()

        def ended(outcome: Outcome) -> None:
            say(Report(None, "", "data", "", (outcome,), datetime.now(UTC)).to_json())

        try:
            judge(source, names, lambda name: say({"begun": name}), ended)
        except NbmlopsError as error:
            ended(Outcome(f"cell {cell}", None, "errored", error.message, ""))


def kept(file: Path) -> tuple[tuple[Outcome, ...], str | None]:
    """Give the outcomes that are in a file, and the test that had begun when its kernel ended early."""
    outcomes, begun = list[Outcome](), None
    if not file.exists():
        return (), None
    for line in file.read_text(encoding="utf-8").splitlines():
        document = json.loads(line)
        begun = document.get("begun")
        if begun is None:
            outcomes += Report.from_json(document).outcomes
    return tuple(outcomes), begun
