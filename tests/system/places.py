"""The places that the tests of this folder happen in: an installation of its own, and a running JupyterLab."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Installation", "Lab"]


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
class Lab:
    """A JupyterLab that answers on a free port of this machine."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    token: str

    @classmethod
    def start(cls, folder: Path, *, settings: Path, workspaces: Path, seconds: float = 60) -> Lab:
        """Start it over `folder` and wait until it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        token = secrets.token_hex(16)
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
        options = [
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={folder}",
            f"--IdentityProvider.token={token}",
            f"--LabApp.user_settings_dir={settings}",
            f"--LabApp.workspaces_dir={workspaces}",
        ]
        with (folder.parent / f"{folder.name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *options],
                cwd=folder,
                env=first_on_path(Path(sys.executable).parent),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        lab = cls(process, folder, port, token)
        deadline = time.monotonic() + seconds
        while lab.get("/api/status", authorized=True)[0] != 200:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{lab.log}")
            time.sleep(0.2)
        return lab

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    def url(self, path: str) -> str:
        """Give the address of a page, with the token in it."""
        return f"http://127.0.0.1:{self.port}{path}?token={self.token}&reset"

    def get(self, path: str, *, authorized: bool) -> tuple[int, Any]:
        """Ask a route: its status code (0 when nobody answers) and its JSON."""
        headers = {"Authorization": f"token {self.token}"} if authorized else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
        except urllib.error.URLError:
            return 0, None

    def stop(self) -> None:
        """Stop it, and its kernels with it."""
        self.process.terminate()
        self.process.wait(timeout=30)
