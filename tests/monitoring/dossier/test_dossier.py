"""A dossier states what the store holds, and shows as a gap what it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sqlalchemy import delete, select, update

from nbmlops import Workspace
from nbmlops.commands.answer import answer
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError
from nbmlops.monitoring.dossier.facts import newest
from nbmlops.monitoring.dossier.records import Dossier, Statement
from nbmlops.monitoring.dossier.service import QUESTIONS
from nbmlops.render.dispatch import html, json, markdown, text
from nbmlops.store import schema
from tests.commands.fakes import in_a_cell, in_a_shell
from tests.monitoring.dossier.world import SAID, SETTINGS, known
from tests.monitoring.restoring import restored

HOSTILE = "<script>alert(1)</script> | `x` $y$"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with known(tmp_path_factory.mktemp("project")) as workspace:
        yield workspace


def topics(dossier: Dossier) -> set[str]:
    return {one.what for section in dossier.sections for one in section.statements}


def gaps(dossier: Dossier) -> dict[str, str]:
    return {gap.what: f"{gap.why}: {gap.fill}" for gap in dossier.gaps}


def statements(dossier: Dossier, what: str) -> list[Statement]:
    return [one for section in dossier.sections for one in section.statements if one.what == what]


def said(dossier: Dossier, what: str) -> str:
    return "\n".join(one.told for one in statements(dossier, what))


def test_a_model_of_which_everything_is_known_has_no_gap(world: Workspace) -> None:
    dossier = world.model.dossier("delay@production")
    assert gaps(dossier) == {}
    assert (dossier.ref, dossier.aliases) == ("delay@v1", ("production",))
    assert [section.title for section in dossier.sections] == [question.title for question in QUESTIONS]
    assert all(section.statements and section.point for section in dossier.sections)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        *zip(("what it is", "intended use", "limits", "owner", "licence"), SAID.values(), strict=True),
        ("version", "delay@v1, saved"),
        ("inputs", "x double"),
        ("signed", "which is trusted here; bytes, signature and types hold"),
        ("libraries", "scikit-learn "),
        ("environment", "Python 3"),
        ("learnt from", "rows of 4 columns, saved"),
        ("learnt from", "rows of it were erased"),
        ("features", "speed@v1:x"),
        ("origin", "seen@v1: written by run ingest-1"),
        ("licence of data", "seen@v1: CC0-1.0"),
        ("personal data", "seen@v1: none found in 4 columns"),
        ("rule on personal data", 'personal = "warn": personal data that is not allowed warns'),
        ("run", "train-1, finished"),
        ("code", "git commit "),
        ("params", "C=0.1"),
        ("metrics", "auc=0.701"),
        ("reproduced", "same"),
        ("gate", "floor 0.6, holdout held_out"),
        ("checks", "promote production"),
        ("by slice", "slices: none is weak"),
        ("fairness", "part demographic parity difference"),
        ("access policy", "adopted by ann"),
        ("may approve", "ann, dora"),
        ("four eyes at production", "1 person other than the asker must approve"),
        ("approved", "production by dora (of the account that asked)"),
        ("asked", "production asked for by ann"),
        ("break-glass", "`model promote` by ben"),
        ("way back", "a rollback takes production from delay@v1 back to delay@v2"),
        ("rollback drill", "passed"),
        ("in production", "callers are answered by production"),
        ("endpoint", "delay@production at http://127.0.0.1:8000 (2 workers)"),
        ("captured", "200 rows in 200 requests, 0 errors"),
        ("kept of requests", "rows of 100 % of the requests"),
        ("monitors", "moved: drift over 1d against seen, its own bound; ask dora; passed since"),
        ("schedule", "all looks"),
        ("who is told", "1 address when something fails"),
        ("ML Test Score", "of 28 tests"),
        ("alerts", "its inputs have changed (moved); recovered"),
        ("silenced", "moved by ann"),
        ("changes", "delay@v1 promoted to production"),
        ("changes", "v2 trained; from seen@v1; by hand, in run train-2; auc 0.71; by ann"),
        ("kept", "seen: all of the last 365d and the newest of each name, by the rule all_data"),
        ("holds", "seen, by ann"),
        ("erasures", "from seen@v1 ("),
        ("audit trail", "the last of digest"),
    ],
)  # fmt: skip
def test_each_thing_that_is_asked_is_told(world: Workspace, what: str, told: str) -> None:
    assert told in said(world.model.dossier("delay@v1"), what)


def test_each_statement_names_its_evidence_and_a_line_that_shows_it(world: Workspace) -> None:
    """What is typed is asked in a shell's words, and answered."""
    dossier = world.model.dossier("delay@v1")
    every = [one for section in dossier.sections for one in section.statements]
    assert all(one.evidence and one.look and one.told for one in every)
    for look in sorted({one.look for one in every}):
        words = look.split()[1:]
        if words[:2] != ["store", "certificate"] and "--help" not in words:  # which prints, or signs
            assert answer(words, in_a_shell(world)).result is not None, look
    numbers = {int(one.evidence.split()[1]) for one in every if one.evidence.startswith("event ")}
    assert numbers <= {event.sequence for event in world.store.audit(limit=1_000)}
    reports = {int(one.evidence.split()[1]) for one in every if one.evidence.startswith("report ")}
    assert all(world.check.show(number).id == number for number in reports)


