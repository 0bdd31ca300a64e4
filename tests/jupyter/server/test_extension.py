"""A real Jupyter Server over HTTP, enabled by the configuration that we ship."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from nbmlops import Workspace
from nbmlops.core.version import __version__
from nbmlops.jupyter.server.desk import LARGEST
from nbmlops.jupyter.server.files import NAMES
from tests.places import Jupyter, ask

ROUTES = ("health", "api/workspace", "api/panel", *NAMES)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ASKED = {"folder": "churn", "message": {"ask": "panels"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    place = tmp_path_factory.mktemp("place")
    (place / "shown" / "plain").mkdir(parents=True)
    Workspace.init(place / "shown" / "churn").close()
    Workspace.init(place / "outside").close()
    (place / "shown" / "out").symlink_to(place / "outside")
    started = Jupyter.start(place / "shown", home=tmp_path_factory.mktemp("jupyter"), application="jupyter_server")
    yield started
    started.stop()


def test_the_health_route_tells_version_and_workspace(server: Jupyter) -> None:
    answer = server.get("/nbmlops/health")
    assert answer.status == 200
    assert answer.json == {"status": "ok", "version": __version__, "workspace": None}


@pytest.mark.parametrize("token", [None, "wrong"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_closed_to_strangers(server: Jupyter, route: str, method: str, token: str | None) -> None:
    headers = {"Authorization": f"token {token}"} if token else {}
    body = json.dumps(ASKED).encode() if method == "POST" else None
    answer = ask(f"{server.base}/nbmlops/{route}", method, body, {"Content-Type": "application/json", **headers})
    assert answer.status == 403
    assert b"ok" not in answer.body


def test_nothing_else_answers_below_nbmlops(server: Jupyter) -> None:
    for path in ("/nbmlops", "/nbmlops/health/more", "/nbmlops/page.html", "/nbmlops/../server/desk.py"):
        assert server.get(path).status == 404


def test_the_server_says_that_it_was_loaded(server: Jupyter) -> None:
    assert f"nbmlops {__version__}: routes below /nbmlops" in server.log


def test_a_panel_answers_for_the_workspace_of_the_folder_that_is_named(server: Jupyter) -> None:
    answer = server.post("/nbmlops/api/panel", ASKED)
    assert answer.status == 200
    assert {"name": "runs", "title": "Runs"} in answer.json["ok"]
    assert answer.headers["Content-Type"] == "application/json"


def test_where_there_is_no_workspace_the_answer_says_what_to_type(server: Jupyter) -> None:
    message = {"panel": "runs", "ask": "changed"}
    answer = server.post("/nbmlops/api/panel", {"folder": "plain", "message": message})
    assert answer.status == 200
    assert "is not in a workspace" in answer.json["error"]["message"]
    assert answer.json["error"]["hint"] is not None


def test_the_workspace_of_a_folder_is_told(server: Jupyter) -> None:
    (server.folder / "churn" / "deep").mkdir(exist_ok=True)
    for folder in ("churn", "/churn/deep/"):
        known = server.get(f"/nbmlops/api/workspace?folder={folder}").json
        assert known["ok"]["name"] == known["ok"]["path"] == "churn"
        assert known["version"] == __version__
    assert server.get("/nbmlops/api/workspace?folder=plain").json == {"ok": None, "version": __version__}


def test_where_a_notebook_lies_is_told_whichever_way_a_run_names_it(server: Jupyter) -> None:
    notebook = server.folder / "churn" / "a b.ipynb"
    notebook.write_text("{}")
    (server.folder.parent / "outside" / "hidden.ipynb").write_text("{}")
    for named, lies in {
        "a b.ipynb": "churn/a b.ipynb",
        str(notebook): "churn/a b.ipynb",
        "none.ipynb": None,
        "../../outside/hidden.ipynb": None,
        str(server.folder.parent / "outside" / "hidden.ipynb"): None,
        "a\0b": None,
    }.items():
        asked = urllib.parse.urlencode({"folder": "churn", "notebook": named})
        assert server.get(f"/nbmlops/api/workspace?{asked}").json["ok"]["notebook"] == lies


@pytest.mark.parametrize(
    "folder", ["..", "../outside", "churn/../../outside", "out", "/etc", "none", "churn\0", "x" * 9999]
)
def test_what_lies_outside_of_the_server_s_root_is_not_there(server: Jupyter, folder: str) -> None:
    answer = server.post("/nbmlops/api/panel", {"folder": folder, "message": {"panel": "runs", "ask": "changed"}})
    assert answer.status == 404
    assert answer.json["error"]["message"].startswith("there is no folder")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"message": "runs"}', "application/json", 400),
        (b'{"message": {}, "folder": 1}', "application/json", 400),
        (b'{"message": {}, "more": 1}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"message": {"ask": "panels"}}', "text/plain", 415),
        (b'{"message": {"ask": "panels"}}', "application/x-www-form-urlencoded", 415),
        (b" " * (LARGEST + 1), "application/json", 413),
        (b" " * (20 * LARGEST), "application/json", 413),
    ],
)
def test_a_request_that_is_none_is_refused_in_json(
    server: Jupyter, body: bytes, content_type: str, status: int
) -> None:
    answer = ask(f"{server.base}/nbmlops/api/panel", "POST", body, {**server.signed_in, "Content-Type": content_type})
    assert answer.status == status
    assert answer.json["error"]["message"]


def test_a_cookie_alone_lets_nobody_post_from_another_site(server: Jupyter) -> None:
    cookies: SimpleCookie = SimpleCookie()
    first = ask(f"{server.base}/api/contents?token={server.token}")
    assert first.status == 200
    cookies.load(first.headers["Set-Cookie"])
    sent = {"Cookie": "; ".join(f"{name}={one.value}" for name, one in cookies.items())}
    body, address = json.dumps(ASKED).encode(), f"{server.base}/nbmlops/api/panel"
    plain = {**sent, "Content-Type": "application/json"}
    assert ask(f"{server.base}/nbmlops/health", headers=sent).status == 200
    assert ask(address, "POST", body, plain).status == 403
    assert ask(address, "POST", body, {**plain, "Origin": "http://elsewhere.example"}).status in {403, 404}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_sent_once_and_then_known_by_its_digest(server: Jupyter, name: str) -> None:
    first = server.get(f"/nbmlops/{name}")
    assert first.status == 200
    assert first.headers["Content-Type"].startswith("text/css" if name.endswith(".css") else "text/javascript")
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    known = {**server.signed_in, "If-None-Match": first.headers["Etag"]}
    again = ask(f"{server.base}/nbmlops/{name}", headers=known)
    assert (again.status, again.body) == (304, b"")


def test_the_server_answers_while_a_panel_thinks(server: Jupyter) -> None:
    # A catalog that another process holds makes a question wait; the server itself does not.
    catalog = next((server.folder / "churn" / ".nbmlops").glob("catalog*"))
    script = (
        f"import sqlite3, sys; held = sqlite3.connect({str(catalog)!r}, isolation_level=None)\n"
        "held.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    message = {"panel": "runs", "ask": "changed"}
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(server.post("/nbmlops/api/panel", {"folder": "churn", "message": message}).status)
    )
    asking.start()
    for _ in range(20):
        assert server.get("/nbmlops/health").status == 200
    waited = not answers
    holder.communicate()
    asking.join()
    assert waited
    assert answers == [200]


def test_an_untrusted_workspace_that_names_a_catalog_elsewhere_is_not_opened(server: Jupyter, tmp_path: Path) -> None:
    folder = server.folder / "foreign"
    Workspace.init(folder).close()
    marker = folder / ".nbmlops" / "workspace.json"
    marker.write_text(re.sub(r'"id": "\w+"', f'"id": "{"0" * 32}"', marker.read_text()))
    (folder / "pyproject.toml").write_text('[tool.nbmlops]\ncatalog = "postgresql://127.0.0.1:1/none"\n')
    message = {"panel": "runs", "ask": "changed"}
    answer = server.post("/nbmlops/api/panel", {"folder": "foreign", "message": message})
    assert answer.status == 200
    assert "you have not said that you trust this workspace" in answer.json["error"]["message"]
    assert "%ml trust" in answer.json["error"]["hint"] or "`ml trust`" in answer.json["error"]["hint"]
