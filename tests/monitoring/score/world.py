"""A model with every piece of evidence that a score asks for, three versions of it, and ways to take each away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sqlalchemy import BigInteger, delete, func, insert, select, type_coerce, update

from nbmlops import Workspace
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.clock import microseconds
from nbmlops.models.records import ModelVersion
from nbmlops.monitoring import queries as monitor_queries
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from nbmlops.store import asks, audit, lineage, schema
from nbmlops.store.aliases import Aliases
from nbmlops.store.asks import Grounds
from nbmlops.workspace import layout
from tests.monitoring.restoring import restored

if TYPE_CHECKING:
    import pytest

SETTINGS = """\
[tool.nbmlops.approvals.model]
delay = { production = 1 }
"""
KINDS = ("dependencies", "invariants", "skew", "staleness", "stability", "performance", "quality")
FEATURES = ("x", "y", "z")
NOTEBOOKS = {"1_features": "/p/notebooks/1_features.ipynb", "2_train": "/p/notebooks/2_train.ipynb"}
COMMIT = {"commit": "1f" * 20, "branch": "main", "dirty": False}
_LONG = 100 * 86_400 * 1_000_000
"""A hundred days, in microseconds as instants are kept."""

Take = Callable[[Any], object]
"""Changes the catalog in a transaction."""


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def _earlier(column: Any) -> Any:
    return type_coerce(column, BigInteger) - _LONG


@dataclass
class Piece:
    """What a test of the score rests on: reports by their numbers, Events by theirs, oldest first; or other rows."""

    reports: list[int] = field(default_factory=list)
    events: list[list[int]] = field(default_factory=list)
    removed: Take | None = None
    aged: Take | None = None
    once: Take | None = None

    def remove(self, connection: Any, *, but_newest: bool = False) -> None:
        """Take it away; or all of it but what came last."""
        if but_newest and self.once is not None:
            self.once(connection)
            return
        kept = -1 if but_newest else None
        for number in self.reports[:kept]:
            connection.execute(delete(schema.edge).filter_by(subject=f"report:{number}"))
            connection.execute(delete(schema.report).filter_by(id=number))
        for number in [one for several in self.events[:kept] for one in several]:
            connection.execute(delete(schema.event).filter_by(sequence=number))
        if self.removed is not None and not but_newest:
            self.removed(connection)

    def age(self, connection: Any) -> None:
        """Let it be of a hundred days before."""
        table = schema.report
        old = update(table).where(table.c.id.in_(self.reports))
        connection.execute(old.values(created_at=_earlier(table.c.created_at)))
        event = schema.event
        numbers = [one for several in self.events for one in several]
        connection.execute(update(event).where(event.c.sequence.in_(numbers)).values(at=_earlier(event.c.at)))
        if self.aged is not None:
            self.aged(connection)


class World:
    """Makes it."""

    def __init__(self, root: Path) -> None:
        (root / "pyproject.toml").write_text(SETTINGS)
        Workspace.init(root).close()
        marker = layout.locate(root)
        self.root = root
        self.clock = Clock()
        self.workspace = Workspace(marker, layout.settings_of(marker.root), self.clock)
        self.pieces: dict[str, Piece] = {}
        self.trained: list[str] = []
        self.featured: list[str] = []
        self.random = np.random.default_rng(3)

    # What tests ask for.

    @contextmanager
    def changed(self, take: Take) -> Iterator[Workspace]:
        """The workspace with its catalog changed, as long as the body of the ``with`` lasts."""
        with restored(self.root):
            try:
                self.workspace.catalog.transact(take)
                yield self.workspace
            finally:
                (self.root / "pyproject.toml").write_text(SETTINGS)

    # How it is made.

    def tick(self, minutes: int = 1) -> datetime:
        self.clock.at += timedelta(minutes=minutes)
        return self.clock.at

    def write(self, work: Take) -> None:
        self.workspace.catalog.transact(work)

    def run(self, name: str, kind: Any, parent: str | None = None, **columns: Any) -> str:
        self.tick()
        run = self.workspace.run.start(name, kind=kind, parent_id=parent, notebook=NOTEBOOKS.get(name))
        self.workspace.run.end(run.id, "finished")
        columns = {"git": COMMIT, "source": f"{name:0<64}"} | columns
        self.write(lambda c: c.execute(update(schema.run).filter_by(id=run.id).values(**columns)))
        return run.id

    def train(self, columns: Sequence[str]) -> tuple[ModelVersion, str, str, int]:
        """A version by a run of the pipeline: it, the two steps' runs, and the id of its data."""
        pipeline = self.run("delays", "pipeline")
        features, training = (self.run(name, "step", pipeline) for name in NOTEBOOKS)
        table = pd.DataFrame({name: self.random.random(60) for name in columns})
        with lineage.activate(lineage.Active(run_id=features)):
            data = self.workspace.data.save(table, "seen")
        self.tick()
        with lineage.activate(lineage.Active(run_id=training)):
            rows = self.workspace.data.load(data.ref)
            model = self.workspace.model.save(LogisticRegression().fit(rows, rows["x"] > 0.5), "delay", example=rows)
        self.trained.append(training)
        self.featured.append(features)
        return model, features, training, data.id

    def keep(
        self, test: str, suite: str, section: Any, subject: str, judged: Sequence[str], run: str | None, *checks: Any
    ) -> int:
        """A report as evidence for a test; checks are outcomes, or names of such."""
        outcomes = tuple(
            one if isinstance(one, Outcome) else Outcome(one, None, "passed", "fine", "") for one in checks
        )
        report = Report(None, suite, section, subject, outcomes, self.tick(), run, tuple(judged))
        number = self.workspace.check.save(report).id
        assert number is not None
        self.pieces.setdefault(test, Piece()).reports.append(number)
        return number

    def event(self, test: str, action: str, subject: str, detail: dict[str, Any]) -> None:
        self.tick()
        self.write(lambda c: audit.append(c, self.clock, action, subject, detail))
        self.pieces.setdefault(test, Piece()).events.append([self.workspace.audit.events(1)[0].sequence])

    def judge(self, model: ModelVersion, features: str, training: str, data: int) -> None:
        """What steps and verbs say of a version and its data."""
        thing, on, table = [f"model:{model.id}"], "model on holdout@v1", [f"data:{data}"]
        self.keep("Data 1", "seen", "data", "seen", table, features, "type")
        self.keep("Data 2", "importance", "data", model.ref, thing, training, "features that add something")
        self.keep(
            "Data 3", "importance", "data", model.ref, thing, training, Outcome("cost", "x", "passed", "2 ms", "")
        )
        self.keep(
            "Data 4", "policy", "data", model.ref, thing, training, Outcome("columns", None, "passed", "none", "")
        )
        self.keep("Data 5", "policy", "data", "seen", table, features, "personal data")
        self.keep("Data 7", "feature tests", "data", "1_features.ipynb", (), features, "test_x")
        figure = Outcome("accuracy", None, "passed", "good", "", number=0.8 + 0.02 * len(self.trained))
        self.keep("Model 2", on, "model", model.ref, thing, training, figure)
        self.keep("Model 4", on, "model", model.ref, thing, training, "lost by age")
        self.keep("Model 5", on, "model", model.ref, thing, training, "accuracy against a linear model")
        self.keep("Model 6", on, "model", model.ref, thing, training, "slices")
        self.keep("Model 7", on, "model", model.ref, thing, training, "demographic parity difference")
        self.keep("Infrastructure 2", on, "model", model.ref, thing, training, "learning ten rows")
        same = Outcome("model delay is reproduced", None, "passed", model.digest[:8], "")
        self.keep("Infrastructure 1", "promote delays", "infrastructure", "delays (2 against 1)", (), None, same)
        rehearsed = "rehearsal on 1,000 rows", "infrastructure", "delays", (), training, "step 2_train"
        self.keep("Infrastructure 3", *rehearsed)
        drilled = "rollback", "answers after the rollback"
        self.keep("Infrastructure 7", "rollback drill", "infrastructure", model.ref, thing, training, *drilled)
        replayed = {"request": "r1", "steps": 2, "same": True, "run": training}
        self.event("Infrastructure 5", "deployment.replay", model.ref, replayed)
        for _ in range(5):
            trial = self.workspace.run.start("2_train", parent_id=training, tags={"autolog.part": "candidate"})
            self.workspace.run.end(trial.id, "finished")

    def serve(self, model: ModelVersion, training: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Try a version on a part of the callers, approve it, and move the alias."""
        versions = self.workspace.versions("model")
        version, aliases = versions.get(model.id), Aliases(versions, self.clock)
        before = aliases.at("delay", "production")
        expected = before.id if before else None
        self.event("Infrastructure 6", "deployment.ramp", "delay", {"split": [[f"v{model.number}", 10.0]]})
        self.answered(model)
        gate = "production", "model", model.ref, [f"model:{model.id}"], None, "roc_auc"
        number = self.keep("Infrastructure 4", f"promote {gate[0]}", *gate[1:])
        grounds = Grounds(expected, number, "0" * 64, 1)
        monkeypatch.setenv("NBMLOPS_USER", "ann")
        self.write(lambda c: asks.add(c, self.clock, "production", version, grounds))
        asked = self.workspace.audit.events(1)[0].sequence
        monkeypatch.setenv("NBMLOPS_USER", "bo")
        self.tick()

        def approve(connection: Any) -> None:
            (ask,) = asks.waiting(connection, "model", "delay")
            asks.answer(connection, self.clock, ask, "approve", None, moves=True)
            aliases.move(connection, "production", version, expected=expected, report_id=number)

        self.write(approve)
        moved = self.workspace.audit.events(1)[0].sequence
        self.pieces.setdefault("Model 1", Piece()).events.append([asked, moved - 1])
        self.tick(60)

    def answered(self, model: ModelVersion) -> None:
        """A request that a version answered."""
        at = microseconds(self.tick())
        inputs = {name: [0.5] for name in FEATURES[: model.number or 0]}
        said = CapturedRequest("r1", at, model.number or 0, inputs=inputs, outputs={"predict": [1]}, latency_ms=1.0)
        with CaptureLog(self.workspace.deployment.captured.root, Deployment("delay"), f"w{model.number}") as log:
            log.add([said])
        self.tick()

    def watch(self, model: ModelVersion, kinds: Sequence[str]) -> None:
        """A fire of the schedule of monitors, and the reports that they made in it."""
        begun = self.tick()
        for place, kind in enumerate(KINDS, start=1):
            if kind in kinds:
                figure = Outcome("accuracy", None, "passed", "good", "", number=0.7 + 0.02 * (model.number or 0))
                made = f"monitor:{kind}", "production", "delay", [f"model:{model.id}"], None
                self.keep(f"Monitoring {place}", *made, figure)  # type: ignore[arg-type]
        fire = {"schedule": "monitors", "logical_time": begun.isoformat(), "due_at": begun, "started_at": begun}
        ended = {"ended_at": self.tick(), "state": "completed", "token": 1, "tries": 1, "told_late": 0}
        self.write(lambda c: c.execute(insert(schema.fire).values(**fire, **ended)))

    def schedule(self) -> None:
        """Monitors of all kinds, and a schedule that runs them."""
        now = self.clock.now()
        row: dict[str, Any] = {"action": "monitor", "target": "all", "parameters": {}, "trigger": {"every": 3600}}
        row |= {"catchup": "latest", "overlap": "forbid", "patience": 60, "reached": now, "author": "ann"}
        self.write(lambda c: c.execute(insert(schema.schedule).values(name="monitors", created_at=now, **row)))
        said = {"deployment": "delay", "window": 86_400, "severity": "fail", "owner": "ann", "author": "ann"}
        for kind in KINDS:
            self.write(lambda c, kind=kind: monitor_queries.put(c, kind, {**said, "kind": kind, "created_at": now}))

    def whole(self, monkeypatch: pytest.MonkeyPatch) -> World:
        """Three versions with all evidence; the third is served."""
        self.schedule()
        for number in range(1, 4):
            model, features, training, data = self.train(FEATURES[:number])
            self.judge(model, features, training, data)
            self.serve(model, training, monkeypatch)
            self.watch(model, KINDS)
        self.watch(model, KINDS)
        self.tick(30)
        self._other_rows()
        return self

    def _other_rows(self) -> None:
        """What tests rest on besides: shared reports, and rows that are neither a report nor an Event."""
        move, run, tag, fire = schema.alias_move, schema.run, schema.tag, schema.fire
        trials, proofs = delete(tag).filter_by(key="autolog.part"), Piece(self.pieces["Infrastructure 1"].reports)
        below = select(run.c.id).where(run.c.parent_id == self.trained[-1])
        ran = update(run).where(run.c.id.in_(self.trained)).values(started_at=_earlier(run.c.started_at))
        self.pieces["Data 6"] = Piece(
            removed=_forget_columns,
            aged=lambda c: c.execute(update(move).values(at=_earlier(move.c.at))),
            once=lambda c: c.execute(delete(move).where(move.c.id != select(func.max(move.c.id)).scalar_subquery())),
        )
        self.pieces["Model 1"].once = lambda _: (self.root / "pyproject.toml").write_text("")
        # How old it is tells the newest figure by labels.
        self.pieces["Model 2"].aged = Piece(self.pieces["Monitoring 7"].reports).age
        self.pieces["Model 2"].once = lambda c: c.execute(delete(fire))
        self.pieces["Model 3"] = Piece(
            removed=lambda c: c.execute(trials),
            aged=lambda c: c.execute(ran),
            once=lambda c: c.execute(trials.where(tag.c.run_id.not_in(below))),
        )
        rehearsals = self.pieces["Infrastructure 3"]
        rehearsals.removed, rehearsals.aged = proofs.remove, proofs.age
        earlier = Piece([*proofs.reports, *rehearsals.reports[:-1]])
        rehearsals.once = earlier.remove

    def other(self) -> ModelVersion:
        """Another version, made by no pipeline and of no saved data, that is served in the place of the third."""
        rows = pd.DataFrame({"w": self.random.random(60)})
        model = self.workspace.model.save(LogisticRegression().fit(rows, rows["w"] > 0.5), "delay", example=rows)
        versions = self.workspace.versions("model")
        aliases, to = Aliases(versions, self.clock), versions.get(model.id)
        at = aliases.at("delay", "production")
        self.write(lambda c: aliases.move(c, "production", to, expected=at.id if at else None))
        return model


def _forget_columns(connection: Any) -> None:
    """Let saved tables have no columns that anybody knows."""
    version = schema.version
    for row in connection.execute(select(version.c.id, version.c.detail)).all():
        kept = {key: value for key, value in row.detail.items() if key != "columns"}
        connection.execute(update(version).filter_by(id=row.id).values(detail=kept))
