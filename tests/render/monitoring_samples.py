"""Records of monitors to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import STATUSES, Outcome
from nbmlops.monitoring.alerts.records import Alert, Digest, DigestLine
from nbmlops.monitoring.dossier.records import Dossier, DossierSection, Gap, Mood, Statement
from nbmlops.monitoring.records import FigureLine, FigurePoint, Monitor
from nbmlops.monitoring.simulation.records import SimulatedAlert, SimulatedLook, Simulation
from nbmlops.monitoring.story.records import Moment, Span, Story

__all__ = ["monitors"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def monitors(text: str) -> list[Any]:
    """One that failed and is silent, one that was not run yet, and stories."""
    rules = DAY, 0.8, text, "fail", text, text, NOW
    told = NOW, NOW, (DigestLine(text, "open", text, text),), 2, True
    points = tuple(FigurePoint(NOW + place * DAY, 0.1 * place, "passed", place) for place in range(3))  # type: ignore[arg-type]
    line = FigureLine(text, (*points, FigurePoint(NOW + 3 * DAY, 9.0, "failed", 4)), None, 0.5)
    looks = tuple(SimulatedLook(text, NOW + n * DAY, NOW + (n + 1) * DAY, one, text) for n, one in enumerate(STATUSES))
    fired = (
        SimulatedAlert("inputs", (text,), NOW, NOW + DAY, NOW, text),
        SimulatedAlert("service", (text,), NOW, None, None, text),
    )
    return [
        Simulation(text, text, "day", looks, fired, (text,)),
        Alert(3, text, "inputs", (text,), (text, text), text, 0.4, text, "open", NOW, None, NOW),
        Digest(*told),
        Monitor(text, text, "quality", text, *rules, "failed", NOW, 3, NOW, rules={"code": text}, lines=(line,)),  # type: ignore[arg-type]
        Monitor(text, text, "drift", None, DAY, None, None, "warn", text, text, NOW),
        Story(text, NOW, None, ()),
        a_dossier(text),
        Dossier(text, text, text, (), NOW, ()),
        a_story(text),
    ]


def a_dossier(text: str) -> Dossier:
    moods: tuple[Mood, ...] = ("plain", "good", "warn", "bad")
    told = tuple(Statement(text, text, text, text, mood) for mood in moods)
    gaps = (Gap(text, text, f"`ml model describe {text}`"),)
    proof = Outcome(text, text, "passed", text, text, evidence=(TableEvidence.of((text,), [(text,)], text),))
    return Dossier(text, text, text, (text,), NOW, (DossierSection(1, text, text, told, gaps, (proof,)),))


def a_story(text: str) -> Story:
    """One with a moment of each mood, earlier ones being left out."""
    said = (text,) * 4
    moments = tuple(
        Moment(NOW + place * DAY, kind, text, text, said, f"`ml {text}`", mood, version=7)  # type: ignore[arg-type]
        for place, (kind, mood) in enumerate(
            (("version", "plain"), ("verdict", "bad"), ("approval", "warn"), ("alias", "good"), ("monitor", "bad"))
        )
    )
    spans = Span(text, text, NOW, NOW + 2 * DAY), Span(f"monitor {text}", text, NOW + DAY, None, "bad")
    return Story(text, NOW + 9 * DAY, NOW, moments, spans, {text: f"{text}@v7"}, (text,), is_cut=True)
