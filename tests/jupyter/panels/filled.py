"""Workspaces with something to look at, with whatever text a test wants where a person could have written it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from nbmlops import ml
from nbmlops.checks.evidence import BarsEvidence, CurvesEvidence, NoteEvidence, RowsEvidence, TableEvidence
from nbmlops.checks.records import Outcome, Report, Status
from nbmlops.workspace.current import workspace
from tests.monitoring.conftest import Traffic
from tests.pipelines.project import RAW, TOTAL, write

__all__ = ["a_report", "reports", "sums", "text_of_error", "watched"]

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def sums(folder: Path, *more: str) -> None:
    """A workspace in a folder, with the pipeline ``sums``; `more` stands in its pyproject.toml."""
    (folder / "pyproject.toml").write_text(
        "\n".join(["[tool.nbmlops.pipelines]", 'sums = ["notebooks/*.ipynb"]', *more])
    )
    write(folder / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW)
    write(folder / "notebooks" / "2_sum.ipynb", "factor: int = 2", TOTAL)
    ml.init()


def a_report(text: str, version: int = 1, status: Status = "failed", number: float = 2.0) -> Report:
    """A report with one check of each status that is wanted, and evidence of every kind."""
    evidence = (
        RowsEvidence.of({812: [text, 0.5], 4_410: [None, 2.0]}, [text, "delay"], 20, source=f"flights@v{version}"),
        TableEvidence.of([text, "auc"], [[text, 0.61]], text),
        BarsEvidence.of(text, [3, 0, 1], [0.5, 2, 2], words=text, bins=[text, "b", "c"]),
        CurvesEvidence.of(text, {text: [(0, 1.0), (1, 2.0), (2, 3.0)]}),
        NoteEvidence.of(f"{text}\n{text}"),
    )
    outcomes = (
        Outcome("rows", None, "passed", "10", "> 0", number=10.0),
        Outcome(
            "nulls", text, status, f"{number}% {text}", f"< 5% {text}", text, (812, 4_410), evidence, number, text, text
        ),
    )
    return Report(None, text, "data", f"flights@v{version}", outcomes, NOW)


def reports(text: str = "strict") -> list[int]:
    """Four reports of one suite over versions, the third failed; their numbers."""
    given: tuple[tuple[Status, float], ...] = (("passed", 1.0), ("passed", 2.0), ("failed", 8.0), ("warned", 4.0))
    checks = workspace().check
    kept = [checks.save(a_report(text, place, *each)) for place, each in enumerate(given, start=1)]
    return [report.id for report in kept if report.id is not None]


def watched(owner: str = "ann", message: str = "The first") -> Traffic:
    """A model that answers and is watched by two monitors, of which one fails; how to ask it more."""
    random = np.random.default_rng(1)
    data = pd.DataFrame({"x": random.random(400) * 0.6 + 0.2})
    ml.data.save(data, "seen")
    for strength in (1.0, 0.1):
        model = LogisticRegression(C=strength).fit(data, data["x"] > 0.5)
        ml.model.save(model, "delay", example=data, message=message)
    ml.model.promote("delay@v1", to="production")
    ml.model.promote("delay@v2", to="challenger")
    ml.deployment.split("delay", "challenger=10")
    ml.monitor.add("moved", "delay", "drift", reference="seen", owner=owner)
    ml.monitor.add("steady", "delay", "stability", owner=owner)
    traffic = Traffic(workspace())
    for hour in (2, 3):
        traffic.send(hour)
    ml.monitor.run()
    traffic.send(1, 400, shift=0.2)
    ml.monitor.run()
    return traffic


def text_of_error(answer: dict[str, object]) -> str:
    """What an answer that is an error says."""
    error = answer["error"]
    assert isinstance(error, dict)
    return f"{error['message']}\n{error['hint']}"
