"""A promotion that others must approve: asked for, approved, rejected, overtaken; each told by the audit trail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import ConflictError, CorruptError, InvalidError, NotFoundError, RefusedError
from nbmlops.models.approvals import rule_of
from nbmlops.models.records import Promotion
from nbmlops.render.dispatch import text
from nbmlops.store.aliases import Aliases
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write

ONE = "[tool.nbmlops.approvals.pipeline]\nsums = { production = 1 }\n"
SUM = 'ml.log(total=float(ml.data.load("flights").n.sum()))'


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which ann has asked for a promotion of sums, which one other must approve."""
    root = tmp_path_factory.mktemp("approving") / "project"
    with pytest.MonkeyPatch.context() as patch, make(root) as made:
        patch.setenv("NBMLOPS_USER", "ann")
        shutil.rmtree(root / "notebooks")
        write(root / "notebooks" / "sum.ipynb", "factor: int = 2", SUM)
        with (root / "pyproject.toml").open("a") as file:
            file.write(ONE)
        made.data.save(pd.DataFrame({"n": [1, 2, 3]}), "flights")
        asked = made.pipeline.promote("sums", message="for the winter")
    assert (asked.moved, asked.before, asked.after) == (False, None, "sums@v1")
    assert "another person approves: `nbmlops pipeline approve sums@v1 --to production`" in text(asked)
    return root