def test_it_says_the_same_each_time(world: Workspace) -> None:
    first, second = (world.model.dossier("delay@v1") for _ in range(2))
    assert first == second


# --- evidence that is taken away ----------------------------------------------------------------

Take = Callable[[Any], object]


def _of_data(connection: Any, **detail: Any) -> None:
    """Let the versions of the data know less of themselves."""
    version = schema.version
    of_data = select(schema.name.c.id).where(schema.name.c.name == "seen")
    for row in connection.execute(select(version).where(version.c.name_id.in_(of_data))).all():
        connection.execute(update(version).filter_by(id=row.id).values(run_id=None, detail={**row.detail, **detail}))


def _of_model(connection: Any, **detail: Any) -> None:
    version = schema.version
    of_model = select(schema.name.c.id).where(schema.name.c.name == "delay")
    for row in connection.execute(select(version).where(version.c.name_id.in_(of_model))).all():
        connection.execute(update(version).filter_by(id=row.id).values(detail={**row.detail, **detail}))


def _unknown_types(connection: Any) -> None:
    row = connection.execute(select(schema.version.c.detail).join(schema.name).filter_by(name="delay").limit(1)).one()
    signature = row.detail["signature"]
    _of_model(connection, signature={**signature, "inputs": [{**signature["inputs"][0], "type": "unknown"}]})


def _without_reports(*suites: str) -> Take:
    def take(connection: Any) -> None:
        table = schema.report
        for suite in suites:
            for row in connection.execute(select(table.c.id).where(table.c.suite.like(suite))).all():
                connection.execute(delete(schema.edge).filter_by(subject=f"report:{row.id}"))
                connection.execute(delete(table).filter_by(id=row.id))

    return take


def _without(table: Any, **which: Any) -> Take:
    return lambda connection: connection.execute(delete(table).filter_by(**which))


def _with(table: Any, **values: Any) -> Take:
    return lambda connection: connection.execute(update(table).values(**values))


def _unasked(connection: Any) -> None:
    event = schema.event
    connection.execute(delete(event).where(event.c.action.in_(("model.ask", "model.approve"))))


def _no_run(connection: Any) -> None:
    connection.execute(update(schema.version).values(run_id=None))


def _never_judged(connection: Any) -> None:
    connection.execute(delete(schema.alert))
    connection.execute(update(schema.monitor).values(status=None, report=None))


