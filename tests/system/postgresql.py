"""A real PostgreSQL on a free port of this machine, in a folder of its own, which is gone after the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

__all__ = ["PASSWORD", "Cluster"]

PASSWORD = "ganz-geheim"
"""Of its owner, `ann`."""
_SAFE_FOR_TESTS_ONLY = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]


@dataclass(slots=True)
class Cluster:
    """A server with the database ``traffic``, which `ann` owns."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @classmethod
    def start(cls, seconds: float = 60) -> Cluster:
        """Make it and wait until it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        # Not a folder of pytest, which nobody but its owner may enter: a server of PostgreSQL never runs as root.
        folder = Path(tempfile.mkdtemp(prefix="nbmlops-postgresql-"))
        secret = folder / "password"
        secret.write_text(PASSWORD)
        user = _user()
        if user is not None:
            for path in (folder, secret):
                os.chown(path, user, -1)
        data = folder / "data"
        options = ["--username=ann", "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-sync"]
        made = subprocess.run(
            [_program("initdb"), *options, str(data)],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        cluster = cls(_served(folder, port), folder, port)
        cluster._await(seconds)
        cluster.run("create database traffic", database="postgres")
        return cluster

    def restart(self, seconds: float = 60) -> None:
        """Stop it at once, as ``pg_ctl stop -m immediate`` does, and start it again: what is not on disk is gone."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=30)
        self.start_again(seconds)

    def start_again(self, seconds: float = 60) -> None:
        """Start it after it was stopped."""
        self.process = _served(self.folder, self.port)
        self._await(seconds)

    def _await(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def url(self, login: str = f"ann:{PASSWORD}@", database: str = "traffic") -> str:
        """Its URL, as SQLAlchemy writes it."""
        return f"postgresql://{login}127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "traffic") -> list[Any]:
        """Run statements; the rows of the last one."""
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Stop it, whoever is connected still, and remove its folder."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        try:
            self.run("select 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return True


def _served(folder: Path, port: int) -> subprocess.Popen[bytes]:
    listen = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", f"port={port}"]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [_program("postgres"), "-D", str(folder / "data"), *listen, *_SAFE_FOR_TESTS_ONLY],
            user=_user(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _program(name: str) -> str:
    """Path of a program of the newest PostgreSQL here; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    program = str(found[-1]) if found else shutil.which(name)
    assert program is not None, "there is no PostgreSQL: make test-system installs it"
    return program


def _user() -> int | None:
    """Whom the server runs as: whoever runs this, but never root."""
    if os.geteuid():
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return names.get("postgres", names["nobody"])
