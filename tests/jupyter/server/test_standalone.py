"""``nbmlops ui`` as a program: who may come in, what is said, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops import Workspace
from nbmlops.jupyter.server.files import NAMES
from tests.places import Ui, ask

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SENT = tuple(name for name in NAMES if not name.startswith("sidebar."))
MESSAGE = {"message": {"ask": "panels"}}
ASKED = json.dumps(MESSAGE).encode()
AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place") / "A & B <script>"
    Workspace.init(folder).close()
    (folder / "below").mkdir()
    return folder


@pytest.fixture(scope="module")
def ui(project: Path) -> Iterator[Ui]:
    started = Ui.start(project / "below")
    yield started
    started.stop()


@pytest.mark.parametrize("path", ["/", "/api/panel", "/api/workspace", "/none", *(f"/{name}" for name in SENT)])
@pytest.mark.parametrize("method", METHODS)
def test_every_address_is_closed_to_strangers(ui: Ui, path: str, method: str) -> None:
    for query in ("", "?token=wrong", f"?token={ui.token[:-1]}", "?token=%C3%A9"):
        answer = ask(f"{ui.base}{path}{query}", method, ASKED if method == "POST" else None, AS_JSON)
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers


def test_the_token_opens_the_page_alone_and_the_cookie_opens_the_rest(ui: Ui) -> None:
    page = ui.get(f"/?token={ui.token}")
    assert page.status == 200
    assert b"A &amp; B &lt;script&gt;" in page.body
    assert ui.get(f"/panel.js?token={ui.token}").status == 403
    assert "HttpOnly" in page.headers["Set-Cookie"]
    assert "SameSite=Strict" in page.headers["Set-Cookie"]
    assert ui.token not in page.headers["Set-Cookie"]
    for name in SENT:
        assert ui.get(f"/{name}", **ui.known).status == 200
    assert ui.get("/", **ui.known).status == 200
    assert ui.get("/sidebar.js", **ui.known).status == 404


def test_a_panel_answers_for_the_workspace_around_the_folder(ui: Ui, project: Path) -> None:
    answer = ui.post(MESSAGE, **ui.known)
    assert answer.status == 200
    assert {"name": "runs", "title": "Runs"} in answer.json["ok"]
    assert ask(f"{ui.base}/api/workspace", headers=ui.known).json["ok"]["name"] == project.name


def test_a_name_that_somebody_points_at_this_machine_is_not_served(ui: Ui) -> None:
    port = ui.base.rpartition(":")[2]
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1",
        f"127.0.0.1.evil.example:{port}",
        f"0.0.0.0:{port}",
    ):
        assert ui.get("/panel.css", **ui.known, Host=host).status == 403
        assert ui.get(f"/?token={ui.token}", Host=host).status == 403
    assert ui.get("/panel.css", **ui.known, Host=f"localhost:{port}").status == 200


def test_another_site_may_not_ask_even_with_the_cookie(ui: Ui) -> None:
    for origin in ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"):
        assert ui.post(MESSAGE, **ui.known, Origin=origin).status == 403
    assert ui.post(MESSAGE, **ui.known, Origin=ui.base).status == 200


def test_a_page_may_load_nothing_from_elsewhere_nor_be_framed(ui: Ui) -> None:
    for path in ("/", "/panel.js"):
        headers = ui.get(path, **ui.known).headers
        assert "default-src 'none'; script-src 'self';" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Server" not in headers


def test_it_listens_on_this_machine_alone(ui: Ui) -> None:
    port = int(ui.base.rpartition(":")[2])
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in others:
        with socket.socket() as other:
            other.settimeout(1)
            assert other.connect_ex((str(address), port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to_and_says_so(project: Path, number: int) -> None:
    code, said = Ui.start(project).stop(number)
    assert (code, said.strip()) == (0, "stopped")


def test_a_port_that_is_taken_is_told_with_what_to_do(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "nbmlops", "ui", "--no-browser", "--port", port],
            cwd=project,
            check=False,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 2
    assert f"error: cannot listen on port {port}" in done.stderr
    assert "hint: leave --port out" in done.stderr


def test_outside_of_a_workspace_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbmlops", "ui"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "is not in a workspace" in done.stderr


def test_a_browser_is_started_on_a_file_that_others_cannot_read(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    script = 'file="${1#file://}"; { stat -c %a "$file"; cat "$file"; } > "$SEEN.new"; mv "$SEEN.new" "$SEEN"'
    browser.write_text(f"#!/bin/sh\n{script}\n")
    monkeypatch.setenv("SEEN", str(seen))
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", str(browser))
    process = subprocess.Popen([sys.executable, "-m", "nbmlops", "ui"], cwd=project, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = [process.stdout.readline() for _ in range(3)][2].strip()
    while not seen.exists():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    mode, page = seen.read_text().split("\n", 1)
    assert mode == "600"
    assert address in page
    assert not list(tmp_path.glob("nbmlops-ui-*.html"))


def test_in_a_cell_it_says_what_to_type() -> None:
    from nbmlops.commands.answer import answer
    from nbmlops.core.errors import InvalidError
    from tests.commands.fakes import in_a_cell

    with pytest.raises(InvalidError, match="until it is stopped") as error:
        answer(["ui"], in_a_cell(), "%ml")
    assert "panel`" in str(error.value.hint)
