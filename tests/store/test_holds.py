"""While a hold is on something, nothing of it goes, and whoever tries is told why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.commands.answer import answer
from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, RefusedError
from nbmlops.render.dispatch import text
from nbmlops.store.holds import Hold
from nbmlops.workspace import Workspace
from tests.commands.fakes import in_a_shell

WHY = "case 12"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "where.txt"
    path.write_text("tail = 'N14228'\n", encoding="utf-8")
    return path


def save(workspace: Workspace, number: int, name: str = "flights") -> None:
    frame = pd.DataFrame({"id": [number, number + 1, number + 2], "tail": ["N14228", "N1", "N2"]})
    workspace.data.save(frame, name)


def test_what_is_held_is_not_deleted_by_version_or_by_name(workspace: Workspace) -> None:
    save(workspace, 0)
    save(workspace, 10)
    (hold,) = workspace.store.hold("flights@v1", reason=WHY)
    for ref in ("flights@v1", "flights"):
        with pytest.raises(RefusedError, match=rf"flights@v1 cannot be deleted: hold {hold.id} .*: case 12"):
            workspace.data.delete(ref)
    workspace.data.delete("flights@v2", unlock=True)
    assert [version.ref for version in workspace.data.history("flights")] == ["flights@v1"]
    workspace.store.release("flights@v1", reason="settled")
    workspace.data.delete("flights@v1")


def test_a_hold_on_a_name_is_on_versions_to_come(workspace: Workspace) -> None:
    save(workspace, 0)
    workspace.store.hold("flights", reason=WHY)
    save(workspace, 10)
    with pytest.raises(RefusedError, match="is on flights: case 12"):
        workspace.data.delete("flights@v2")


def test_gc_keeps_what_was_deleted_before_it_was_held(workspace: Workspace) -> None:
    save(workspace, 0)
    save(workspace, 10)
    workspace.data.delete("flights", unlock=True)
    workspace.store.hold("flights@v1", reason=WHY)
    done = workspace.store.gc(grace="0")
    assert [(kept.ref, kept.why) for kept in done.kept] == [("flights@v1", "hold 1 is on it: case 12")]
    assert [freed.owner for freed in done.freed] == ["flights@v2"]
    workspace.data.restore("flights@v1")
    assert len(workspace.data.load("flights@v1")) == 3
    with pytest.raises(RefusedError, match="its bytes were freed on"):
        workspace.store.hold("flights@v2", reason=WHY)


@pytest.mark.parametrize("held", ["flights", "flights@v1"])
def test_no_row_of_what_is_held_is_erased(workspace: Workspace, condition: Path, held: str) -> None:
    save(workspace, 0)
    before = workspace.data.show("flights").digest
    workspace.store.hold(held, reason=WHY)
    for dry_run in (True, False):
        with pytest.raises(RefusedError, match=r"cannot be erased: .* case 12"):
            workspace.data.erase("flights", where_file=condition, yes=True, dry_run=dry_run)
    assert workspace.data.show("flights").digest == before
    assert not any(event.action == "data.erase" for event in workspace.audit.events())
    workspace.store.release(held, reason="settled")
    assert workspace.data.erase("flights", where_file=condition, yes=True).rows == 1


def test_no_record_of_a_run_that_is_held_is_erased(workspace: Workspace, condition: Path) -> None:
    save(workspace, 0)
    with workspace.run("gbm") as run:
        run.param({"tail": "N14228"})
    with workspace.run("gbm") as other:
        other.param({"depth": 4})
    workspace.store.hold("gbm-1", "gbm-2", reason=WHY)
    with pytest.raises(RefusedError, match="gbm-1 cannot be erased: hold 1"):
        workspace.data.erase("flights", where_file=condition, yes=True)
    assert workspace.run.show("gbm-1").params == {"tail": "N14228"}
    assert len(workspace.data.load("flights")) == 3
    workspace.store.release("gbm-1", reason="settled")
    # The other one holds no value, so it is as it was, and nothing is in the way.
    assert workspace.data.erase("flights", where_file=condition, yes=True).rows == 1


def test_several_holds_on_one_thing_are_released_one_by_one(workspace: Workspace) -> None:
    save(workspace, 0)
    workspace.store.hold("flights", reason=WHY)
    workspace.store.hold("flights", reason="audit 2026")
    with pytest.raises(AmbiguousError, match="several holds are on flights: 1, 2"):
        workspace.store.release("flights", reason="settled")
    (gone,) = workspace.store.release("1", reason="settled")
    assert (gone.released_why, gone.released_by) == ("settled", gone.by)
    with pytest.raises(RefusedError, match="audit 2026"):
        workspace.data.delete("flights")
    workspace.store.release("flights", reason="settled")
    assert workspace.store.holds() == []
    assert [hold.id for hold in workspace.store.holds(released=True)] == [1, 2]


def test_holds_are_audited_and_all_or_none(workspace: Workspace) -> None:
    save(workspace, 0)
    with pytest.raises(NotFoundError, match="named 'flihgts'"):
        workspace.store.hold("flights", "flihgts", reason=WHY)
    assert workspace.store.holds() == []
    with pytest.raises(NotFoundError, match="no flights@v9"):
        workspace.store.hold("flights@v9", reason=WHY)
    with pytest.raises(InvalidError, match="needs its reason"):
        workspace.store.hold("flights", reason=" ")
    workspace.store.hold("flights", reason=WHY)
    with pytest.raises(NotFoundError, match="no hold 7"):
        workspace.store.release("1", "7", reason="settled")
    workspace.store.release("1", reason="settled")
    released, held = workspace.audit.events(2)
    assert (held.action, held.subject, held.detail["reason"]) == ("store.hold", "flights", WHY)
    assert (released.action, released.detail["held_for"], released.detail["reason"]) == (
        "store.release",
        WHY,
        "settled",
    )


def test_one_name_of_two_kinds_needs_its_kind(workspace: Workspace) -> None:
    save(workspace, 0, "gbm-1")
    with workspace.run("gbm"):
        pass
    with pytest.raises(AmbiguousError, match="gbm-1 is the name of run and of data"):
        workspace.store.hold("gbm-1", reason=WHY)
    (hold,) = workspace.store.hold("gbm-1", reason=WHY, kind="run")
    assert (hold.kind, hold.ref) == ("run", "gbm-1")


def test_holds_are_listed_in_the_shell(workspace: Workspace) -> None:
    save(workspace, 0)
    shell = in_a_shell(workspace)
    answer(["store", "hold", "flights@v1", "--reason", WHY], shell)
    shown = text(answer(["store", "holds"], shell).result)
    assert "flights@v1" in shown
    assert WHY in shown
    assert all(isinstance(hold, Hold) for hold in workspace.store.holds())
