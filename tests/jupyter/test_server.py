"""A real Jupyter Server over HTTP, enabled by the configuration that we ship."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbmlops import ml
from nbmlops.core.version import __version__
from nbmlops.workspace.current import forget

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "jupyter-config" / "jupyter_server_config.d" / "nbmlops.json"


class Server:
    """A Jupyter Server that this test started."""

    def __init__(self, folder: Path, configuration: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = secrets.token_hex(16)
        self.log = folder.parent / "server.log"
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        options = [f"--port={self.port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
        environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(configuration), "PYTHONPATH": str(ROOT)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *options, f"--IdentityProvider.token={self.token}"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while self.get("/api/status")[0] != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"token {self.token if token is None else token}"} if token != "" else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        except urllib.error.URLError:
            return 0, None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project, configuration = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("configuration")
    ml.init(project)
    forget()
    (configuration / "jupyter_server_config.d").mkdir()
    shutil.copy(CONFIGURATION, configuration / "jupyter_server_config.d")
    started = Server(project, configuration)
    yield started
    started.process.terminate()
    started.process.wait(timeout=30)


def test_the_health_route_tells_version_and_workspace(server: Server) -> None:
    status, answer = server.get("/nbmlops/health")
    assert status == 200
    assert answer == {"status": "ok", "version": __version__, "workspace": answer["workspace"]}
    assert answer["workspace"].startswith("project")


@pytest.mark.parametrize("token", ["", "wrong"])
def test_the_health_route_is_closed_to_strangers(server: Server, token: str) -> None:
    assert server.get("/nbmlops/health", token=token) == (403, None)


def test_nothing_else_answers_below_nbmlops(server: Server) -> None:
    assert server.get("/nbmlops/")[0] == 404
    assert server.get("/nbmlops/health/more")[0] == 404


def test_the_server_says_that_it_was_loaded(server: Server) -> None:
    assert f"nbmlops {__version__}: routes below /nbmlops" in server.log.read_text()