TAKEN: list[tuple[str, Take, str]] = [
    ("what it is", _without(schema.description, key="description"), 'model describe delay --description "…"'),
    ("intended use", _without(schema.description, key="intended_use"), 'model describe delay --intended-use "…"'),
    ("limits", _without(schema.description, key="limits"), 'model describe delay --limits "…"'),
    ("owner", _without(schema.description, key="owner"), 'model describe delay --owner "…"'),
    ("licence", _without(schema.description, key="licence"), 'model describe delay --licence "…"'),
    ("inputs", _unknown_types, "--example TABLE"),
    ("signed", lambda c: _of_model(c, signed={"key": "a" * 16, "value": "b" * 128}), "model verify delay@v1"),
    ("libraries", lambda c: _of_model(c, libraries={}), "model save MODEL delay"),
    ("environment", _no_run, "%%ml run NAME"),
    ("learnt from", _without(schema.edge), "%%ml run NAME"),
    ("origin", lambda c: _of_data(c, notebook=None, script=None), "data save ADDRESS seen"),
    ("licence of data", _without(schema.version_tag, key="licence"), "data tag seen@v1 licence=NAME"),
    ("personal data", _without_reports("policy"), "check policy seen@v1"),
    ("run", _no_run, "%%ml run NAME"),
    ("code", _with(schema.run, git=None), "git init"),
    ("params", _without(schema.param), "run start NAME -p NAME=VALUE"),
    ("metrics", _without(schema.series), "log NAME=VALUE"),
    ("reproduced", _without(schema.tag, key="reproduced"), "reproduce train-1"),
    ("checks", _without_reports("model on%", "promote%", "rollback%"), "check model delay@v1 TABLE --target COLUMN"),
    ("by slice", _without_reports("model on%"), "--slices COLUMNS"),
    ("fairness", _without_reports("model on%"), "--sensitive COLUMN"),
    ("access policy", _without(schema.access_policy), "store policy --set nbmlops-policy.toml"),
    ("four eyes at production", _without(schema.access_policy), '"model/delay@production" = { approvers = 1 }'),
    ("rollback drill", _without_reports("rollback drill"), "model drill delay production --on TABLE"),
    ("in production", _without(schema.alias, alias="production"), "model promote delay@v1 --to production"),
    ("way back", _without(schema.alias, alias="production"), "model promote REF --to production"),
    ("monitors", _without(schema.monitor), "monitor add delay_drift delay drift"),
    ("schedule", _without(schema.schedule), "schedule add all --action monitor --every 1h --name monitors"),
    ("ML Test Score", _without_reports("ml test score"), "score delay"),
    ("alerts", _never_judged, "monitor run moved"),
]


@pytest.mark.parametrize(("what", "take", "fill"), TAKEN, ids=[each[0] for each in TAKEN])
def test_without_its_evidence_a_statement_is_a_gap_with_what_fills_it(
    world: Workspace, what: str, take: Take, fill: str
) -> None:
    with restored(world.marker.root):
        world.catalog.transact(take)
        dossier = world.model.dossier("delay@v1")
    assert what not in topics(dossier)
    assert fill in gaps(dossier)[what]
    assert what in topics(world.model.dossier("delay@v1"))


@pytest.mark.parametrize(
    ("what", "settings", "fill"),
    [
        ("gate", SETTINGS.partition("[tool.nbmlops.gates")[0], "[tool.nbmlops.gates.delay] in pyproject.toml"),
        ("kept", SETTINGS.replace('keep = "365d"', 'names = "x"\nlast = 1'), "[tool.nbmlops.retention.NAME]"),
        ("who is told", SETTINGS.replace('["secret:ADDRESS"]', "[]"), "below [tool.nbmlops] in pyproject.toml"),
    ],
)  # fmt: skip
def test_a_rule_that_the_project_does_not_have_is_a_gap(world: Workspace, what: str, settings: str, fill: str) -> None:
    path = world.marker.root / "pyproject.toml"
    path.write_text(settings)
    try:
        dossier = world.model.dossier("delay@v1")
    finally:
        path.write_text(SETTINGS)
    assert fill in gaps(dossier)[what]


