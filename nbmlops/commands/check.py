"""Verbs on checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nbmlops.checks.records import SECTIONS, STATUSES, Report
from nbmlops.commands.offers import columns, reports, subjects
from nbmlops.commands.params import Given, KeyValue, ObjectParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("check", default="data")
_TABLE = ObjectParam("table", or_ref=True)


@group.verb("infer")
@click.argument("values", type=_TABLE, nargs=-1, required=True)
@click.option("--from", "from_", type=click.IntRange(min=2), metavar="N", help="Learn from the newest N versions.")
@click.option("--to", type=click.Path(), metavar="FILE", help="Write the suite to a new file.")
@click.option("--name", help="What to call the suite.")
def infer(session: Session, values: tuple[Given, ...], from_: int | None, to: str | None, name: str | None) -> Any:
    """Learn a suite from versions of a table; the last of several is held out, and tested on."""
    given = [value.value for value in values]
    return session.workspace.check.infer(*given, from_=from_, to=to, name=name or values[-1].name)


@group.verb("data")
@click.argument("value", type=_TABLE)
@click.option("--suite", type=ObjectParam(), help="A file or a variable that holds a suite, or a schema of pandera.")
@click.option("--strict", is_flag=True, help="Fail when a check fails.")
@click.option("--name", help="What the report calls a table without a reference.")
def data(session: Session, value: Given, suite: Given | None, strict: bool, name: str | None) -> Any:
    """Judge data by the body of the cell, by a suite, or by the version before it."""
    body = session.notebook.body if session.notebook else None
    if body and suite:
        raise InvalidError("there are two suites: the body of the cell, and --suite", hint="leave one out")
    expected = suite.value if suite else body
    if isinstance(expected, Path):
        expected = expected.read_text(encoding="utf-8")
    known = {"functions": session.notebook.variables} if session.notebook else {}
    report = session.workspace.check.data(value.value, expected, strict=strict, name=name or value.name, **known)
    return session.judged(report, good=report.passed)


@group.verb("model")
@click.argument("model", type=ObjectParam("estimator", or_ref=True))
@click.argument("table", type=_TABLE)
@click.option("--target", shell_complete=columns, required=True, help="The column with the truth.")
@click.option("--metric", help="What to measure: roc_auc, accuracy, brier, r2, rmse and more.")
@click.option("--floor", type=float, help="The worst score that may pass.")
@click.option("--ceiling", type=float, help="The worst loss that may pass.")
@click.option(
    "--champion", type=ObjectParam("estimator", or_ref=True), help="The model that it must not be worse than."
)
@click.option("--tolerance", type=float, help="How much worse than the champion it may be.")
@click.option("--risk", type=float, help="The chance of a verdict that the rows alone made; 0.025 by default.")
@click.option("--train", type=_TABLE, help="The rows that it was trained on.")
@click.option(
    "--slices",
    shell_complete=columns,
    metavar="COLUMNS",
    help="Columns, with commas between, whose parts must not be weak.",
)
@click.option(
    "--sensitive", shell_complete=columns, metavar="COLUMN", help="The column whose groups must be treated alike."
)
@click.option("--fairness", type=float, help="The largest difference between groups; 0.1 by default.")
@click.option("--calibration", type=float, help="The largest calibration error; 0.05 by default.")
@click.option("--overfit", type=float, help="The largest loss from the training rows to these.")
@click.option("--change", type=float, help="How far noise may move answers: a share, or standard deviations.")
@click.option("--latency", type=float, help="Milliseconds that one row may take.")
@click.option("--batch-latency", type=float, help="Milliseconds that a batch of up to 1,000 rows may take.")
@click.option("--memory", type=float, help="Megabytes that a batch may allocate.")
@click.option("--size", type=float, help="Megabytes that the saved model may have.")
@click.option("--max-age", type=float, help="Days that a version may be old.")
@click.option("--lost", type=float, help="What it may lose against the newest version.")
@click.option("--only", metavar="CHECKS", help="Names of the checks to run, with commas between.")
@click.option("--strict", is_flag=True, help="Fail when a check fails.")
def model(session: Session, model: Given, table: Given, target: str, **asked: Any) -> Any:
    """Judge a model on rows that it has not seen."""
    for name in ("champion", "train"):
        asked[name] = asked[name].value if asked[name] else None
    for name in ("slices", "only"):
        asked[name] = tuple((asked[name] or "").split(",")) if asked[name] else ()
    with session.meter.steps("model") as progress:
        report = session.workspace.check.model(model.value, table.value, target, progress=progress, **asked)
    return session.judged(report, good=report.passed)


@group.verb("drift")
@click.argument("current", type=_TABLE)
@click.option("--against", type=_TABLE, help="What it was; of a saved version the one before it by default.")
@click.option(
    "--columns", shell_complete=columns, metavar="COLUMNS", help="Which columns, with commas between; all by default."
)
@click.option("--like", type=click.Choice(("evidently",)), help="Judge by the rules of Evidently 0.7.")
@click.option("--model", type=ObjectParam("estimator", or_ref=True), help="Rank what drifted by what it leans on.")
@click.option("--joint", is_flag=True, help="Look at all columns together as well: can a model tell, do pairs change.")
@click.option("--profiles", is_flag=True, help="Compare the profiles that are kept with versions, and no rows.")
@click.option("--strict", is_flag=True, help="Fail when a column fails.")
def drift(session: Session, current: Given, columns: str | None, **asked: Any) -> Any:
    """Tell which columns have drifted."""
    for name in ("against", "model"):
        asked[name] = asked[name].value if asked[name] else None
    names = columns.split(",") if columns else None
    with session.meter.steps("drift") as progress:
        report = session.workspace.check.drift(current.value, columns=names, progress=progress, **asked)
    return session.judged(report, good=report.passed)


@group.verb("policy")
@click.argument("value", type=_TABLE)
@click.option("--kind", type=click.Choice(("data", "model")), help="Of what kind the name is, where both have it.")
@click.option("--strict", is_flag=True, help="Fail when a rule is broken.")
@click.option("--name", help="What the report calls a table without a reference.")
def policy(session: Session, value: Given, kind: str | None, strict: bool, name: str | None) -> Any:
    """Judge data or a model by the rules of the project."""
    report = session.workspace.check.policy(value.value, kind=kind, strict=strict, name=name or value.name)
    return session.judged(report, good=report.passed)


@group.verb("feature")
@click.argument("notebook", required=False, type=click.Path(dir_okay=False))
@click.option("--timeout", type=click.FloatRange(min=0.1), default=60.0, help="Seconds for each cell of a notebook.")
@click.option("--strict", is_flag=True, help="Fail when a test fails.")
def feature(session: Session, notebook: str | None, timeout: float, strict: bool) -> Any:
    """Test features, by the body of the cell or by the tests in a notebook."""
    cell = session.notebook
    if notebook and cell and (cell.body or "").strip():
        raise InvalidError("there are two: the body of the cell, and a notebook", hint="leave one out")
    if notebook is None and (cell is None or not (cell.body or "").strip()):
        raise InvalidError("there is nothing to test", hint="name a notebook: `ml check feature NOTEBOOK`")
    given = {} if notebook or cell is None else {"tests": cell.body or "", "names": cell.variables}
    with session.meter.steps("tests") as progress:
        report = session.workspace.check.feature(notebook, **given, timeout=timeout, strict=strict, progress=progress)
    return session.judged(report, good=report.passed)


@group.verb("importance")
@click.argument("model", type=ObjectParam("estimator", or_ref=True))
@click.argument("table", type=_TABLE)
@click.option("--target", shell_complete=columns, required=True, help="The column with the truth.")
@click.option("--train", type=_TABLE, help="The rows that it was trained on, to train it anew without each column.")
@click.option("--metric", help="What to measure: roc_auc, accuracy, brier, r2, rmse and more.")
@click.option(
    *("--cost", "costs"),
    multiple=True,
    metavar="FEATURE={FUNCTION}",
    type=KeyValue(),
    help="What computes a feature from the table, to be timed.",
)
@click.option("--strict", is_flag=True, help="Fail when a check cannot run.")
def importance(
    session: Session,
    model: Given,
    table: Given,
    train: Given | None,
    costs: tuple[tuple[str, Any], ...],
    **asked: Any,
) -> Any:
    """Tell what each feature adds."""
    functions = mapping(costs)
    for name, function in functions.items():
        if not callable(function):
            raise InvalidError(
                f"{name} needs a function of the notebook", hint=f"in a cell: --cost {name}={{function}}"
            )
    learnt = train.value if train else None
    with session.meter.steps("importance") as progress:
        report = session.workspace.check.importance(
            model.value, table.value, train=learnt, costs=functions, progress=progress, **asked
        )
    return session.judged(report, good=report.passed)


@group.verb("leakage")
@click.argument("table", type=_TABLE)
@click.option("--target", shell_complete=columns, required=True, help="The column with the label.")
@click.option("--time", shell_complete=columns, help="The column with the time of the event.")
@click.option("--group", shell_complete=columns, help="The column whose groups may not be in both tables.")
@click.option("--test", type=_TABLE, help="The rows to be judged on.")
@click.option("--bound", type=float, default=0.99, show_default=True, help="AUC or R² of one column that is too good.")
@click.option("--strict", is_flag=True, help="Fail when a check fails.")
def leakage(session: Session, table: Given, target: str, test: Given | None, **asked: Any) -> Any:
    """Look for leaks."""
    others = test.value if test else None
    with session.meter.steps("leakage") as progress:
        report = session.workspace.check.leakage(table.value, target, test=others, progress=progress, **asked)
    return session.judged(report, good=report.passed)


@group.verb("list")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@click.option("--subject", shell_complete=subjects, help="Only on this reference, or on all versions of this name.")
@click.option("--status", type=click.Choice(STATUSES), help="Only of this status.")
@click.option("--section", type=click.Choice(SECTIONS), help="Only of this section.")
@click.option("--before", type=click.IntRange(min=1), help="Only with a lower number: the next page.")
def list_(session: Session, limit: int, **wanted: Any) -> Any:
    """List reports."""
    return Listing(session.workspace.check.list(limit, **wanted), Report)


@group.verb("show")
@click.argument("number", shell_complete=reports)
@click.option("--junit", type=click.Path(dir_okay=False), help="A file to write as JUnit XML, for CI systems.")
@click.option("--html", type=click.Path(dir_okay=False), help="A file to write as a page of its own.")
def show(session: Session, number: str, junit: str | None, html: str | None) -> Any:
    """Show a report."""
    return session.workspace.check.show(number, junit=junit, html=html)


@group.verb("diff")
@click.argument("before", shell_complete=reports)
@click.argument("after", shell_complete=reports)
@click.option(
    "--from", "from_", type=click.IntRange(min=2), metavar="N", help="Learn the suite's new lines from N versions."
)
def diff(session: Session, before: str, after: str, from_: int | None) -> Any:
    """Compare two reports; or tell what a version would change in the suite of a file."""
    return session.workspace.check.diff(before, after, from_=from_)
