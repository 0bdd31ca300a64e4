"""A digest is sent by apprise to a web server on this machine."""

from __future__ import annotations

import pytest

from nbmlops import Workspace
from nbmlops.core.errors import DependencyError
from tests.pipelines.schedules.test_alerts import Mailbox, mailbox

__all__ = ["mailbox"]


def test_a_digest_goes_where_alerts_go(workspace: Workspace, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_ALERTS", mailbox.url)
    with Workspace.open(workspace.marker.root) as again:
        assert again.monitor.digest(send=True).sent
    assert mailbox.told == [("info", "nbmlops: digest: 0 matters of no hurry, 0 told before")]


def test_without_apprise_the_extra_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_ALERTS", "json://127.0.0.1:1")
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with Workspace.open(workspace.marker.root) as again, pytest.raises(DependencyError) as found:
        again.monitor.digest(send=True)
    assert "nbmlops[alerts]" in str(found.value.hint)
