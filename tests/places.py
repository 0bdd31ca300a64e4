"""The places that tests happen in: an installation of its own, and a running Jupyter."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "Installation", "Jupyter", "Response", "Ui", "ask", "first_on_path"]

ROOT = Path(__file__).parents[1]
LABEXTENSION = ROOT / "nbmlops" / "jupyter" / "labextension"
CONFIGURATION = ROOT / "jupyter-config" / "jupyter_server_config.d"


def first_on_path(programs: Path) -> dict[str, str]:
    """Give this process's environment, its Python settings left out and `programs` first on the PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "PATH": f"{programs}{os.pathsep}{kept['PATH']}"}


@dataclass(frozen=True, slots=True)
class Installation:
    """nbmlops as a user has it: the wheel and its demo extra in an environment of their own."""

    environment: Path
    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the user's folder; its output is one text."""
        program = self.environment / "bin" / command[0]
        return subprocess.run(
            [str(program), *command[1:]],
            check=False,
            cwd=self.folder,
            env=first_on_path(self.environment / "bin"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered; status 0 when none did."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Go nowhere: that one is sent away is the answer."""


def ask(url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """Send a request; every answer is one, whatever its status."""
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
            return Response(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, dict(error.headers), error.read())
    except urllib.error.URLError:
        return Response(0, {}, b"")


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A Jupyter Server, with or without JupyterLab or Notebook on it, on a free port of this machine."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    token: str
    written: Path
    below: str

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        home: Path,
        python: Path | None = None,
        application: str = "jupyterlab",
        below: str = "",
    ) -> Jupyter:
        """Start it over `folder` and wait until it answers.

        Parameters
        ----------
        folder : Path
            What it shows.
        home : Path
            Where its settings, the layout of its windows and its log are kept.
        python : Path, optional
            The Python of the environment it is in; this one's by default.
        application : str
            What is started: ``jupyterlab``, ``notebook``, or ``jupyter_server`` alone.
        below : str
            What all its addresses begin with, as ``/user/ann`` behind JupyterHub.
        """
        port, token, program = free_port(), secrets.token_hex(16), python or Path(sys.executable)
        options = [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={folder}",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.base_url={below}/",
        ]
        if application != "jupyter_server":
            options += ["--expose-app-in-browser", f"--LabServerApp.user_settings_dir={home / 'settings'}"]
            options += [f"--LabServerApp.workspaces_dir={home / 'layouts'}"]
        cls._furnish(home)
        log = home / "server.log"
        with log.open("wb") as writing:
            process = subprocess.Popen(
                [str(program), "-m", application, *options],
                cwd=folder,
                env={
                    **first_on_path(program.parent),
                    "JUPYTER_PATH": str(home / "share"),
                    "JUPYTER_CONFIG_PATH": str(home / "config"),
                    "PYTHONPATH": str(ROOT),
                },
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=subprocess.STDOUT,
            )
        server = cls(process, folder, port, token, log, below)
        deadline = time.monotonic() + 60
        while server.get("/api/status").status != 200:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{application} did not start:\n{server.log}")
            time.sleep(0.1)
        return server

    @staticmethod
    def _furnish(home: Path) -> None:
        """Put what the checkout ships where it would be installed to: what is installed may be older."""
        shutil.copytree(LABEXTENSION, home / "share" / "labextensions" / "nbmlops")
        shutil.copytree(CONFIGURATION, home / "config" / CONFIGURATION.name)
        quiet = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        quiet.parent.mkdir(parents=True)
        quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return self.written.read_text()

    def url(self, path: str) -> str:
        """Give the address of a page, with the token in it."""
        return f"{self.base}{path}?token={self.token}&reset"

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}{self.below}"

    @property
    def signed_in(self) -> dict[str, str]:
        """Headers that say who asks."""
        return {"Authorization": f"token {self.token}"}

    def get(self, path: str, *, authorized: bool = True) -> Response:
        """Ask a route."""
        return ask(f"{self.base}{path}", headers=self.signed_in if authorized else {})

    def post(self, path: str, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        """Send a value to a route, as JSON."""
        own = {**self.signed_in, "Content-Type": "application/json", **(headers or {})}
        return ask(f"{self.base}{path}", "POST", json.dumps(value).encode(), own)

    def stop(self) -> None:
        """Stop it, and its kernels with it."""
        self.process.terminate()
        self.process.wait(timeout=30)


@dataclass(frozen=True, slots=True)
class Ui:
    """A ``nbmlops ui`` that serves a page on a port of this machine."""

    process: subprocess.Popen[str]
    base: str
    token: str
    cookie: str

    @classmethod
    def start(cls, folder: Path, *options: str) -> Ui:
        """Start it in a folder, wait for what it says, and sign in."""
        process = subprocess.Popen(
            [sys.executable, "-m", "nbmlops", "ui", "--no-browser", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in range(4))
        found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", said)
        assert found, said
        page = ask(f"{found[1]}/?token={found[2]}")
        return cls(process, found[1], found[2], page.headers["Set-Cookie"].split(";")[0])

    @property
    def address(self) -> str:
        """The address of the page, with the token in it."""
        return f"{self.base}/?token={self.token}"

    @property
    def known(self) -> dict[str, str]:
        """Headers of a browser that has been let in."""
        return {"Cookie": self.cookie}

    def get(self, path: str, **headers: str) -> Response:
        """Ask for a file."""
        return ask(f"{self.base}{path}", headers=headers)

    def post(self, value: Any, **headers: str) -> Response:
        """Send a value to the panels."""
        own = {"Content-Type": "application/json", **headers}
        return ask(f"{self.base}/api/panel", "POST", json.dumps(value).encode(), own)

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it; gives its exit code, and what it said last."""
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said
