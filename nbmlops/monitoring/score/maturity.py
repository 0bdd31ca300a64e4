"""How mature the way to this model is: Microsoft's levels 0 to 4, Google's 0 to 2, each from the same evidence.

Sources. Microsoft: "MLOps maturity model", Azure Architecture Center. Google: "MLOps: Continuous delivery and
automation pipelines in machine learning", Google Cloud Architecture Center. Both describe organisations; what is asked
here is that part of each level which a store can show of one model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nbmlops.monitoring.score.awarding import filled
from nbmlops.monitoring.score.records import Level, Maturity, Requirement

if TYPE_CHECKING:
    from nbmlops.monitoring.score.facts import Facts, Kept
    from nbmlops.monitoring.score.records import ScoredTest

__all__ = ["maturity"]


def maturity(facts: Facts, tests: Mapping[str, ScoredTest]) -> tuple[Maturity, ...]:
    """Both ladders; `tests` are the 28 by their ids."""
    ask = _Asking(facts, tests)
    microsoft = (
        Level(0, "no MLOps"),
        Level(1, "DevOps, no MLOps", (ask.committed(), ask.tested())),
        Level(2, "automated training", (ask.by_pipeline(), ask.traced(), ask.earned("Infrastructure 1"))),
        Level(
            *(3, "automated deployment"),
            (ask.earned("Infrastructure 4"), ask.earned("Infrastructure 6"), ask.integrated()),
        ),
        Level(4, "automated retraining", (ask.watched(), ask.earned("Monitoring 7"), ask.started_by_event())),
    )
    google = (
        Level(0, "manual process"),
        Level(
            *(1, "pipeline automation and continuous training"),
            (ask.by_pipeline(), ask.started(), ask.earned("Data 1"), ask.earned("Infrastructure 4")),
        ),
        Level(
            *(2, "CI/CD of pipelines"),
            (ask.integrated(), ask.earned("Data 7"), ask.earned("Infrastructure 3"), ask.proved()),
        ),
    )
    return Maturity("Microsoft", microsoft), Maturity("Google", google)


class _Asking:
    """What levels ask for, each looked up in the facts."""

    def __init__(self, facts: Facts, tests: Mapping[str, ScoredTest]) -> None:
        self._facts = facts
        self._tests = tests

    def _asked(self, what: str, told: str, typed: str) -> Requirement:
        """A requirement that is met when something can be told of it."""
        return Requirement(what, bool(told), told or filled(typed, self._facts))

    def earned(self, name: str) -> Requirement:
        """That one of the tests has evidence."""
        test = self._tests[name]
        told = test.evidence[0].what if test.points else test.command
        return Requirement(f"{test.title} ({test.id})", test.points > 0, told)

    def committed(self) -> Requirement:
        git = next((run.git for run in self._facts.lineage_of(self._facts.version.run_id) if run.git), None) or {}
        commit = str(git.get("commit") or "")
        told = f"commit {commit[:10]}" if commit else ""
        return self._asked(
            "the code that trains is in version control", told, "`git init`, `git commit`, and train again"
        )

    def tested(self) -> Requirement:
        if self._tests["Data 7"].points:
            return self.earned("Data 7")
        told = _told(self._ci())
        return self._asked(
            "code is tested by itself", told, "tests in cells that begin with `%%ml check feature`, then `ml ci run`"
        )

    def by_pipeline(self) -> Requirement:
        run = self._facts.pipeline_run
        told = "" if run is None else f"{run.experiment}-{run.number}"
        return self._asked(
            "a pipeline trained it", told, "`ml pipeline run PIPELINE`, with the notebook that trains it"
        )

    def traced(self) -> Requirement:
        refs = ", ".join(ref for _, ref in self._facts.inputs[:3])
        return self._asked("its data is versioned", refs, "`ml data save TABLE NAME`, and load it where it is trained")

    def _ci(self) -> Kept | None:
        facts = self._facts
        return next((one for one in facts.reports if one.suite == "ci" and facts.steps_in(one)), None)

    def integrated(self) -> Requirement:
        return self._asked("a change of the pipeline is judged by itself", _told(self._ci()), "`ml ci run {pipeline}`")

    def proved(self) -> Requirement:
        suite = f"promote {self._facts.pipeline}"
        report = next((one for one in self._facts.reports if one.suite == suite), None)
        return self._asked(
            "a pipeline is proved before it is used", _told(report), "`ml pipeline promote {pipeline} --to production`"
        )

    def watched(self) -> Requirement:
        whole = [one.id for one in self._tests.values() if one.section == "monitoring" and one.points == 1]
        typed = "`ml schedule add all --action monitor --every 1h --name monitors`"
        return self._asked("monitors look by a schedule", ", ".join(whole), typed)

    def started(self) -> Requirement:
        """That a schedule, of times or of events, has trained a version."""
        return self._started("a schedule starts the training", ("cron", "every", "on"))

    def started_by_event(self) -> Requirement:
        """That something that happened has trained a version."""
        return self._started("what happens starts the training", ("on",))

    def _started(self, what: str, kinds: tuple[str, ...]) -> Requirement:
        ours = {self._run_name(version.run_id) for version in self._facts.models}
        told = [
            fire.run
            for fire in self._facts.trainings
            if fire.state == "completed" and fire.run in ours and any(kind in fire.trigger for kind in kinds)
        ]
        typed = "`ml schedule add {pipeline} --on monitor:{name}_quality`"
        return self._asked(what, told[0] if told else "", typed)

    def _run_name(self, run_id: str | None) -> str | None:
        """The name of the pipeline's run that a run is a part of."""
        last = None
        for run in self._facts.lineage_of(run_id):
            last = f"{run.experiment}-{run.number}"
        return last


def _told(report: Kept | None) -> str:
    return "" if report is None else f"report {report.number}, {report.created_at:%Y-%m-%d}: {report.status}"