@pytest.mark.parametrize(("folder", "what"), [("endpoints", "endpoint"), ("capture", "captured")])
def test_what_is_not_on_this_machine_is_a_gap(world: Workspace, folder: str, what: str) -> None:
    place, away = world.marker.state / folder, world.marker.state / f"{folder}.away"
    place.rename(away)
    try:
        assert "serve delay@production" in gaps(world.model.dossier("delay@v1"))[what]
    finally:
        away.rename(place)


def test_an_approval_that_is_missing_is_a_gap_beside_the_rule(world: Workspace) -> None:
    with restored(world.marker.root):
        world.catalog.transact(_unasked)
        dossier = world.model.dossier("delay@v1")
    assert "four eyes at production" in topics(dossier)
    assert "came to production without the approval" in gaps(dossier)["approval at production"]
    assert not statements(dossier, "approved")


def test_a_version_that_nobody_promoted_says_so(world: Workspace) -> None:
    dossier = world.model.dossier("delay@v2")
    assert "it left production" in gaps(dossier)["in production"]
    assert said(dossier, "version before") == "delay@v1"
    assert "approval at challenger" not in gaps(dossier), "no rule holds for its alias"
    assert "challenger of delay moves without" in gaps(dossier)["four eyes at challenger"]


# --- erasures -----------------------------------------------------------------------------------


def test_rows_that_were_erased_after_it_learnt_from_them_are_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path) as workspace:
        mails = [f"x{place}@example.org" for place in range(40)]
        workspace.data.save(pd.DataFrame({"x": range(40), "mail": mails}), "people")
        with workspace.run("gbm"):
            rows = workspace.data.load("people")
            model = LogisticRegression().fit(rows[["x"]], rows["x"] > 20)
            workspace.model.save(model, "delay", example=rows[["x"]])
        workspace.check.policy("people")
        before = workspace.model.dossier("delay")
        assert "mail: e-mail address: 40 values of 40" in said(before, "personal data")
        assert "nothing was erased" in said(before, "erasures")
        (tmp_path / "where.txt").write_text("mail = 'x3@example.org'")
        workspace.data.erase("people", where_file=tmp_path / "where.txt", yes=True)
        after = workspace.model.dossier("delay")
        assert "since it learnt from people@v1, 1 row left by erasure" in gaps(after)["learnt before erasure"]
        assert "rows of it were erased" in said(after, "learnt from")
        assert "x3@example.org" not in text(after, detail=True)
        workspace.data.delete("people", unlock=True)
        gone = workspace.model.dossier("delay")
        assert "deleted since" in said(gone, "learnt from")


