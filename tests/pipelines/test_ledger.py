"""Claims: who holds one, when it passes on, and what its former holder can do then."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import ConflictError
from nbmlops.pipelines import queries
from nbmlops.pipelines.ledger import LEASE, WHOLE, Claimant, Committed, Holder, LateError, Ledger, Slot, Taken
from nbmlops.pipelines.taking_over import TakingOver
from nbmlops.store import lineage
from nbmlops.workspace import Workspace

SLOT = Slot("sums", "2013-04-01", "d" * 64, "1_make")
WRITER = """\
import os, sys
from nbmlops.pipelines.ledger import Claimant, Ledger, Slot, Taken
from nbmlops.pipelines.taking_over import TakingOver
from nbmlops.workspace import Workspace

workspace = Workspace.open(sys.argv[1])
run = workspace.run.start("sums", kind="pipeline")
ledger = Ledger(workspace.catalog, workspace.clock, workspace.run.writer_lives)
ledger.claim(Slot("sums", "2013-04-01", "d" * 64, "1_make"), Claimant(run.id, "k" * 64))
print("claimed", flush=True)
sys.stdin.read()
"""


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2013, 4, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def claimant(workspace: Workspace) -> Claimant:
    return Claimant(workspace.run.start("sums", kind="pipeline").id, "k" * 64, "v" * 64)


def test_a_claim_holds_while_its_writer_lives_and_passes_on_when_it_is_killed(workspace: Workspace) -> None:
    ledger = Ledger(workspace.catalog, workspace.clock, workspace.run.writer_lives)
    command = [sys.executable, "-c", WRITER, str(workspace.marker.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "claimed\n"
        with pytest.raises(ConflictError, match="1_make of sums at 2013-04-01 is being run by somebody else"):
            ledger.claim(SLOT, claimant(workspace))
        writer.kill()
    assert ledger.claim(SLOT, claimant(workspace)) == 2


def test_a_claim_outlives_its_lease_as_long_as_its_writer_is_seen_to_live(workspace: Workspace) -> None:
    clock = Clock()
    ledger = Ledger(workspace.catalog, clock, workspace.run.writer_lives)
    ledger.claim(SLOT, claimant(workspace))
    clock.time += timedelta(days=30)
    with pytest.raises(ConflictError, match="is being run by somebody else"):
        ledger.claim(SLOT, claimant(workspace))


def test_a_claim_passes_on_when_its_run_has_ended(workspace: Workspace) -> None:
    ledger = Ledger(workspace.catalog, workspace.clock, workspace.run.writer_lives)
    first = claimant(workspace)
    ledger.claim(SLOT, first)
    workspace.run.finish(first.run_id, "failed")
    assert ledger.claim(SLOT, claimant(workspace)) == 2


def test_a_claim_of_another_machine_holds_until_its_lease_is_over(workspace: Workspace) -> None:
    clock = Clock()
    ledger = Ledger(workspace.catalog, clock, lambda *_: None)
    ledger.claim(SLOT, claimant(workspace))
    clock.time += LEASE - timedelta(seconds=1)
    with pytest.raises(ConflictError, match="is being run by somebody else"):
        ledger.claim(SLOT, claimant(workspace))
    clock.time += timedelta(seconds=2)
    assert ledger.claim(SLOT, claimant(workspace)) == 2


def test_a_claim_that_was_taken_over_cannot_commit_nor_be_given_up(workspace: Workspace) -> None:
    ledger = Ledger(workspace.catalog, workspace.clock, lambda *_: False)
    first, second = claimant(workspace), claimant(workspace)
    old = ledger.claim(SLOT, first)
    new = ledger.claim(SLOT, second)
    with pytest.raises(ConflictError, match="was claimed by somebody else in the meantime"):
        workspace.run.finish(
            first.run_id, "finished", also=lambda c: ledger.commit(c, SLOT, old, Committed(first.run_id, (), ()))
        )
    assert workspace.run.show(first.run_id).status == "running", "the run's end and the commit are one transaction"
    workspace.catalog.transact(lambda c: ledger.release(c, SLOT, old))
    workspace.catalog.transact(lambda c: ledger.commit(c, SLOT, new, Committed(second.run_id, (), ())))
    row = workspace.catalog.read(lambda c: queries.slot(c, SLOT.key))
    assert (row.state, row.run_id, row.pipeline_version) == ("committed", second.run_id, "v" * 64)
    with pytest.raises(ConflictError, match="has committed already"):
        ledger.claim(SLOT, first)


def test_a_claim_that_is_renewed_outlives_its_lease(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.pipelines.ledger.BEAT", 0.01)
    clock = Clock()
    ledger = Ledger(workspace.catalog, clock, lambda *_: None)
    token = ledger.claim(SLOT, claimant(workspace))
    with ledger.renewing(SLOT, token):
        for _ in range(4):
            clock.time += LEASE - timedelta(seconds=1)
            until(lambda: lease_of(workspace) == clock.time + LEASE)
            with pytest.raises(ConflictError, match="is being run by somebody else"):
                ledger.claim(SLOT, claimant(workspace))


def test_who_loses_a_claim_hears_of_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.pipelines.ledger.BEAT", 0.01)
    ledger = Ledger(workspace.catalog, workspace.clock, lambda *_: False)
    lost = threading.Event()
    token = ledger.claim(SLOT, claimant(workspace))
    with ledger.renewing(SLOT, token, lost.set):
        assert not lost.wait(0.1)
        ledger.claim(SLOT, claimant(workspace))
        assert lost.wait(30)


def elsewhere(workspace: Workspace, attempt: int, task: str = "a") -> Ledger:
    """The ledger in which a step is claimed for a task on a worker."""
    return Ledger(workspace.catalog, workspace.clock, lambda *_: None, Holder(attempt, task, f"tcp://w{attempt}"))


def take_away(workspace: Workspace, who: Claimant, attempt: int) -> Holder | None:
    ledger = Ledger(workspace.catalog, workspace.clock, lambda *_: None)
    return workspace.catalog.transact(lambda c: ledger.take_away(c, SLOT, who.run_id, attempt))


def test_a_task_that_is_started_again_or_late_is_refused_what_another_has(workspace: Workspace) -> None:
    who = claimant(workspace)
    assert elsewhere(workspace, 1).claim(SLOT, who) == 1
    assert elsewhere(workspace, 1).claim(SLOT, who) == 2, "the same task may try again"
    with pytest.raises(LateError, match="was given to somebody else in this run"):
        elsewhere(workspace, 1, "b").claim(SLOT, who)
    assert elsewhere(workspace, 2, "b").claim(SLOT, who) == 3
    with pytest.raises(LateError):
        elsewhere(workspace, 1).claim(SLOT, who)


def test_a_step_that_was_taken_away_is_not_got_back(workspace: Workspace) -> None:
    who = claimant(workspace)
    assert take_away(workspace, who, 1) is None, "nobody has begun it"
    first = elsewhere(workspace, 1)
    token = first.claim(SLOT, who)
    assert take_away(workspace, who, 2) is None, "that attempt has not begun"
    taken = take_away(workspace, who, 1)
    assert taken is not None
    assert taken.worker == "tcp://w1"
    with pytest.raises(LateError):
        first.claim(SLOT, who)
    with pytest.raises(ConflictError, match="was claimed by somebody else in the meantime"):
        workspace.catalog.transact(lambda c: first.commit(c, SLOT, token, Committed(who.run_id, (), ())))
    assert elsewhere(workspace, 2, "b").claim(SLOT, who) == token + 2


def test_what_has_committed_in_a_run_is_not_begun_again_in_it_and_is_in_another(workspace: Workspace) -> None:
    who, other = claimant(workspace), claimant(workspace)
    first = elsewhere(workspace, 1)
    token = first.claim(SLOT, who)
    part = workspace.run.start("1_make", kind="step", parent_id=who.run_id)
    workspace.run.finish(part.id, "finished", also=lambda c: first.commit(c, SLOT, token, Committed(part.id, (), ())))
    assert take_away(workspace, who, 1) is None
    with pytest.raises(LateError, match="has committed in this run already"):
        elsewhere(workspace, 2, "b").claim(SLOT, who)
    assert elsewhere(workspace, 1, "c").claim(SLOT, other) == 2


def test_what_a_step_saves_that_was_ended_from_elsewhere_is_refused(workspace: Workspace) -> None:
    who = claimant(workspace)
    part = workspace.run.start("1_make", kind="step", parent_id=who.run_id)
    frame = pd.DataFrame({"n": [1]})
    with lineage.activate(lineage.Active(run_id=part.id, pipeline_run_id=who.run_id)):
        workspace.data.save(frame, "raw")
        workspace.run.finish(part.id, "killed")
        with pytest.raises(ConflictError, match="1_make runs no more: what it still saves is for nothing"):
            workspace.data.save(frame.assign(n=2), "raw")
    inner = workspace.run.start("1_make", kind="step", parent_id=who.run_id)
    workspace.run.finish(who.run_id, "failed")
    with (
        lineage.activate(lineage.Active(run_id=inner.id, pipeline_run_id=who.run_id)),
        pytest.raises(ConflictError, match="runs no more"),
    ):
        workspace.data.save(frame, "raw")


def lease_of(workspace: Workspace) -> datetime:
    until: datetime = workspace.catalog.read(lambda c: queries.slot(c, SLOT.key)).lease_until
    return until


def until(holds: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to hold")


def test_the_newest_results_of_many_keys_are_those_of_each(workspace: Workspace) -> None:
    ledger = Ledger(workspace.catalog, Clock(), workspace.run.writer_lives)
    version = workspace.versions("data").resolve(workspace.data.save(pd.DataFrame({"n": [1]}), "raw").ref).id
    own, gone = claimant(workspace), replace(claimant(workspace), step_key="g" * 64)
    for day, who, outputs in ((1, own, ()), (2, own, (version,)), (1, gone, (version,)), (2, gone, (version + 1,))):
        ledger._clock.time = datetime(2013, 4, day, tzinfo=UTC)  # type: ignore[attr-defined]
        slot = replace(SLOT, logical_time=f"2013-04-0{day}", step=who.step_key[:1])
        taken = Taken(slot, who, Committed(who.run_id, outputs, ()))
        workspace.catalog.transact(lambda c, one=taken: ledger.take_over(c, [one]))
    found = ledger.newest([own.step_key, gone.step_key, "n" * 64])
    assert found == {own.step_key: ledger.cached(own.step_key)[0], gone.step_key: None}
    assert [result.outputs for result in ledger.cached(gone.step_key)] == [(version,)]
    earlier = TakingOver(workspace.pipeline._stores, ledger, workspace.marker.root)
    before = earlier.before([own.step_key, gone.step_key])
    assert {key: result.outputs for key, result in before.items()} == dict.fromkeys(before, (version,))
    assert len(before) == 2
    assert ledger.newest([]) == {}


def test_a_run_whose_time_has_passed_to_another_takes_nothing_over(workspace: Workspace) -> None:
    first, second = claimant(workspace), claimant(workspace)
    ledger = Ledger(workspace.catalog, workspace.clock, lambda *_: False)
    whole = replace(SLOT, step=WHOLE)
    ledger.claim(whole, first)
    ledger.claim(whole, second)
    late, mine = (Taken(SLOT, one, Committed(first.run_id, (), (), one.step_key)) for one in (first, second))
    with pytest.raises(ConflictError, match="sums at 2013-04-01 was claimed by somebody else"):
        workspace.catalog.transact(lambda c: ledger.take_over(c, [late]))
    assert ledger.committed(SLOT) is None
    workspace.catalog.transact(lambda c: ledger.take_over(c, [mine]))
    assert ledger.committed(SLOT) == first.run_id
