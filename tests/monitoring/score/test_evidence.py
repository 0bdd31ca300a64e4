"""Each of the 28 tests: with its evidence the point is there; without, aged, or of another version it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, update

from nbmlops.checks.records import Outcome, Report
from nbmlops.monitoring.score.records import ScoreSheet
from nbmlops.monitoring.score.service import TESTS
from nbmlops.store import schema
from tests.monitoring.score.world import Piece, World

IDS = tuple(test.id for test in TESTS)
SHARED = {
    # The proofs of a pipeline's promotions are runs from end to end, and training done again.
    "Infrastructure 3": {"Infrastructure 1"},
    # The figures by labels are those of the monitors of quality.
    "Monitoring 7": {"Model 2"},
}
every_test = pytest.mark.parametrize("name", IDS)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = World(tmp_path_factory.mktemp("project"))
        yield made.whole(monkeypatch)
        made.workspace.close()


@pytest.fixture(scope="module")
def of_another_version(world: World) -> ScoreSheet:
    with world.changed(lambda _: None) as workspace:
        world.other()
        return workspace.score("delay", keep=False)


def points(sheet: ScoreSheet) -> dict[str, float]:
    return {test.id: test.points for test in sheet.tests}


def test_there_are_seven_tests_in_each_of_four_sections() -> None:
    assert [name.rpartition(" ")[0] for name in IDS] == [
        *["Data"] * 7, *["Model"] * 7, *["Infrastructure"] * 7, *["Monitoring"] * 7
    ]  # fmt: skip
    assert len(set(IDS)) == 28


def test_with_all_evidence_every_test_has_a_whole_point_that_names_what_earned_it(world: World) -> None:
    sheet = world.workspace.score("delay", keep=False)
    assert {name: sheet.test(name).why for name, worth in points(sheet).items() if worth < 1} == {}
    assert (sheet.ref, sheet.score, sheet.band.partition(":")[0]) == ("delay@v3", 7, "exceptional")
    for test in sheet.tests:
        best = test.evidence[0]
        assert (best.counts, best.automatic, test.why, test.command) == (True, True, "", ""), test.id
        assert best.what
        assert best.ref
        assert best.look.startswith("ml ")
        assert test.passed is True, test.id


@every_test
def test_without_its_evidence_a_test_has_no_point_and_the_others_keep_theirs(world: World, name: str) -> None:
    with world.changed(world.pieces[name].remove) as workspace:
        sheet = workspace.score("delay", keep=False)
    assert (sheet.test(name).points, sheet.test(name).why != "", sheet.test(name).command != "") == (0, True, True)
    lost = {other for other, worth in points(sheet).items() if worth < 1}
    assert lost == {name} | SHARED.get(name, set())
    assert sheet.score == 6 - len(SHARED.get(name, set()) if name.startswith("Infrastructure") else ())


@every_test
def test_evidence_that_is_too_old_earns_nothing(world: World, name: str) -> None:
    with world.changed(world.pieces[name].age) as workspace:
        test = workspace.score("delay", keep=False).test(name)
        assert test.points == 0
        assert not any(one.counts for one in test.evidence)
        if not name.startswith("Monitoring") and name != "Model 2":  # what monitors say ages faster
            assert workspace.score("delay", keep=False, within="200d").test(name).points == 1


@every_test
def test_evidence_of_another_version_earns_nothing(of_another_version: ScoreSheet, name: str) -> None:
    assert of_another_version.ref == "delay@v4"
    test = of_another_version.test(name)
    assert (test.points, test.passed) == (0, None)


@every_test
def test_what_was_done_once_or_by_hand_is_worth_a_half(world: World, name: str) -> None:
    with world.changed(lambda c: world.pieces[name].remove(c, but_newest=True)) as workspace:
        test = workspace.score("delay", keep=False).test(name)
    assert (test.points, test.why != "", test.command != "") == (0.5, True, True)


def test_what_nobody_serves_has_halves_at_most(world: World) -> None:
    alias = schema.alias
    with world.changed(lambda c: c.execute(alias.delete())) as workspace:
        sheet = workspace.score("delay", keep=False)
    assert (sheet.is_served, sheet.ref, max(points(sheet).values())) == (False, "delay@v3", 0.5)


@pytest.mark.parametrize("name", ["Data 7", "Infrastructure 3"])
def test_tests_and_rehearsals_of_other_code_than_the_one_that_trained_are_worth_nothing(
    world: World, name: str
) -> None:
    run = schema.run
    newest = run.c.id.in_([world.trained[-1], world.featured[-1]])
    newer = Piece(world.pieces[name].reports[-1:], removed=world.pieces["Infrastructure 1"].remove)

    def edited(connection: Any) -> None:
        """The notebooks were edited before the third version, and tested no more since."""
        connection.execute(update(run).where(newest).values(source="0" * 64))
        newer.remove(connection)

    with world.changed(edited) as workspace:
        test = workspace.score("delay", keep=False).test(name)
    assert test.points == 0
    assert "other code" in test.why


def test_a_test_that_failed_keeps_its_point_and_says_so(world: World) -> None:
    report = schema.report
    bad = update(report).where(report.c.suite == "rollback drill").values(status="failed")
    with world.changed(lambda c: c.execute(bad)) as workspace:
        test = workspace.score("delay", keep=False).test("Infrastructure 7")
    assert (test.points, test.passed) == (1, False)


def test_a_paused_or_deleted_schedule_or_monitor_makes_nothing_automatic(world: World) -> None:
    table, monitor = schema.schedule, schema.monitor
    now = world.clock.now()
    for change, worth in (
        (update(table).values(paused_at=now), 0.5),
        (update(table).values(deleted_at=now), 0.5),
        (update(monitor).values(paused_at=now), 0.5),
        (update(monitor).values(deleted_at=now), 0),
    ):
        with world.changed(lambda c, change=change: c.execute(change)) as workspace:
            assert workspace.score("delay", keep=False).sections[3].points == 7 * worth


def test_calibration_by_labels_is_evidence_of_the_quality_of_answers(world: World) -> None:
    monitor = schema.monitor
    other = update(monitor).where(monitor.c.name == "quality").values(kind="calibration")
    with world.changed(lambda c: c.execute(other)) as workspace:
        assert workspace.score("delay", keep=False).test("Monitoring 7").points == 1


def test_uncommitted_code_is_not_reviewed_whoever_approved_it(world: World) -> None:
    run = schema.run
    for git, why in (({"commit": "1f", "dirty": True}, "not all committed"), (None, "no git commit")):
        with world.changed(lambda c, git=git: c.execute(update(run).values(git=git))) as workspace:
            test = workspace.score("delay", keep=False).test("Model 1")
        assert test.points == 0
        assert why in test.why


def test_personal_data_is_worth_a_half_until_an_erasure_was_done(world: World) -> None:
    found = Outcome("personal data", "email", "passed", "e-mail addresses: 3 values of 60", "allowed")
    erasure = {"id": "e1", "at": world.clock.now(), "actor": "ann", "names": ["seen"], "state": "done", "detail": {}}
    with world.changed(lambda _: None) as workspace:
        data = workspace.data.show("seen")
        judged = "policy", "data", data.ref, (found,), world.clock.now(), world.featured[-1], (f"data:{data.id}",)
        workspace.check.save(Report(None, *judged))
        half = workspace.score("delay", keep=False).test("Data 5")
        assert (half.points, "erasure" in half.why) == (0.5, True)
        workspace.catalog.transact(lambda c: c.execute(insert(schema.erasure).values(**erasure)))
        assert workspace.score("delay", keep=False).test("Data 5").points == 1


def test_data_that_nobody_looked_through_is_named(world: World) -> None:
    def other(connection: Any) -> None:
        connection.execute(update(schema.edge).filter_by(relation="judges", object="data:1").values(object="data:99"))
        world.pieces["Data 5"].remove(connection)

    with world.changed(other) as workspace:
        test = workspace.score("delay", keep=False).test("Data 5")
    assert test.points == 0


@pytest.mark.parametrize("number", [1, 2])
def test_of_fewer_than_three_versions_no_correlation_is_told(world: World, number: int) -> None:
    gone = Piece(world.pieces["Model 2"].reports[:number])
    with world.changed(gone.remove) as workspace:
        test = workspace.score("delay", keep=False).test("Model 2")
    assert test.points == 0
    assert test.why.startswith(f"{3 - number} served version")


def test_a_promotion_without_a_verdict_leaves_the_gate_a_half(world: World) -> None:
    first = Piece(world.pieces["Infrastructure 4"].reports[:1])
    with world.changed(first.remove) as workspace:
        test = workspace.score("delay", keep=False).test("Infrastructure 4")
    assert (test.points, test.why) == (0.5, "delay@v1 came without a verdict")


@pytest.mark.parametrize("by_service", [True, False])
def test_what_a_service_of_continuous_integration_runs_is_automatic(world: World, by_service: bool) -> None:
    outcomes = [Outcome("step 2_train", "delays on 1,000 rows", "passed", "", "")]
    outcomes += [Outcome("test_x", "notebooks/1_features.ipynb", "passed", "", "")]
    outcomes += [Outcome("run by a service", None, "passed", "GitHub Actions", "")] if by_service else []
    now = world.clock.now()

    def without(connection: Any) -> None:
        world.pieces["Data 7"].remove(connection)
        world.pieces["Infrastructure 3"].remove(connection)

    with world.changed(without) as workspace:
        for _ in range(2):
            workspace.check.save(Report(None, "ci", "infrastructure", "project", tuple(outcomes), now))
        sheet = workspace.score("delay", keep=False)
    assert [sheet.test(name).points for name in ("Data 7", "Infrastructure 3")] == [1 if by_service else 0.5] * 2


def test_all_levels_of_maturity_follow_from_the_same_facts(world: World) -> None:
    now = world.clock.now()
    row = {"name": "delays_on_decay", "action": "pipeline", "target": "delays", "parameters": {}, "author": "ann"}
    row |= {"trigger": {"on": "monitor", "name": "quality"}, "catchup": "latest", "overlap": "forbid", "patience": 60}
    fire = {"schedule": row["name"], "logical_time": "1", "state": "completed", "token": 1, "tries": 1, "told_late": 0}
    fire |= {"due_at": now, "started_at": now, "ended_at": now, "run": "delays-3"}
    ci = Report(
        None, "ci", "infrastructure", "delays", (Outcome("step 2_train", "delays on all rows", "passed", "", ""),), now
    )
    reached = []
    with world.changed(lambda _: None) as workspace:
        reached.append([ladder.level.number for ladder in workspace.score("delay", keep=False).maturity])
        workspace.check.save(ci)
        reached.append([ladder.level.number for ladder in workspace.score("delay", keep=False).maturity])
        workspace.catalog.transact(
            lambda c: c.execute(insert(schema.schedule).values(**row, created_at=now, reached=now))
        )
        workspace.catalog.transact(lambda c: c.execute(insert(schema.fire).values(**fire)))
        microsoft, google = workspace.score("delay", keep=False).maturity
        reached.append([microsoft.level.number, google.level.number])
    assert reached == [[2, 0], [3, 0], [4, 2]]
    assert (microsoft.next, microsoft.missing, google.missing) == (None, (), ())
