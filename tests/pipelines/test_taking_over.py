"""Results that are taken over: of many steps at once, with the records that each would leave by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.graph import Step
from nbmlops.pipelines.plan import Plan
from nbmlops.pipelines.taking_over import TakingOver
from nbmlops.store import schema
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, states, write

PARTS = {"part": [1, 2, 3]}
COUNT = 'raw = pd.DataFrame({"n": range(part)})\nml.data.save(raw, "raw")\nml.log(rows=len(raw))'
TWICE = 'raw = ml.data.load("raw")\nml.data.save(raw.assign(y=raw.n * 2), "twice")'
ALL = 'twice = ml.data.load("twice")\nml.data.save(twice.tail(1), "last")\nml.log(all=len(twice))'
STEPS = {f"{stem}[part={part}]" for stem in ("1_count", "2_twice") for part in (1, 2, 3)} | {"join-twice", "3_all"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = make(tmp_path / "project")
    notebooks = workspace.marker.root / "notebooks"
    for old in notebooks.glob("*.ipynb"):
        old.unlink()
    write(notebooks / "1_count.ipynb", "part: int = 1", COUNT)
    write(notebooks / "2_twice.ipynb", "part: int = 1", TWICE)
    write(notebooks / "3_all.ipynb", "", ALL)
    return workspace


def left(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """What a pipeline run left in the catalog, without when and under which id."""

    def rows(table: str, column: str) -> list[dict[str, Any]]:
        found = schema.metadata.tables[table]
        return [
            {key: value for key, value in row._mapping.items() if key not in own}
            for row in workspace.catalog.read(
                lambda c: c.execute(select(found).filter_by(**{column: run_id}).order_by(*found.primary_key)).all()
            )
        ]

    own = {"logical_time", "lease_until", "started_at", "ended_at"}
    ledger = rows("ledger", "logical_time")
    own |= {"run_id"}
    return {"ledger": ledger, "tags": rows("tag", "run_id"), "outputs": rows("run_output", "run_id")}


def test_steps_that_are_settled_together_leave_what_they_leave_one_by_one(workspace: Workspace) -> None:
    done = workspace.pipeline.run("sums", for_=PARTS)
    assert states(done) == dict.fromkeys(STEPS, "completed")
    plan = workspace.pipeline._planner.plan("sums", {}, fan=PARTS)
    earlier = workspace.pipeline._steps.earlier

    def together(run_id: str) -> None:
        settled = earlier.settle(plan, plan.graph.steps, run_id, cache=True)
        assert (set(settled.results), settled.claimants) == (STEPS, {})
        assert {result.why for result in settled.results.values()} == {
            f"same code, parameters and inputs as {step.run}" for step in done.steps
        }

    def one_by_one(run_id: str) -> None:
        for step in plan.graph.steps:
            earlier.settle(plan, [step], run_id, cache=True)

    found = []
    for way in (together, one_by_one):
        run = workspace.run.start("sums", kind="pipeline")
        way(run.id)
        found.append(left(workspace, run.id))
        run.finish()
    assert found[0] == found[1]
    assert {row["step"]: row["state"] for row in found[0]["ledger"]} == dict.fromkeys(STEPS, "committed")
    assert {row["token"] for row in found[0]["ledger"]} == {1}
    assert len(found[0]["tags"]) == len(STEPS)
    assert len(found[0]["outputs"]) == len(STEPS)


def test_a_run_settles_each_wave_of_its_steps_in_one_go(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = workspace.pipeline.run("sums", for_=PARTS)
    waves: list[set[str]] = []
    settle: Callable[..., Any] = TakingOver.settle

    def noted(self: TakingOver, plan: Plan, steps: Sequence[Step], *more: Any) -> Any:
        waves.append({step.name for step in steps})
        return settle(self, plan, steps, *more)

    monkeypatch.setattr(TakingOver, "settle", noted)
    told: list[StepProgress] = []
    again = workspace.pipeline.run("sums", for_=PARTS, progress=told.append)
    assert states(again) == dict.fromkeys(STEPS, "skipped")
    assert waves == [
        {f"1_count[part={part}]" for part in (1, 2, 3)},
        {f"2_twice[part={part}]" for part in (1, 2, 3)},
        {"join-twice"},
        {"3_all"},
    ]
    assert {sign.step: sign.state for sign in told} == dict.fromkeys(STEPS, "skipped")
    assert [step.outputs for step in again.steps] == [step.outputs for step in first.steps]
    assert again.run.metrics == first.run.metrics


def test_what_is_left_of_a_wave_runs_and_what_failed_before_is_taken_over_with_a_new_token(
    workspace: Workspace,
) -> None:
    when = {"logical_time": "2013-04-01"}
    notebook = workspace.marker.root / "notebooks" / "2_twice.ipynb"
    write(notebook, "part: int = 1", "assert part != 2", TWICE)
    with pytest.raises(Exception, match=r"2_twice\[part=2\]"):
        workspace.pipeline.run("sums", for_=PARTS, **when)
    write(notebook, "part: int = 1", "assert part", TWICE)
    workspace.pipeline.run("sums", for_=PARTS)
    done = workspace.pipeline.run("sums", for_=PARTS, **when)
    assert states(done) == dict.fromkeys(STEPS, "skipped")
    rows = left(workspace, done.run.tags["logical_time"])["ledger"]
    tokens = {row["step"]: row["token"] for row in rows if row["state"] == "committed"}
    assert tokens["2_twice[part=2]"] == 2
    assert {tokens[f"1_count[part={part}]"] for part in (1, 2, 3)} == {1}
