"""Rules of retention are about captured requests too: whole hours, by the tags of the version that answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nbmlops.core.clock import microseconds
from nbmlops.core.errors import InvalidError
from nbmlops.core.settings import Settings
from nbmlops.render.dispatch import text
from nbmlops.serving.capture.log import CaptureLog
from nbmlops.serving.capture.requests import CapturedRequest
from nbmlops.serving.records import Deployment
from nbmlops.store import tags
from nbmlops.store.retaining import Retained
from nbmlops.workspace import Workspace, layout
from tests.serving.conftest import NOON


class At:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOON


AGES = (1, 10, 40, 100)
"""In days, of the requests that are captured of each version."""


def capture(workspace: Workspace, name: str, version: int) -> None:
    with CaptureLog(workspace.deployment.captured.root, Deployment(name), f"w{version}") as log:
        requests = []
        for days in AGES:
            at = microseconds(NOON - timedelta(days=days))
            requests.append(
                CapturedRequest(f"{version}-{days}", at, version, inputs={"x": [days]}, outputs={"predict": [0]})
            )
        log.add(requests)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    Workspace.init(tmp_path).close()
    with Workspace(layout.locate(tmp_path), Settings(), At()) as made:
        (tmp_path / "value.txt").write_text("any bytes")
        root = made.data.save(tmp_path / "value.txt", "bytes").digest
        for name in ("delay", "other"):
            for number in (1, 2):
                content = {"digest": f"{name[0]}{number}".ljust(64, "0"), "root": root, "size": 1, "new_bytes": 0}
                made.versions("model").enter(name, {**content, "detail": {}})
                capture(made, name, number)
        second = made.versions("model").resolve("delay@v2").id
        made.catalog.transact(lambda c: tags.put(c, second, {"data": "personal"}))
        yield made


def rule(workspace: Workspace, **tables: dict[str, Any]) -> None:
    lines = []
    for name, said in tables.items():
        lines.append(f"[tool.nbmlops.retention.{name}]")
        for key, value in said.items():
            plain = json.dumps(value)
            lines.append(f"{key} = {plain.replace(': ', ' = ') if isinstance(value, dict) else plain}")
    (workspace.marker.root / "pyproject.toml").write_text("\n".join(lines))


def there(workspace: Workspace, name: str = "delay") -> set[str]:
    return set(workspace.deployment.captured.rows(name).collect()["_id"])


def all_of(*versions: int) -> set[str]:
    return {f"{version}-{days}" for version in versions for days in AGES}


def hours(done: Retained) -> dict[str, int]:
    return {one.ref: one.hours for one in done.retired}


def test_hours_go_that_no_rule_keeps(workspace: Workspace) -> None:
    rule(workspace, old={"kind": "requests", "names": "delay", "keep": "30d"})
    told = workspace.store.retain()
    assert hours(told) == {"delay@v1": 2, "delay@v2": 2}
    assert there(workspace) == all_of(1, 2)
    assert "0 versions and 4 hours of requests would be deleted" in text(told)
    done = workspace.store.retain(apply=True)
    assert (done.retired, done.needed) == (told.retired, ())
    assert there(workspace) == {"1-1", "1-10", "2-1", "2-10"}
    assert there(workspace, "other") == all_of(1, 2)
    assert workspace.audit.events(1)[0].detail["requests"] == [["delay@v1", 2, ["old"]], ["delay@v2", 2, ["old"]]]
    assert len(workspace.deployment.captured.hours("delay")) == 4
    assert workspace.store.retain(apply=True).retired == ()


def test_tags_are_those_of_the_version_that_answered_and_the_longest_rule_holds(workspace: Workspace) -> None:
    personal = {"kind": "requests", "tags": {"data": "pers*"}, "keep": "7d"}
    rule(workspace, personal=personal)
    assert hours(workspace.store.retain()) == {"delay@v2": 3}
    rule(workspace, personal=personal, years={"kind": "requests", "names": "del*", "keep": "8w"})
    assert hours(workspace.store.retain(apply=True)) == {"delay@v1": 1, "delay@v2": 1}
    assert there(workspace) == all_of(1, 2) - {"1-100", "2-100"}


def test_a_hold_on_the_model_keeps_all_and_says_why(workspace: Workspace) -> None:
    rule(workspace, old={"kind": "requests", "keep": "30d"})
    workspace.store.hold("delay@v1", kind="model", reason="case 12")
    done = workspace.store.retain(apply=True)
    assert hours(done) == {"other@v1": 2, "other@v2": 2}
    assert {one.ref for one in done.needed} == {"delay@v1", "delay@v2"}
    assert all("what was captured of delay cannot be deleted: hold 1" in one.why for one in done.needed)
    assert there(workspace) == all_of(1, 2)
    workspace.store.release("1", reason="closed")
    assert hours(workspace.store.retain(apply=True)) == {"delay@v1": 2, "delay@v2": 2}


def test_a_rule_about_versions_leaves_requests_alone(workspace: Workspace) -> None:
    rule(workspace, old={"kind": "model", "keep": "1d", "last": 1})
    workspace.store.retain(apply=True)
    assert there(workspace) == all_of(1, 2)


@pytest.mark.parametrize("said", [{"last": 3}, {"keep": "30d", "last": 1}])
def test_requests_stay_by_their_age_alone(workspace: Workspace, said: dict[str, Any]) -> None:
    rule(workspace, old={"kind": "requests", **said}, good={"kind": "requests", "keep": "1d"})
    with pytest.raises(InvalidError, match="captured requests, which stay by their age alone"):
        workspace.store.retain(apply=True)
    assert there(workspace) == all_of(1, 2)
