"""Scores to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nbmlops.monitoring.score.records import (
    SECTIONS,
    Evidence,
    Level,
    Maturity,
    Requirement,
    ScoredTest,
    ScorePoint,
    ScoreSection,
    ScoreSheet,
)

__all__ = ["scores"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)


def scores(text: str) -> list[Any]:
    """A sheet with a test of each worth, of a version that is served, and one of a model that nothing is known of."""
    hand = Evidence(text, NOW, text, text, 7, passed=False)
    alone = Evidence(text, NOW, text, text, automatic=True, covers=False, fresh=False, passed=True)
    tests = (
        ScoredTest("Data 1", "data", text, 1, "", "", (hand, alone)),
        ScoredTest("Data 2", "data", text, 0.5, text, text, (hand,)),
        ScoredTest("Data 3", "data", text, 0, text, text),
    )
    sections = tuple(ScoreSection(section, tests) for section in SECTIONS)
    asked = Requirement(text, True, text), Requirement(text, False, text)
    ladder = Maturity("Microsoft", (Level(0, text), Level(1, text, asked)))
    past = (ScorePoint(NOW, text, 1.5, (1.5, 2, 2, 2), 9),)
    return [
        ScoreSheet(text, text, text, True, NOW, 90, sections, (ladder,), past),
        ScoreSheet(text, text, text, False, NOW, 30, sections),
    ]
