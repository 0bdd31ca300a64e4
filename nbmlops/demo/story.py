"""The demo's first act: run, promote, run again, learn from April, roll back, refuse, break a byte and mend it.

Every scene ends with a look at whether what it was to show is so; when it is not, the demo fails.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nbmlops.core.digests import short
from nbmlops.core.errors import CorruptError, RefusedError
from nbmlops.demo.loop import rehearsing, second_act
from nbmlops.demo.project import make_project
from nbmlops.demo.telling import Made, hold

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from nbmlops.checks.records import Report
    from nbmlops.demo.telling import Teller
    from nbmlops.pipelines.records import PipelineRun
    from nbmlops.workspace import Workspace

__all__ = ["DemoResult", "run_demo"]

_EVE = datetime(2013, 3, 31, 12, tzinfo=UTC)
_METRICS = ("roc_auc", "average_precision", "brier")


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo made and how long it took."""

    folder: str
    made: tuple[Made, ...]
    seconds: float

    @property
    def next(self) -> str:
        """The line that opens the notebooks."""
        return f"jupyter lab {self.folder}/notebooks/0_tour.ipynb"


def run_demo(folder: Path, teller: Teller, *, loop: bool = False) -> DemoResult:
    """Run the whole demo in a new folder.

    Parameters
    ----------
    folder : Path
        Where the project is made.
    teller : Teller
        Who shows it.
    loop : bool
        Whether to go on with the second act, in which the model is served and the loop closes; both acts have the time
        of the flights then, and begin on the last day of March 2013.

    Raises
    ------
    DemoFailedError
        When an act did not show what it was to show.
    """
    started = time.monotonic()
    if not loop:
        with make_project(folder) as workspace:
            made = list(_Story(workspace, folder, teller).acts())
        return DemoResult(str(folder), tuple(made), time.monotonic() - started)
    with (
        TemporaryDirectory(prefix="nbmlops-demo-") as place,
        rehearsing(Path(place) / "clock", _EVE) as clock,
        make_project(folder) as workspace,
    ):
        made = list(_Story(workspace, folder, teller).acts())
        teller.say(f"the first act took {time.monotonic() - started:.0f} s")
        made += second_act(workspace, folder, teller, clock)
    return DemoResult(str(folder), tuple(made), time.monotonic() - started)