def test_personal_columns_that_it_takes_and_keeps_are_told(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as workspace:
        phones = [f"+4930{place:07}" for place in range(1_000_000, 1_000_040)]
        workspace.data.save(pd.DataFrame({"phone": phones, "late": [0, 1] * 20}), "people")
        with workspace.run("gbm"):
            rows = workspace.data.load("people")
            made = make_pipeline(
                make_column_transformer((HashingVectorizer(n_features=8), "phone")), LogisticRegression()
            )
            workspace.model.save(made.fit(rows[["phone"]], rows["late"]), "delay", example=rows[["phone"]])
        workspace.check.policy("people")
        dossier = workspace.model.dossier("delay")
        assert said(dossier, "personal inputs") == "it takes phone"
        assert "deployment set delay --personal phone=hash" in gaps(dossier)["personal inputs kept"]
        workspace.model.promote("delay")
        workspace.deployment.set("delay", personal={"phone": "hash"})
        dossier = workspace.model.dossier("delay")
        assert "personal inputs kept" not in gaps(dossier)
        assert said(dossier, "kept of requests") == "rows of 100 % of the requests, phone: hash"


# --- three faces, files, bad input ---------------------------------------------------------------


def test_all_faces_give_the_same(world: Workspace) -> None:
    given = world.model.dossier("delay@v1")
    for session in (in_a_cell(world), in_a_shell(world)):
        assert answer(["model", "dossier", "delay@v1"], session).result == given


def test_text_html_and_markdown_tell_every_gap_and_every_section(world: Workspace) -> None:
    dossier = world.model.dossier("delay@v2")
    shown = text(dossier)
    assert f"{len(dossier.gaps)} gaps" in shown.splitlines()[0]
    for gap in dossier.gaps:
        assert gap.why in shown
    for written in (html(dossier, detail=True), markdown(dossier, detail=True)):
        assert written.count("gap: ") == len(dossier.gaps)
        assert all(section.title in written for section in dossier.sections)
        assert "Annex IV 5" in written
    assert [len(each["gaps"]) for each in json(dossier)["sections"]] == [len(one.gaps) for one in dossier.sections]


@pytest.mark.parametrize("name", ["delay.html", "delay.md"])
def test_it_is_a_file_that_nothing_breaks_out_of(world: Workspace, tmp_path: Path, name: str) -> None:
    with restored(world.marker.root):
        world.model.describe("delay", description=HOSTILE, limits="x " * 9_000)
        world.model.dossier("delay@v1", to=tmp_path / name)
        written = (tmp_path / name).read_text()
        assert "<script" not in written
        assert "&lt;script&gt;" in written
        assert "<b>winter" not in written
        assert len(written.encode()) < 100_000
        assert "… the rest: " in written
        with pytest.raises(ConflictError, match="is there already"):
            world.model.dossier("delay@v1", to=tmp_path / name)
        world.model.dossier("delay@v1", to=tmp_path / name, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_gets_it_under_its_own_name(world: Workspace, tmp_path: Path) -> None:
    answer(["model", "dossier", "delay@v1", "--to", str(tmp_path)], in_a_shell(world))
    assert [path.name for path in tmp_path.iterdir()] == ["delay_dossier.html"]


@pytest.mark.parametrize(
    ("ref", "to", "error", "says"),
    [
        ("dely", None, NotFoundError, "dely"),
        ("delay@champion", None, NotFoundError, "champion"),
        ("delay@v9", None, NotFoundError, "v9"),
        ("delay@", None, InvalidError, "is not a reference"),
        ("delay", "dossier.pdf", InvalidError, r"written as \.html or \.md, not as 'dossier\.pdf'"),
        ("delay", "dossier", InvalidError, "not as 'dossier'"),
        ("delay", "", InvalidError, "empty"),
        ("delay", "nowhere/dossier.html", NotFoundError, "nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    world: Workspace, tmp_path: Path, ref: str, to: str | None, error: type[Exception], says: str
) -> None:
    place = str(tmp_path / to) if to else to
    with pytest.raises(error, match=says):
        world.model.dossier(ref, to=place)
    assert list(tmp_path.iterdir()) == []


def test_of_many_the_newest_are_told_and_how_many_more_there_are(world: Workspace) -> None:
    with restored(world.marker.root):
        for _ in range(40):
            world.monitor.silence("moved", "1h")
        silenced = statements(world.model.dossier("delay@v1"), "silenced")
    assert len(silenced) == 16
    assert silenced[-1].told == "and 27 more"
    assert list(newest(iter(()), "nothing")) == []
    (_, more) = newest(silenced[:2], "look", 1, of_all=False)
    assert more.told == "and at least 1 more"


def test_it_changes_nothing_and_looks_at_what_a_viewer_may(world: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "eve")
    before = [event.sequence for event in world.store.audit(limit=1_000)]
    world.model.dossier("delay@v1")
    assert [event.sequence for event in world.store.audit(limit=1_000)] == before
    assert timedelta(0) <= world.clock.now() - world.model.dossier("delay@v1").at
