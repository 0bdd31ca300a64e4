from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace
from nbmlops.__main__ import main
from nbmlops.core.errors import InvalidError, NotFoundError


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path) as made:
        made.model.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), "delay")
        made.model.save(LogisticRegression().fit([[0.0], [2.0]], [0, 1]), "delay")
        yield made


def test_a_model_of_which_nothing_was_said_is_answered_by_its_alias(workspace: Workspace) -> None:
    deployment = workspace.deployment.show("delay")
    assert (deployment.alias, deployment.split, deployment.changed) == ("production", (), 0)
    assert workspace.deployment.list() == []


def test_a_split_is_kept_told_and_undone(workspace: Workspace) -> None:
    split = workspace.deployment.split("delay", "v1=90", {"v2": 10}, sticky="tailnum")
    assert split.split == (("v1", 90.0), ("v2", 10.0))
    assert split.sticky == "tailnum"
    assert workspace.deployment.show("delay") == split
    assert workspace.deployment.list() == [split]
    undone = workspace.deployment.split("delay", off=True)
    assert (undone.split, undone.sticky, undone.changed) == ((), None, 2)


def test_a_shadow_stays_while_the_split_changes(workspace: Workspace) -> None:
    workspace.deployment.shadow("delay", "v2", "v2")
    assert workspace.deployment.split("delay", "v1=50").shadow == ("v2",)
    assert workspace.deployment.shadow("delay", off=True).shadow == ()


def test_each_change_is_an_event_and_is_counted(workspace: Workspace) -> None:
    assert workspace.deployment.show("delay").changed == 0
    workspace.deployment.split("delay", "v1=90", "v2=10")
    workspace.deployment.shadow("delay", "v2")
    assert workspace.deployment.show("delay").changed == 2
    told = workspace.deployment.history("delay")
    assert [change.verb for change in told] == ["shadow", "split"]
    assert told[1].detail["split"] == [["v1", 90.0], ["v2", 10.0]]
    assert workspace.audit.verify() == workspace.audit.count()


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        (("v1",), "is no share"),
        (("v1=x",), "no percentage of v1"),
        (("v1=0",), "no percentage of v1"),
        (("v1=nan",), "no percentage of v1"),
        (("v1=60", "v2=60"), "the shares of delay"),
        (("v1=60", "v1=10"), "v1 has two shares"),
        ((), "no share is given"),
    ],
)
def test_what_is_no_split_is_refused_and_changes_nothing(
    workspace: Workspace, shares: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        workspace.deployment.split("delay", *shares)
    assert workspace.deployment.show("delay").changed == 0


def test_a_version_that_is_not_there_answers_nobody(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="delay has no challenger"):
        workspace.deployment.split("delay", "challenger=10")
    with pytest.raises(NotFoundError, match="delay has no v9"):
        workspace.deployment.shadow("delay", "v9")
    with pytest.raises(NotFoundError):
        workspace.deployment.show("dealy")
    assert workspace.deployment.history("delay") == []


def test_the_shell_says_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace.marker.root)

    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["deployment", *words])
        assert ended.value.code == 0
        return capsys.readouterr().out

    assert "v1 90 %, v2 10 %" in said("split", "delay", "v1=90", "v2=10", "--sticky", "tailnum")
    assert json.loads(said("show", "delay", "--json"))["sticky"] == "tailnum"
    said("split", "delay", "--off")
    assert said("history", "delay").count("split") == 4
