"""The doctor looks at everything and is stopped by nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.clock import RehearsalClock
from nbmlops.workspace import Workspace
from nbmlops.workspace.doctor import Diagnosis, Observation
from nbmlops.workspace.root import doctor

if TYPE_CHECKING:
    import pytest


def seen(diagnosis: Diagnosis) -> dict[str, Observation]:
    return {each.what: each for each in diagnosis.observations}


def test_a_healthy_workspace_is_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_CONFIG", str(tmp_path / "somebody"))
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(Path(__file__), "this")
        diagnosis = workspace.doctor()
    assert diagnosis.ok
    found = seen(diagnosis)
    assert found["store"].seen.startswith("1 objects")
    assert "quick_check ok" in found["catalog"].seen
    assert "trusted by you" in found["trust"].seen
    assert "no key yet" in found["keys"].seen


def test_it_shows_the_public_key_that_colleagues_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_CONFIG", str(tmp_path / "somebody"))
    with Workspace.init(tmp_path) as workspace:
        workspace.keyring.sign(b"anything")
        key = workspace.keyring.public_key()
        workspace.keyring.trust_key("ab" * 32, "Bob")
        said = seen(workspace.doctor())["keys"].seen
    assert key in said
    assert said.endswith("others that you trust: 1")


def test_a_damaged_object_is_found_and_the_rest_still_looked_at(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(Path(__file__), "this")
        pack = next((workspace.marker.state / "objects" / "packs").glob("*.pack"))
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:-40])
        diagnosis = workspace.doctor()
    assert not diagnosis.ok
    found = seen(diagnosis)
    assert (found["store"].state, found["audit"].state) == ("bad", "ok")


def test_a_time_that_is_not_the_machines_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = tmp_path / "clock"
    monkeypatch.setenv("NBMLOPS_CLOCK", str(at))
    broken = seen(doctor(tmp_path))["clock"]
    RehearsalClock(at).set(datetime(2013, 4, 1, tzinfo=UTC))
    rehearsed = seen(doctor(tmp_path))["clock"]
    monkeypatch.delenv("NBMLOPS_CLOCK")
    assert (broken.state, rehearsed.state) == ("bad", "note")
    assert "2013-04-01" in rehearsed.seen
    assert "clock" not in seen(doctor(tmp_path))


def test_a_broken_workspace_and_none_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nowhere = doctor()
    assert nowhere.ok
    assert seen(nowhere)["workspace"].state == "note"
    Workspace.init(tmp_path).close()
    (tmp_path / ".nbmlops" / "workspace.json").write_text("{")
    broken = doctor()
    assert not broken.ok
    assert "workspace.json" in seen(broken)["workspace"].seen
