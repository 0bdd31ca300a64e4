"""Webhooks: each change of a model reaches a real receiver, signed, once by its id, whatever goes wrong on the way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops.core.errors import InvalidError, NotFoundError, UnavailableError, UntrustedError
from nbmlops.pipelines.schedules.posting import Place, post
from nbmlops.store import audit
from nbmlops.workspace import Workspace
from tests.pipelines.schedules.bench import MovedClock, opened, passed

KEY = "0123456789abcdef0123456789abcdef"


class Receiver:
    """Takes what is posted; `does` may answer in another way: a status, or headers besides, or nothing for a while."""

    def __init__(self) -> None:
        self.letters: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.does: Callable[[BaseHTTPRequestHandler], None] | None = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.asked.append(self.path)
                if receiver.does is not None:
                    receiver.does(self)
                    return
                receiver.letters.append(({key.lower(): value for key, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A caller that went away has seen enough."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.letters]

    @property
    def events(self) -> list[str]:
        return [one["event"].removeprefix("model.") for one in self.told]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def status(number: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(number)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


@pytest.fixture
def root(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOOK_KEY", KEY)
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    root = tmp_path / "project"
    root.mkdir()
    said = f'[tool.nbmlops.webhooks]\nteam = {{ url = "{receiver.url}", secret = "secret:HOOK_KEY" }}\n'
    (root / "pyproject.toml").write_text(said)
    return root


@pytest.fixture
def workspace(root: Path, clock: MovedClock) -> Iterator[Workspace]:
    with opened(root, clock) as made:
        yield made


def save(workspace: Workspace, slope: float, name: str = "delay") -> None:
    x = np.arange(20.0).reshape(-1, 1)
    workspace.model.save(LinearRegression().fit(x, slope * x[:, 0]), name, example=x, message="not for others")


def test_each_change_is_told_with_what_moved_from_where_to_where(
    workspace: Workspace, clock: MovedClock, receiver: Receiver
) -> None:
    save(workspace, 1)
    workspace.schedule.add("team", on="model:delay", action="webhook")
    save(workspace, 2)
    save(workspace, 3, "other")
    workspace.model.promote("delay@v1")
    workspace.model.promote("delay@v2")
    workspace.model.rollback("delay")
    workspace.model.delete("delay@v2")
    workspace.model.restore("delay@v2")
    workspace.model.rename("delay", "lateness")
    assert {fire.state for fire in passed(workspace)} == {"completed"}
    assert sorted(receiver.events) == sorted(["save", "promote", "promote", "rollback", "delete", "restore", "rename"])
    told = {one["event"]: one for one in receiver.told}
    back = told["model.rollback"]
    assert (back["schema"], back["who"], back["alias"]) == (1, "ann", "production")
    assert (back["before"]["number"], back["after"]["number"]) == (2, 1)
    assert [one["number"] for one in told["model.save"]["versions"]] == [2]
    assert [one["number"] for one in told["model.delete"]["versions"]] == [2]
    assert (told["model.rename"]["model"], told["model.rename"]["renamed"]) == ("delay", "lateness")
    assert len({one["id"] for one in receiver.told}) == 7
    assert "not for others" not in json.dumps(receiver.told)
    assert passed(workspace) == []


def test_without_a_name_all_models_are_told_of(workspace: Workspace, receiver: Receiver) -> None:
    workspace.schedule.add("team", on="model", action="webhook")
    save(workspace, 1)
    save(workspace, 2, "other")
    passed(workspace)
    assert {one["model"] for one in receiver.told} == {"delay", "other"}


def test_what_waits_for_others_is_told_with_their_answer(
    root: Path, clock: MovedClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (root / "pyproject.toml").open("a") as settings:
        settings.write("[tool.nbmlops.approvals.model.delay]\nproduction = 1\n")
    with opened(root, clock) as workspace:
        save(workspace, 1)
        workspace.schedule.add("team", on="model:delay", action="webhook")
        workspace.model.promote("delay")
        with audit.acting("bo"):
            workspace.model.reject("delay")
            workspace.model.promote("delay")
        workspace.model.approve("delay")
        passed(workspace)
    told = [(one["event"], one["who"], one["alias"]) for one in sorted(receiver.told, key=lambda one: one["sequence"])]
    assert told == [
        ("model.ask", "ann", "production"),
        ("model.reject", "bo", "production"),
        ("model.ask", "bo", "production"),
        ("model.approve", "ann", "production"),
        ("model.promote", "ann", "production"),
    ]
    assert all(one["versions"][0]["ref"] == "delay@v1" for one in receiver.told)


def test_the_signature_is_that_of_standard_webhooks(workspace: Workspace, receiver: Receiver) -> None:
    workspace.schedule.add("team", on="model", action="webhook")
    save(workspace, 1)
    passed(workspace)
    ((headers, body),) = receiver.letters
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert headers["webhook-id"] == json.loads(body)["id"]
    assert KEY not in json.dumps([headers, body.decode()])
    for path in (workspace.marker.root).rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(500), "the answer was 500"),
        (status(404), "the answer was 404"),
        (status(302, location="/elsewhere"), "the answer was 302, and redirects are not followed"),
        (lambda handler: handler.connection.close(), "no answer"),
    ],
    ids=["fails", "refuses", "redirects", "hangs up"],
)
def test_what_was_not_taken_is_told_again_later_and_later(
    workspace: Workspace, clock: MovedClock, receiver: Receiver, answer: Any, why: str
) -> None:
    workspace.schedule.add("team", on="model", action="webhook")
    save(workspace, 1)
    receiver.does = answer
    # The pause is as long as the change is old: 5 seconds at first, then 6, then 13.
    for seconds, tries in ((0, 1), (4, 1), (2, 2), (5, 2), (2, 3), (12, 3), (3, 4)):
        clock.move(seconds=seconds)
        assert passed(workspace) == []
        assert len(receiver.asked) == tries
    assert set(receiver.asked) == {"/hook"}
    assert why in str(workspace.schedule.history("team")[0].note)
    receiver.does = None
    clock.move(hours=1)
    assert [fire.state for fire in passed(workspace)] == ["completed"]
    assert receiver.events == ["save"]


def test_after_three_days_it_has_failed_and_people_are_told(
    workspace: Workspace, clock: MovedClock, receiver: Receiver
) -> None:
    workspace.schedule.add("team", on="model", action="webhook")
    save(workspace, 1)
    receiver.does = status(500)
    clock.move(days=3, hours=1)
    (fire,) = passed(workspace)
    assert fire.state == "failed"
    assert "given up after 3 d" in str(fire.note)


def test_a_receiver_that_does_not_answer_is_left_after_its_time() -> None:
    receiver, released = Receiver(), threading.Event()

    def drop_by_drop(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 ")
        while not released.wait(0.1):
            handler.wfile.write(b"O")
            handler.wfile.flush()

    for does in (lambda _: released.wait(), drop_by_drop):  # neither ends by itself
        receiver.does = does
        with pytest.raises(UnavailableError, match=r"no answer in 0\.5 seconds"):
            post(Place.of("team", receiver.url, KEY), "one", 1, b"{}", seconds=0.5)
    released.set()
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        ("http://hooks.example/x", KEY, "none of https"),
        ("http://10.0.0.7/x", KEY, "none of https"),
        ("file:///etc/passwd", KEY, "none of https"),
        ("https://", KEY, "none of https"),
        ("https://host:notaport/", KEY, "none of https"),
        ("https://ann:pass@hooks.example/x", KEY, "a name or a password"),
        ("https://hooks.example/x", "short", "fewer than 16 bytes"),
        ("https://hooks.example/x", "whsec_!", "no base64"),
    ],
)
def test_an_address_or_secret_that_will_not_do_is_refused_without_repeating_it(
    url: str, secret: str, said: str
) -> None:
    with pytest.raises(InvalidError, match=said) as raised:
        Place.of("team", url, secret)
    assert secret not in str(raised.value)
    assert "pass@" not in str(raised.value)


def test_a_certificate_that_does_not_hold_is_none(tmp_path: Path) -> None:
    import ssl

    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost".split()
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    receiver = Receiver()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    with pytest.raises(UnavailableError, match="its certificate does not hold"):
        post(Place.of("team", receiver.url.replace("http://127.0.0.1", "https://localhost"), KEY), "one", 1, b"{}")
    assert receiver.asked == []
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ('team = { url = "https://x.example" }', InvalidError, "has to have a url and a secret"),
        ('team = { url = "https://x.example", secret = "0123456789abcdef" }', InvalidError, "stands in the settings"),
        ('team = { url = "ftp://x.example", secret = "secret:KEY" }', InvalidError, "none of https"),
        ('tean = { url = "https://x.example", secret = "secret:KEY" }', NotFoundError, "no webhook named team"),
    ],
)
def test_settings_that_are_wrong_are_told_when_it_is_added(
    root: Path, clock: MovedClock, line: str, error: type[Exception], said: str
) -> None:
    (root / "pyproject.toml").write_text(f"[tool.nbmlops.webhooks]\n{line}\n")
    with opened(root, clock) as workspace, pytest.raises(error, match=said):
        workspace.schedule.add("team", on="model:delay", action="webhook")


def test_some_changes_cannot_be_left_out(workspace: Workspace) -> None:
    for rules in ({"overlap": "replace"}, {"catchup": "none"}):
        with pytest.raises(InvalidError, match="each change of a model counts"):
            workspace.schedule.add("team", on="model:delay", action="webhook", **rules)


def test_who_has_not_trusted_the_project_tells_nobody(
    root: Path, clock: MovedClock, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with opened(root, clock) as workspace:
        workspace.schedule.add("team", on="model", action="webhook")
        save(workspace, 1)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another"))
    with opened(root, clock) as workspace:
        with pytest.raises(UntrustedError):
            workspace.schedule.add("team", on="model:delay", action="webhook", name="mine")
        passed(workspace)
        assert "you have not said that you trust" in str(workspace.schedule.history("team")[0].note)
    assert receiver.asked == []


def test_a_daemon_that_is_killed_while_it_tells_is_followed_by_one_that_tells_the_same(
    root: Path, receiver: Receiver
) -> None:
    with Workspace.init(root) as workspace:
        workspace.schedule.add("team", on="model", action="webhook")
        save(workspace, 1)
        workspace.model.promote("delay")
    seen: list[str] = []

    def takes_and_says_nothing(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["webhook-id"])
        time.sleep(30)

    receiver.does = takes_and_says_nothing
    words = [sys.executable, "-m", "nbmlops", "schedule", "run"]
    daemon = subprocess.Popen(words, cwd=root, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not seen:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()
    receiver.does = None
    with Workspace.open(root) as workspace:
        assert {fire.state for fire in passed(workspace)} == {"completed"}
        assert passed(workspace) == []
    ids = [headers["webhook-id"] for headers, _ in receiver.letters]
    assert sorted(receiver.events) == ["promote", "save"]
    assert len(set(ids)) == 2
    assert seen[0] in ids