@pytest.fixture
def workspace(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of that project, as bo sees it."""
    monkeypatch.setenv("NBMLOPS_USER", "bo")
    shutil.copytree(judged, tmp_path / "project")
    with Workspace.open(tmp_path / "project") as opened:
        yield opened


def needs(workspace: Workspace, number: int) -> None:
    path = workspace.marker.root / "pyproject.toml"
    path.write_text(path.read_text().replace("production = 1", f"production = {number}"))


def place(workspace: Workspace) -> str | None:
    versions = workspace.versions("pipeline")
    found = Aliases(versions, workspace.clock).at("sums", "production")
    return found.ref if found else None


def again(workspace: Workspace, source: str, who: str, monkeypatch: pytest.MonkeyPatch) -> Promotion:
    """Promote what is another version of the pipeline."""
    monkeypatch.setenv("NBMLOPS_USER", who)
    write(workspace.marker.root / "notebooks" / "sum.ipynb", "factor: int = 2", SUM, source)
    promoted = workspace.pipeline.promote("sums")
    monkeypatch.setenv("NBMLOPS_USER", "bo")
    return promoted


def test_another_person_approves_and_the_alias_moves(workspace: Workspace) -> None:
    assert place(workspace) is None
    (version,) = workspace.pipeline.history("sums")
    assert version.asked == ("production: asked by ann, 0 of 1 approvals",)
    assert version.judged == (1, "warned")
    (listed,) = workspace.pipeline.list()
    assert listed.waits == ("sums@v1 at production: asked by ann, 0 of 1 approvals",)

    done = workspace.pipeline.approve("sums", message="read it")
    assert (done.moved, done.before, done.after, done.waits) == (True, None, "sums@v1", None)
    assert place(workspace) == "sums@v1"
    moved, approved, *_, asked = workspace.audit.events()[:3]
    assert (asked.action, asked.actor, asked.detail["message"]) == ("pipeline.ask", "ann", "for the winter")
    assert (approved.action, approved.actor, approved.detail["message"]) == ("pipeline.approve", "bo", "read it")
    assert (moved.action, moved.actor) == ("pipeline.promote", "bo")
    agreed = {"ask": asked.sequence, "asked_by": "ann", "approved_by": ["bo"], "report": 1}
    assert {key: moved.detail[key] for key in agreed} == agreed
    assert workspace.audit.verify() == workspace.audit.count()
    (version,) = workspace.pipeline.history("sums")
    assert version.asked == ("production: asked by ann, approved by bo (of the account that asked), moved",)
    assert workspace.pipeline.list()[0].waits == ()


def test_nobody_approves_their_own(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    with pytest.raises(RefusedError, match=r"ann asked for production of sums and cannot approve it: another person"):
        workspace.pipeline.approve("sums")
    assert place(workspace) is None
    assert workspace.pipeline.reject("sums", message="not yet").state == "rejected", "one's own may be taken back"
    monkeypatch.setenv("NBMLOPS_USER", "bo")
    with pytest.raises(NotFoundError, match="nothing of sums waits for approval at production"):
        workspace.pipeline.approve("sums")
    assert workspace.pipeline.history("sums")[0].asked == ("production: asked by ann, rejected",)
    assert workspace.audit.events(1)[0].detail["message"] == "not yet"


def test_as_many_must_approve_as_the_policy_says(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(workspace, 2)
    with pytest.raises(ConflictError, match="needed 1 approvals when it was judged, and needs 2 now"):
        workspace.pipeline.approve("sums")
    asked = again(workspace, "1 + 1", "ann", monkeypatch)
    assert (asked.waits.lacking if asked.waits else None) == 2
    first = workspace.pipeline.approve("sums")
    assert (first.moved, first.waits.lacking if first.waits else None) == (False, 1)
    assert "production stays on nothing: sums@v2 waits for approval" in text(first)
    assert place(workspace) is None
    with pytest.raises(RefusedError, match="bo has approved sums@v2 at production already: 1 more must"):
        workspace.pipeline.approve("sums")
    monkeypatch.setenv("NBMLOPS_USER", "cy")
    assert workspace.pipeline.approve("sums").moved
    assert place(workspace) == "sums@v2"
    assert workspace.audit.events(1)[0].detail["approved_by"] == ["bo", "cy"]


def test_what_is_approved_is_what_was_looked_at(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = again(workspace, "1 + 1", "ann", monkeypatch)
    assert asked.after == "sums@v2"
    with pytest.raises(ConflictError, match="sums@v1 does not wait for approval at production: sums@v2 does"):
        workspace.pipeline.approve("sums@v1")
    assert workspace.pipeline.approve("sums@v2").moved
    states = [version.asked[0].rpartition(", ")[2] for version in workspace.pipeline.history("sums")]
    assert states == ["moved", "replaced by a newer one"]


def test_what_was_asked_for_twice_waits_once_and_keeps_its_approvals(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = workspace.audit.count()
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    asked = workspace.pipeline.promote("sums")
    assert asked.waits is not None
    assert asked.waits.message == "for the winter"
    assert workspace.audit.count() == number
    monkeypatch.setenv("NBMLOPS_USER", "bo")
    assert workspace.pipeline.approve("sums").moved
    # It is there already, so nothing is asked for.
    same = workspace.pipeline.promote("sums")
    assert (same.moved, same.waits, same.after) == (False, None, "sums@v1")


def test_what_has_changed_since_is_not_approved(workspace: Workspace) -> None:
    workspace.data.save(pd.DataFrame({"n": [5]}), "flights")
    workspace.pipeline.delete("sums@v1")
    workspace.versions("data").delete("flights@v1")
    workspace.pipeline.restore("sums@v1")
    with pytest.raises(ConflictError, match="sums@v1 reads what is not here any more: data flights@"):
        workspace.pipeline.approve("sums")
    workspace.data.restore("flights@v1")

    versions = workspace.versions("pipeline")
    made = versions.add("sums", digest="a" * 64, root=versions.resolve("sums").root, size=1, new_bytes=1, detail={})
    aliases = Aliases(versions, workspace.clock)
    workspace.catalog.transact(lambda c: aliases.move(c, "production", made, expected=None))
    with pytest.raises(ConflictError, match=r"the alias production of sums was moved in the meantime"):
        workspace.pipeline.approve("sums")
    workspace.catalog.transact(lambda c: aliases.remove(c, "production", made))

    workspace.pipeline.delete("sums@v1")
    with pytest.raises(ConflictError, match="sums@v1 is not what was asked for any more"):
        workspace.pipeline.approve("sums")
    workspace.pipeline.restore("sums@v1")
    assert workspace.pipeline.approve("sums").moved


def test_a_frozen_version_that_is_damaged_is_not_approved(workspace: Workspace) -> None:
    for pack in (workspace.marker.state / "objects" / "packs").glob("*.pack"):
        content = bytearray(pack.read_bytes())
        content[64 : len(content) - 64] = bytes(len(content) - 128)
        pack.chmod(0o644)
        pack.write_bytes(content)
    with pytest.raises(CorruptError):
        workspace.pipeline.approve("sums")
    assert place(workspace) is None


def test_a_policy_that_changes_while_it_is_proved_moves_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: list[bool] = []

    def meanwhile(_: object) -> None:
        if not changed:
            needs(workspace, 0)
            changed.append(True)

    monkeypatch.setenv("NBMLOPS_USER", "ann")
    with pytest.raises(ConflictError, match="needed 1 approvals when it was judged, and needs 0 now"):
        workspace.pipeline.promote("sums", progress=meanwhile)
    assert place(workspace) is None


def test_of_approvals_that_race_one_moves(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "nbmlops", "pipeline", "approve", "sums", "-m", "read it"]
    people = [f"person{number}" for number in range(4)]
    running = [
        subprocess.Popen(
            command,
            cwd=workspace.marker.root,
            env={**os.environ, "NBMLOPS_USER": who},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who in people
    ]
    said = [process.communicate(timeout=60) for process in running]
    assert sorted(process.returncode for process in running) == [0, 2, 2, 2]
    assert all("waits for approval" in err for out, err in said if not out)
    events = [event.action for event in workspace.audit.events()]
    assert (events.count("pipeline.approve"), events.count("pipeline.promote")) == (1, 1)
    assert place(workspace) == "sums@v1"


def test_a_shell_says_that_it_waits_by_its_exit_code(workspace: Workspace) -> None:
    needs(workspace, 2)
    env = {**os.environ, "NBMLOPS_USER": "ann"}
    command = [sys.executable, "-m", "nbmlops", "pipeline"]
    asked = subprocess.run(
        [*command, "promote", "sums"],
        cwd=workspace.marker.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert asked.returncode == 1
    assert "production stays on nothing: sums@v1 waits for approval" in asked.stdout
    assert "production: asked by ann, 0 of 2 approvals" in asked.stdout


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"pipelines": {}}, r"has 'pipelines', which is no table of it\nhint: did you mean pipeline\?"),
        ({"pipeline": {"delays": 1}}, r"has no aliases for delays\nhint: delays = \{ production = 1 \}"),
        ({"pipeline": {"delays": {"production": True}}}, "has production = True for delays"),
        ({"pipeline": {"delays": {"production": -1}}}, "has production = -1 for delays"),
        ({"model": {"two words": {"production": 1}}}, "two words"),
        ({"model": {"*": {"v1": 1}}}, "v1"),
    ],
)
def test_a_policy_that_is_none_is_an_error_that_names_its_place(table: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        rule_of(table, "pipeline", "delays", "production")


def test_the_line_of_a_name_counts_before_that_of_all() -> None:
    table = {"pipeline": {"*": {"production": 2, "staging": 1}, "delays": {"production": 1}}}
    asked = [("delays", "production"), ("delays", "staging"), ("sums", "production"), ("sums", "champion")]
    assert [rule_of(table, "pipeline", *each).needed for each in asked] == [1, 0, 2, 0]
    assert rule_of(table, "model", "sums", "production").needed == 0
