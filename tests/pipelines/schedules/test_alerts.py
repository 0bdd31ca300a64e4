"""Who is told what, and how often: by apprise, to a web server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nbmlops.core.actions import Order
from nbmlops.core.errors import InvalidError, NotFoundError, UntrustedError
from nbmlops.pipelines.schedules.records import Fire, Remark
from nbmlops.workspace import Workspace
from tests.pipelines.schedules.bench import Echo, MovedClock, opened, passed


class Mailbox:
    """Takes what is sent to it; `refusals` of them are answered with a failure first."""

    def __init__(self) -> None:
        self.letters: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.refusals = 0
        mailbox = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mailbox.refusals -= 1
                if mailbox.refusals < 0:
                    mailbox.letters.append(json.loads(body))
                    mailbox.paths.append(self.path)
                self.send_response(200 if mailbox.refusals < 0 else 503)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_address[1]}"

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(letter["type"], letter["title"]) for letter in self.letters]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def workspace(
    tmp_path: Path, clock: MovedClock, echo: Echo, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    monkeypatch.setenv("MAILBOX_TOKEN", "s3cr3t")
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text(f'[tool.nbmlops]\nalerts = ["{mailbox.url}/secret:MAILBOX_TOKEN"]\n')
    with opened(root, clock, echo) as made:
        made.schedule.add("delays", "0 6 * * *", action="echo", catchup="all")
        yield made


def fail(order: Order) -> None:
    raise InvalidError("no rows")


def test_a_failure_and_the_recovery_from_it_are_told_once_each(
    workspace: Workspace, clock: MovedClock, echo: Echo, mailbox: Mailbox
) -> None:
    echo.does = fail
    for _ in range(3):
        clock.move(minutes=1)
        passed(workspace)
        clock.move(hours=23, minutes=59)
    echo.does = lambda _: None
    for _ in range(2):
        clock.move(days=1)
        passed(workspace)
    told = [each for each in mailbox.told if each[0] != "warning"]
    assert told == [("failure", "nbmlops: delays failed"), ("success", "nbmlops: delays works again")]
    assert "for 2026-11-26T06:00:00Z: no rows" in mailbox.letters[0]["message"]
    assert mailbox.paths[0] == "/s3cr3t"


def test_two_daemons_tell_it_once(
    workspace: Workspace, clock: MovedClock, echo: Echo, mailbox: Mailbox, tmp_path: Path
) -> None:
    echo.does = fail
    clock.move(minutes=2)
    with opened(tmp_path / "project", clock, echo) as other:
        daemons = [threading.Thread(target=passed, args=(one,)) for one in (workspace, other)]
        for daemon in daemons:
            daemon.start()
        for daemon in daemons:
            daemon.join()
        passed(other)
    assert mailbox.told == [("failure", "nbmlops: delays failed")]


def test_what_is_late_is_told_before_it_starts(workspace: Workspace, clock: MovedClock, mailbox: Mailbox) -> None:
    clock.move(hours=2)
    passed(workspace)
    passed(workspace)
    assert mailbox.told == [("warning", "nbmlops: delays is late")]
    assert "has been due for 1 h 59 min" in mailbox.letters[0]["message"]


def test_what_could_not_be_told_is_said_and_told_later(
    workspace: Workspace, clock: MovedClock, echo: Echo, mailbox: Mailbox
) -> None:
    mailbox.refusals = 1
    echo.does = fail
    clock.move(minutes=2)
    said: list[Fire | Remark] = []
    workspace.schedule.run(once=True, tell=said.append)
    assert [each.text for each in said if isinstance(each, Remark)] == [
        "nobody could be told that delays failed; it is tried again"
    ]
    assert mailbox.told == []
    clock.move(minutes=2)
    passed(workspace)
    assert mailbox.told == [("failure", "nbmlops: delays failed")]


def test_the_secret_is_nowhere_in_the_project(
    workspace: Workspace, clock: MovedClock, echo: Echo, mailbox: Mailbox, tmp_path: Path
) -> None:
    mailbox.refusals = 1
    echo.does = fail
    clock.move(minutes=2)
    said: list[Fire | Remark] = []
    workspace.schedule.run(once=True, tell=said.append)
    workspace.close()
    assert "s3cr3t" not in repr(said)
    assert [
        path for path in (tmp_path / "project").rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()
    ] == []


def test_a_daemon_that_could_tell_nobody_does_not_begin(
    workspace: Workspace, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAILBOX_TOKEN")
    with pytest.raises(NotFoundError, match="there is no secret MAILBOX_TOKEN"):
        passed(workspace)
    monkeypatch.setenv("MAILBOX_TOKEN", "s3cr3t")
    (workspace.marker.root / "pyproject.toml").write_text('[tool.nbmlops]\nalerts = ["nonsense"]\n')
    with (
        opened(workspace.marker.root, clock) as other,
        pytest.raises(InvalidError, match=r"alert 1 .* is no URL that apprise knows"),
    ):
        passed(other)


def test_a_workspace_that_is_not_trusted_tells_nobody(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NBMLOPS_CONFIG", str(tmp_path / "nobody"))
    with opened(workspace.marker.root, MovedClock()) as other, pytest.raises(UntrustedError, match="who is told"):
        passed(other)
