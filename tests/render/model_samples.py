"""A model's card and the differences of two, with whatever text a test wants."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.models.card import ModelCard
from nbmlops.models.diff_records import DataChange, FeatureChange, ModelDiff
from nbmlops.models.exporting import Bundle
from nbmlops.store.aliases import Move
from nbmlops.store.graph import Arrow, LineageGraph, Node
from nbmlops.tracking.comparison import CodeChange, Difference

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.data.diff_records import DataDiff
    from nbmlops.models.records import ModelVersion
    from nbmlops.store.asks import Ask
    from nbmlops.tracking.records import Run

__all__ = ["a_bundle", "a_card", "model_diffs"]

_NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def a_bundle(text: str) -> Bundle:
    return Bundle(text, Path(text), Path(text))


def a_card(text: str, version: ModelVersion, run: Run, report: Report, ask: Ask) -> ModelCard:
    nodes = (Node("a", "data", text, text), Node("b", "model", text, text, 1))
    graph = LineageGraph(text, "b", nodes, (Arrow("a", "b"),))
    moves = (Move(text, "promote", None, version.id, 3, _NOW, text),)
    return ModelCard(text, version, run, (), (report,), graph, moves, (ask,))


def model_diffs(text: str, data: DataDiff) -> list[ModelDiff]:
    different = (Difference(text, (text, None)),)
    return [
        ModelDiff(text, text, True, (None, None)),
        ModelDiff(
            text, text, False, (text, text), different, different, (Difference(text, (0.1, 0.2)),), different,
            (FeatureChange(text, "retyped", text, text),),
            (DataChange(text, text, text, data), DataChange(text, text, None, None, text)),
            (CodeChange("changed", text, text, 0, (f"-{text}", f"+{text}")),),
        ),
    ]  # fmt: skip
