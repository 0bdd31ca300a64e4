"""The files of a repository of Feast, without Feast."""

from __future__ import annotations

import ast
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import ConflictError, InvalidError, UnsupportedError
from nbmlops.workspace import Workspace
from tests.features.online.views import define_delays, define_speed


def test_the_definitions_are_python_and_what_people_wrote_is_text(saved: Workspace, tmp_path: Path) -> None:
    evil = '"""\nimport os; os.system("x") #'
    define_delays(saved, description=evil, tags={"a": "'); boom("}, ttl="7d")
    define_speed(saved)
    saved.feature.service("inputs", ["delays:flown", "delays:mean_delay", "speed"], description=evil)
    made = saved.feature.export(feast=tmp_path / "repo")
    assert (made.views, made.on_demand, made.services, made.rows) == (
        ("delays@v1",),
        ("speed@v1",),
        ("inputs@v1",),
        400,
    )
    tree = ast.parse((made.folder / "definitions.py").read_text())
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "boom" not in calls
    assert {"Entity", "FeatureView", "FeatureService", "RequestSource"} <= calls
    table = pd.read_parquet(made.folder / "data" / "delays.parquet")
    assert list(table) == ["carrier", "dep_time", "mean_delay", "flown"]
    assert sorted(path.name for path in made.folder.iterdir()) == ["data", "definitions.py", "feature_store.yaml"]
    with pytest.raises(ConflictError, match="there is something in"):
        saved.feature.export(feast=made.folder)


def test_what_feast_has_no_type_for_is_named_and_nothing_is_left(saved: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="there is no view"):
        saved.feature.export(feast=tmp_path / "repo")

    def spans(flights):  # type: ignore[no-untyped-def]
        return flights.assign(span=flights["dep_time"] - flights["dep_time"].min())[["carrier", "dep_time", "span"]]

    saved.feature.define(spans, entity="carrier", from_="flights", time="dep_time")
    with pytest.raises(UnsupportedError, match="spans:span is duration"):
        saved.feature.export(feast=tmp_path / "repo")
    assert not (tmp_path / "repo").exists()
