"""Records to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nbmlops.checks.changes import LineChange, SuiteChanges
from nbmlops.checks.evidence import (
    BarsEvidence,
    CurvesEvidence,
    Evidence,
    NoteEvidence,
    RowsEvidence,
    TableEvidence,
)
from nbmlops.checks.records import Outcome, Report
from nbmlops.checks.report_diff import compare
from nbmlops.checks.standing import Entry
from nbmlops.checks.suite import Suite
from nbmlops.data.diff_records import (
    ArrayChange,
    CellChange,
    ColumnChange,
    DataDiff,
    FileChange,
    RowCounts,
    SchemaChange,
    Shape,
)
from nbmlops.data.erasure_records import Descendant, Erased, Erasure, RemotePurge
from nbmlops.data.records import Column, DataVersion
from nbmlops.demo.story import DemoResult
from nbmlops.demo.telling import Made
from nbmlops.models.records import ModelSignature, ModelVersion, Output, Promotion, SignatureField
from nbmlops.pipelines.badge import Badge, Ground, State
from nbmlops.pipelines.ci.workflow import Workflow
from nbmlops.pipelines.explaining import Explanation, StepExplanation
from nbmlops.pipelines.export.records import Export
from nbmlops.pipelines.graph import Step
from nbmlops.pipelines.inference import infer
from nbmlops.pipelines.linting.finding import Finding
from nbmlops.pipelines.linting.fixing import FixedNotebook, Fixes
from nbmlops.pipelines.packaging.records import Package
from nbmlops.pipelines.records import Pipeline, PipelineRun, PipelineVersion, StepResult
from nbmlops.pipelines.reproduction import Reproduction
from nbmlops.pipelines.schedules.records import Backfill, BackfillTime, Fire, Remark, Schedule, Upcoming, Vigil
from nbmlops.pipelines.step_settings import Retries, StepSettings
from nbmlops.profiling.moments import Comoments, Moments
from nbmlops.profiling.records import ColumnProfile, Profile
from nbmlops.serving.endpoint.records import Endpoint
from nbmlops.store.access.records import Glass, Grant, Standing
from nbmlops.store.asks import Approval, Ask, Grounds
from nbmlops.store.audit import Event
from nbmlops.store.audit_chain import Break
from nbmlops.store.audit_export import TrailExport
from nbmlops.store.audit_verdict import Trail
from nbmlops.store.certificates import Certificate
from nbmlops.store.graph import Arrow, LineageGraph, Node
from nbmlops.store.holds import Hold
from nbmlops.store.records import (
    Backup,
    CatalogExport,
    Collected,
    Damage,
    Freed,
    Kept,
    Pull,
    Push,
    Repair,
    Share,
    Stats,
    Taken,
    Verification,
)
from nbmlops.store.retaining import Retained, Retiree
from nbmlops.store.trust import Signature
from nbmlops.tracking.autologging import Autolog
from nbmlops.tracking.comparison import CodeChange, Comparison, Difference
from nbmlops.tracking.interchange.records import Exported, Imported
from nbmlops.tracking.records import Cell, HiddenState, Resources, Run
from nbmlops.workspace.doctor import Diagnosis, Observation
from nbmlops.workspace.project.records import Project
from nbmlops.workspace.remotes import RemoteName
from nbmlops.workspace.status import Running, Status
from tests.render.feature_samples import features
from tests.render.model_samples import a_bundle, a_card, model_diffs
from tests.render.monitoring_samples import monitors
from tests.render.score_samples import scores
from tests.render.search_samples import searches
from tests.render.serving_samples import deployments

__all__ = ["every_record", "report", "run", "table_version"]

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DIGEST = "7f3a9c12" * 8


def table_version(text: str = "flights", **fields: Any) -> DataVersion:
    given: dict[str, Any] = {
        "id": 4,
        "name": text,
        "number": 4,
        "digest": DIGEST,
        "format": "table",
        "rows": 80_789,
        "columns": (Column(text, "int64", nullable=False), Column("carrier", text)),
        "shape": None,
        "dtype": None,
        "size": 6_100_000,
        "new_bytes": 300_000,
        "message": text,
        "author": text,
        "created_at": NOW,
        "run_id": None,
        "notebook": f"notebooks/{text}.ipynb",
        "cell_id": "0123456789",
        "aliases": (text,),
        "tags": {text: text},
        "deleted_at": None,
        "ref": f"{text}@v4",
    }
    return DataVersion(**{**given, **fields})


def run(text: str = "gbm", **fields: Any) -> Run:
    given: dict[str, Any] = {
        "id": "ab" * 16,
        "experiment": text,
        "number": 12,
        "kind": "run",
        "status": "finished",
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=4.13),
        "error": None,
        "parent_id": None,
        "notebook": f"{text}.ipynb",
        "git": {"commit": "4f2c1a09" * 5, "branch": text, "dirty": True},
        "params": {text: text},
        "metrics": {text: 0.70123},
        "tags": {text: text},
        "artifacts": {text: DIGEST},
        "inputs": ("flights@v4",),
        "outputs": (),
        "cells": (Cell(3, None, DIGEST, text, 3, NOW, 0.25, "completed", resources=Resources(0.25, 0.2, 1, 2, 0.1)),),
        "resources": Resources(4.13, 3.2, 312_000_000, 4_096, 0.01),
        "diff": f"+{text}\n" * 50,
        "source": '{"cells": [], "metadata": {}}',
        "hidden_state": (HiddenState("changed", text, text, 3, 1, text, 2),),
        "environment": {"python": text, "distributions": {text: text}},
    }
    return Run(**{**given, **fields})


def evidence(text: str) -> tuple[Evidence, ...]:
    """Evidence of each kind."""
    return (
        RowsEvidence.of({812: [text, 0.5], 4_410: [None, float("nan")]}, [text, text], 20, source=text),
        TableEvidence.of([text, text], [[text, True]], text),
        BarsEvidence.of(text, [3, 0, 1], [0.5, 2, 2], words=text, bins=[text, text, text]),
        CurvesEvidence.of(text, {text: [(0, 1.0), (1, float("inf")), (2, 3.0)]}),
        NoteEvidence.of(f"{text}\n{text}"),
    )


def report(text: str = "flights", **fields: Any) -> Report:
    outcomes = (
        Outcome("between", text, "passed", "0.2% outside", "nothing outside"),
        Outcome("matches", text, "warned", text, "99%", detail=text, rows=(812, 4_410), evidence=evidence(text)),
        Outcome(text, None, "failed", text, text, detail=text),
    )
    given: dict[str, Any] = {
        "id": 31,
        "suite": text,
        "section": "data",
        "subject": f"{text}@v4",
        "outcomes": outcomes,
        "created_at": NOW,
    }
    return Report(**{**given, **fields})


def diffs(text: str) -> tuple[DataDiff, ...]:
    """What may differ between two versions of each kind."""
    between = (f"{text}@v1", f"{text}@v2")
    shape = Shape(3, 1, 2, top=((text, 2),))
    return (
        DataDiff(
            *between, "table", same=False, by="key", key=(text,), rows=RowCounts(4, 4, 1, 1, 2, 1),
            schema=(SchemaChange(text, "retyped", text, text),), columns=(ColumnChange(text, 2, shape, shape),),
            cells=(CellChange((text,), text, text, text),), added=({text: text},), removed=({text: text},),
        ),
        DataDiff(*between, "folder", same=False, files=(FileChange(text, "modified", 3, 4),)),
        DataDiff(*between, "file", same=False, files=(FileChange(text, "modified", 3, 4),), lines=(f"+{text}",)),
        DataDiff(*between, "array", same=False, array=ArrayChange((3,), (4,), text, text, None)),
    )  # fmt: skip


def comparison(text: str) -> Comparison:
    runs = tuple(run(text, number=number) for number in (1, 2, 3))
    return Comparison(
        runs,
        params=(Difference(text, (text, 4, None)),),
        metrics=(Difference(text, (0.5, float("nan"), None)),),
        tags=(Difference(text, (text, None, None)),),
        inputs=(Difference(text, (text, text, None)),),
        environment=(Difference(text, (text, None, text)),),
        cells=tuple(CodeChange(what, text, text, 0, (text, f"-{text}")) for what in ("added", "changed", "removed")),
        curves={text: (((0, 1.0), (1, float("inf")), (2, 2.0)), ((0, 1.0),), ())},
    )


def reproduction(text: str) -> Reproduction:
    outcomes = report(text).outcomes
    part = Reproduction(text, "cannot", (Outcome(text, None, "errored", text, text, text),), (), NOW, 0.1, DIGEST)
    told: Any = {"proof": text, "changed": (text,), "parts": (part,), "output_notebook": text}
    return Reproduction(text, "differs", outcomes, outcomes, NOW, 4.1, DIGEST, **told)


def access(text: str) -> tuple[Any, ...]:
    glass = Glass(text, text, NOW, NOW + timedelta(hours=1))
    said = ({text: ("admin",), "x": ()}, "viewer", (text,), {"viewer": (text,)}, (glass,))
    return (
        Standing(None, None, None, None, "none", text, ()),
        Standing(3, DIGEST, text, NOW, "edited", text, ("admin",), *said),
        glass,
        Grant(text, "viewer"),
    )


def a_profile(text: str) -> Profile:
    columns = (
        ColumnProfile(
            text, "text", text, 9, 1, moments=Moments(8, 3.0, 1.0, 2.0, 4.0), counts=((text, 8),), patterns=((text, 8),)
        ),
        ColumnProfile(
            "delay", "number", "double", 9, nan=1, moments=Moments(8, 2.0, 4.0, 1.0, 4.0), counts=((1.0, 5), (4.0, 3))
        ),
    )
    return Profile(9, columns, Comoments(("delay",), ((8.0,),), ((2.0,),), ((4.0,),), ((4.0,),), (text,)), text, DIGEST)


def schedules(text: str) -> list[Any]:
    fire = Fire(text, text, NOW, "failed", NOW, NOW + timedelta(seconds=4), text, text)
    known: dict[str, Any] = {
        **dict.fromkeys(("name", "action", "target", "trigger", "zone", "author"), text),
        "parameters": {text: text},
        "catchup": "latest",
        "overlap": "queue",
        "patience": 900.0,
        "created_at": NOW,
        "paused_at": NOW,
        "deleted_at": None,
        "next_at": NOW,
        "late": 75.0,
        "last": fire,
        "running": 1,
    }
    times = (BackfillTime(text, "failed", text, text), BackfillTime(text, "left", None, text))
    return [
        fire,
        Schedule(**known),
        Upcoming(text, NOW, text, text),
        Remark(NOW, text),
        Vigil({"completed": 3, "failed": 1}, 75.0),
        times[0],
        Backfill(text, text, times, is_dry=False),
    ]


def standing(text: str) -> list[Any]:
    states: tuple[State, ...] = ("for", "against", "unknown")
    badge = Badge(f"{text}.ipynb", tuple(Ground(text, state, text, text) for state in states))
    git = {"commit": DIGEST, "branch": text}
    failing, running = (Entry(31, text, "data", text, "failed", NOW),) * 7, (Running(text, NOW),) * 7
    told: dict[str, Any] = {"failing": failing, "running": running, "badge": badge, "trusted": False}
    return [Status(text, text, git, text, 1, 2, 3, (text,), **told), badge, Badge(f"{text}.ipynb", (), text)]


def erasures(text: str) -> list[Erasure]:
    versions = (Erased(text, DIGEST, DIGEST, 2, 3), Erased(text, DIGEST, None, 0, 0, deleted=True))
    descendants = (Descendant("model", text, "unknown"), Descendant("data", text, "holds", 3))
    remotes = (RemotePurge(text, done=False, why=text, unknown=(text,)), RemotePurge(text, done=True, freed=4))
    more: Any = {"records": {text: 2}, "listed": (text,), "left_out": (text,), "remotes": remotes, "at": NOW}
    return [Erasure(text, state, (text,), versions, (text,), descendants, **more) for state in ("pending", "done")]


def an_ask(text: str) -> Ask:
    grounds = Grounds(None, 3, DIGEST, 2)
    approvals = (Approval(text, NOW, text, text),)
    return Ask(7, "pipeline", text, text, f"{text}@v2", DIGEST, 2, grounds, text, text, NOW, text, approvals)


def every_record(text: str) -> list[Any]:
    """One record of each type that has a look, with `text` wherever a person could have written it."""
    signature = ModelSignature(
        "table",
        (SignatureField(text, "double"),),
        (Output("predict", "int64", (None,)), Output(text, "float64", (None, 2))),
    )
    model = ModelVersion(
        id=5, name=text, number=5, digest=DIGEST, format="skops", estimator=f"sklearn.{text}", signature=signature,
        signer="3df59871a018c743", libraries={text: text}, size=5_400, new_bytes=5_400, message=text, author=text,
        created_at=NOW, run_id=None, notebook=text, cell_id=None, inputs=(f"{text}@v1",), aliases=(text,),
        deleted_at=None, ref=f"{text}@v5", tags={text: text}, description={"limits": text},
    )  # fmt: skip
    frozen = PipelineVersion(
        1, text, 1, DIGEST, (text,), {text: text}, 5_000, text, text, NOW, None, (text,), None, f"{text}@v1",
        (4, "passed"), (f"report 3: {text} passed",), (an_ask(text).where,),
    )  # fmt: skip
    steps = (
        StepResult(text, "completed", "", 4.1, text, (text,), {text: 0.5}, (text,), text),
        StepResult(text, "failed", text, 1.0),
    )
    cells = [{"cell_type": "code", "source": "%ml data save flights", "metadata": {}}]
    graph = infer([Step.of({"cells": cells}, f"{text.replace('/', '_')}.ipynb")])
    finding = Finding(text, text, 3, 1, text, text, text, "error")
    return [
        table_version(text),
        table_version(text, deleted_at=NOW, format="file", rows=None, columns=()),
        *diffs(text),
        a_profile(text),
        *erasures(text),
        run(text),
        run(text, status="failed", error={"name": text, "value": text}),
        comparison(text),
        Exported(text, (text,), 3, 1, 4_000, (text,), 1, (text,)),
        Imported(text, (text,), 3, 1, 1, ((text, text),), 2, (text,)),
        report(text),
        compare(report(text), report(text, outcomes=report("other").outcomes)),
        SuiteChanges(
            text, Suite(text), Suite(text), (LineChange(text, text, "", text), LineChange(text, "", text, text))
        ),
        Suite.parse("dep_delay: number, nulls < 5%", text),
        model,
        a_bundle(text),
        a_card(text, model, run(text), report(text), an_ask(text)),
        *model_diffs(text, diffs(text)[0]),
        Promotion("model", text, text, f"{text}@v1", f"{text}@v2", report(text), moved=True),
        Promotion("model", text, text, None, f"{text}@v2", None, moved=False),
        Promotion("model", text, text, f"{text}@v1", f"{text}@v2", report(text), moved=False, waits=an_ask(text)),
        an_ask(text),
        Pipeline(text, (text,), f"{text}@v1", {text: f"{text}@v1"}, text, "finished"),
        frozen,
        PipelineRun(run(text, kind="pipeline"), steps),
        graph,
        LineageGraph(text, "a", (Node("a", "data", text, text), Node("b", "run", text, text, 1)), (Arrow("a", "b"),)),
        reproduction(text),
        StepSettings(Retries(3), when=text, after=(text,)),
        Explanation(text, (StepExplanation(text, "run", (text, text)), StepExplanation(text, "depends", (text,)))),
        Export(text, text, text, {text: text}, None, (text,)),
        Export(text, text, text, {text: text}, text, (text,)),
        Package(text, text, DIGEST, 4_000, (text,), (text,), (text,), (text,), with_data=False),
        Package(text, text, DIGEST, 4_000, (text,), (), (), (text,), with_data=True),
        *schedules(text),
        *deployments(text),
        *searches(text),
        *features(text),
        *monitors(text),
        *scores(text),
        Project(text, text, text, text, "binary", 3, 2, {text: text}, (text,), (text, "pyproject.toml"), text),
        Project(text, text, text, text, "binary", 3, 2, dict.fromkeys("abcdefghij", text), (text,), (), text, False),
        Endpoint(text, text, 7, 2, text, text),
        Endpoint(text, text, 7, 2, None, None, stopped=True),
        Workflow(text, text, text, (text,)),
        finding,
        Fixes(text, (FixedNotebook(text, text, (), (finding,)),), (text,), written=False),
        Verification(3, 10, 1_000_000, full=True, damages=(Damage(DIGEST, DIGEST, text, text),)),
        Repair((DIGEST,), (DIGEST,)),
        Backup(text, "0005", 3, 4_000),
        CatalogExport(text, "openlineage", text, 3, 2, 9, (text,) * 7, NOW, 4_000),
        CatalogExport(text, "openlineage", text, 0, 0, 0, (), NOW, 0),
        Event(7, NOW, text, text, text, {text: text}, DIGEST, DIGEST),
        Trail(9, DIGEST, Break(7, "swapped", text), 8, (3,)),
        Certificate(
            *(text, text, (text,), text, NOW, "pending", ((text, DIGEST, DIGEST, 3, 4),), {text: 3}, (text,), (text,)),
            *(7, DIGEST, NOW, text, Signature(text, text)),
        ),
        Hold(3, "data", text, text, NOW, text, NOW, text, text),
        Retained(False, 2, (Retiree(text, "data", NOW, (text,)),), (Retiree(text, "model", NOW, (text,), text),)),
        TrailExport(text, text, 3, 1, 9, 4_000),
        *access(text),
        Collected(True, 0.0, (Freed(text, text, 1, 2),), (Kept(text, text, text),), 2, 3, 4, 1, 1),
        Stats((Share("data", text, 3, 1, 1, 900, 200, 40),), 2, 5, 9, 300, 240, 40, 5, None, 0.0, (text,), 1),
        Push("origin", ("flights@v1",), 1, 1, 2, 3_000, 4_000),
        Pull("origin", (Taken("flights@v5", "flights@v7", DIGEST, "new"),), 1, (("gbm-1", "gbm-2"),), 1, 2, 3_000, 0),
        RemoteName(text, text),
        Autolog(on=True, library=text, plots=True, models=False),
        *standing(text),
        Diagnosis((Observation(text, "bad", text, text),)),
        DemoResult(text, (Made(text, text, text, 1.5, text),), 61.0),
    ]  # fmt: skip
