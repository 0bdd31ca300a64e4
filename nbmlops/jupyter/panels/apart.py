"""Lines that take long, in processes of their own, so that neither a kernel nor a server waits for them.

The process is the shell face, ``nbmlops …`` in the project's folder, in a session of its own: it goes on when the
kernel or the server that started it ends. What it prints goes to a file in the workspace's own folder, by which a front
end follows it; stopped, it gets what Ctrl-C sends, and cleans up as it does in a shell.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbmlops.core.errors import NotFoundError
from nbmlops.core.settings import FOLDER
from nbmlops.store.audit import actor

__all__ = ["look", "start", "stop"]

# A server that was started in the background ignores Ctrl-C, and what it starts would too.
_PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from nbmlops.__main__ import main; main()"
)
_TAIL = 20_000
"""Bytes of what it printed that are shown: the last ones."""
_KEPT = 50
"""Processes that are remembered, and files that are kept."""


@dataclass(frozen=True, slots=True)
class _Started:
    process: subprocess.Popen[bytes]
    log: Path


_started: dict[str, _Started] = {}
_guard = threading.Lock()


def start(root: Path, words: list[str]) -> str:
    """Start a line of the grammar; the id by which it is followed.

    Parameters
    ----------
    root : Path
        The project's folder.
    words : list of str
        The line.
    """
    folder = root / FOLDER / "apart"
    folder.mkdir(exist_ok=True)
    with _guard:
        running = {each for each, one in _started.items() if one.process.poll() is None}
    ended = [path for path in folder.glob("*.log") if path.stem not in running]
    for old in sorted(ended, key=_written)[:-_KEPT]:
        old.unlink(missing_ok=True)
    name = uuid.uuid4().hex
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            # Whom a server let in is whom the line acts for.
            env={**os.environ, "NBMLOPS_USER": actor()},
            args=[
                sys.executable,
                "-P",
                "-c",
                _PROGRAM,
                *words,
            ],  # no module of the project stands for one of Python's own
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with _guard:
        for known in [each for each, one in _started.items() if one.process.poll() is not None][:-_KEPT]:
            del _started[known]
        _started[name] = _Started(process, log)
    return name


def _written(log: Path) -> float:
    try:
        return log.stat().st_mtime
    except FileNotFoundError:  # another process has cleared it away
        return 0.0


def look(name: str) -> dict[str, Any]:
    """Whether it still runs, with what code it ended, and the last of what it printed.

    Raises
    ------
    NotFoundError
        When this process has started no such line.
    """
    one = _known(name)
    code = one.process.poll()
    with one.log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        printed = file.read().decode("utf-8", "replace")
    return {"running": code is None, "code": code, "text": printed}


def stop(name: str) -> dict[str, Any]:
    """Interrupt it, as Ctrl-C does; raises as `look` does."""
    one = _known(name)
    if one.process.poll() is None:
        os.killpg(one.process.pid, signal.SIGINT)
    return look(name)


def _known(name: str) -> _Started:
    with _guard:
        if name in _started:
            return _started[name]
    raise NotFoundError("the line was started by a kernel or a server that has ended", hint="`ml run list`")