class _Story:
    def __init__(self, workspace: Workspace, folder: Path, teller: Teller) -> None:
        self._workspace = workspace
        self._folder = folder
        self._teller = teller

    def acts(self) -> Iterator[Made]:
        winter = yield from self._winter()
        yield from self._promote(winter)
        yield from self._again()
        yield from self._april()
        yield from self._worse()
        yield from self._broken_byte()

    def _run(self, **params: int) -> tuple[PipelineRun, float]:
        started = time.monotonic()
        done = self._workspace.pipeline.run("delays", params, progress=self._teller.step)
        return done, time.monotonic() - started

    def _winter(self) -> Generator[Made, None, str]:
        self._teller.chapter("January to March: ingest, validate, features, train, evaluate")
        done, seconds = self._run()
        hold(len(done.ran) == 5, "all five steps run the first time")
        self._teller.say(f"{done.run.name}: {_scores(done)}")
        reports = self._workspace.check.list()
        hold(all(report.passed for report in reports), "the checks of the steps pass")
        asked = sum(len(report.outcomes) for report in reports)
        warned = sum(report.counts["warned"] for report in reports)
        self._teller.say(f"{len(reports)} reports: {asked} checks of data and model, {warned} warnings, none failed")
        yield Made("pipeline run", done.run.name, "", seconds, f"nbmlops run show {done.run.name}")
        yield Made("checks", f"{asked - warned} passed, {warned} warned", "", None, "nbmlops check list")
        for version in self._workspace.data.list():
            yield Made("data", version.ref, short(version.digest), None, f"nbmlops data show {version.ref}")
        model = self._workspace.model.show("delay")
        yield Made("model", model.ref, short(model.digest), None, f"nbmlops model show {model.ref}")
        copy = self._workspace.data.push(to=str(self._folder / "backup"))
        self._teller.say(f"pushed {copy.objects} objects, {copy.bytes_sent / 1e6:.1f} MB, to {self._folder / 'backup'}")
        return done.run.name

    def _promote(self, winter: str) -> Iterator[Made]:
        self._teller.chapter("Promote the pipeline and the model to production, through their gates")
        started = time.monotonic()
        moved = self._workspace.pipeline.promote("delays", "production", against=winter, progress=self._teller.step)
        hold(moved.moved, "the proof in cold kernels equals the first run")
        self._teller.say(f"delays: {_tally(moved.report)}; production is {moved.after}")
        version = self._workspace.pipeline.history("delays")[0]
        seconds = time.monotonic() - started
        yield Made("pipeline", version.ref, short(version.digest), seconds, "nbmlops pipeline history delays")
        started = time.monotonic()
        champion = self._workspace.model.promote("delay", to="production")
        hold(champion.moved, "the model passes its gate")
        self._teller.say(f"delay: {_tally(champion.report)}; production is {champion.after}")
        look = f"nbmlops check show {champion.report.id}"
        yield Made("champion", str(champion.after), "", time.monotonic() - started, look)

    def _again(self) -> Iterator[Made]:
        self._teller.chapter("Run it again: nothing changed, so nothing runs")
        done, seconds = self._run()
        hold(len(done.skipped) == 5, "every step is skipped")
        self._teller.say(f"five steps skipped in {seconds:.2f} s")
        yield Made("unchanged run", done.run.name, "", seconds, f"nbmlops run show {done.run.name}")

    def _april(self) -> Iterator[Made]:
        self._teller.chapter("April: one parameter changes, and only what depends on it runs")
        done, seconds = self._run(until=4)
        names = [step.name for step in done.ran]
        hold(names == ["3_features", "4_train", "5_evaluate"], f"only features, train and evaluate run, not {names}")
        self._teller.say(f"{done.run.name}: {_scores(done)}; skipped {', '.join(step.name for step in done.skipped)}")
        yield Made("April run", done.run.name, "", seconds, f"nbmlops run show {done.run.name}")
        challenger = self._workspace.model.show("delay")
        hold(challenger.ref == "delay@v2", "a challenger is registered")
        started = time.monotonic()
        try:
            promotion = self._workspace.model.promote(challenger.ref, to="production")
        except RefusedError as refused:
            self._teller.say(f"the challenger is refused: {refused.message}")
            yield Made("challenger", f"{challenger.ref} refused", short(challenger.digest), None, "nbmlops check list")
            return
        against = next(o for o in promotion.report.outcomes if o.check == "roc_auc against delay@v1")
        self._teller.say(f"the challenger is promoted: {_tally(promotion.report)}; {against}")
        look = f"nbmlops check show {promotion.report.id}"
        seconds = time.monotonic() - started
        yield Made("challenger", f"{challenger.ref} promoted", short(challenger.digest), seconds, look)
        back = self._workspace.model.rollback("delay", "production")
        hold(self._workspace.model.show("delay@production").ref == "delay@v1", "the rollback restores the champion")
        self._teller.say(f"rolled back: production is {back.after} again")
        yield Made("rolled back", str(back.after), "", None, "nbmlops model history delay")

    def _worse(self) -> Iterator[Made]:
        self._teller.chapter("A worse model asks for production: its gate says no, and why")
        started = time.monotonic()
        worse = self._learnt_from_the_clock()
        try:
            self._workspace.model.promote(worse, to="production")
        except RefusedError as refused:
            self._teller.say(refused.message.splitlines()[0])
        (report, *_) = self._workspace.check.list(1, subject=worse)
        hold(not report.passed, "the gate refuses a worse model")
        for outcome in report.failures[:3]:
            self._teller.say(f"✗ {outcome}")
        hold(self._workspace.model.show("delay@production").ref == "delay@v1", "production stays where it was")
        seconds = time.monotonic() - started
        yield Made("refused", f"{worse}: {len(report.failures)} failed", "", seconds, f"nbmlops check show {report.id}")

    def _learnt_from_the_clock(self) -> str:
        """Save a model that knows the hour of departure and nothing else; gives its reference."""
        from sklearn.tree import DecisionTreeClassifier

        table = self._workspace.data.load("delays_train")
        hours = table[["scheduled_minute"]]
        model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(hours, table["late"])
        saved: str = self._workspace.model.save(model, "delay", example=hours.head(5), message="The clock alone").ref
        return saved

    def _broken_byte(self) -> Iterator[Made]:
        self._teller.chapter("Flip one byte in the store: it is refused, named and repaired")
        started = time.monotonic()
        pack = _largest_file(self._workspace.marker.state / "objects")
        _flip(pack)
        refused = self._refused()
        hold(refused is not None, "loading refuses the damaged object")
        self._teller.say(f"load refuses: {refused}")
        damaged = self._workspace.store.verify(full=True)
        hold(not damaged.ok, "verify finds the damage")
        self._teller.say(f"verify --full: {len(damaged.damages)} damaged: {damaged.damages[0].why}")
        mended = self._workspace.store.repair(str(self._folder / "backup"))
        hold(self._workspace.store.verify(full=True).ok and self._refused() is None, "repair mends it")
        count = f"{len(mended.repaired)} damaged"
        self._teller.say(f"repaired {count} from {self._folder / 'backup'}; every byte is right again")
        yield Made("repair", count, "", time.monotonic() - started, "nbmlops store verify --full")

    def _refused(self) -> str | None:
        """What loading says of the first damaged data, None when all of it loads."""
        for version in self._workspace.data.list():
            try:
                self._workspace.data.load(version.ref)
            except CorruptError as error:
                return error.message
        return None


def _scores(done: PipelineRun) -> str:
    return ", ".join(f"{name} {done.run.metrics[name]:.3f}" for name in _METRICS if name in done.run.metrics)


def _tally(report: Report | None) -> str:
    """How many checks passed, and how many warned."""
    assert report is not None
    counts = report.counts
    return f"{counts['passed']} checks passed" + (f", {counts['warned']} warned" if counts["warned"] else "")


def _largest_file(folder: Path) -> Path:
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def _flip(path: Path) -> None:
    """Flip one bit in the middle of a file, as a failing disk would."""
    mode = path.stat().st_mode
    path.chmod(mode | 0o200)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    path.chmod(mode)
