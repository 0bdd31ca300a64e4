"""Under strace: whatever an endpoint is sent, it opens nothing beside its store, asks nobody, and does not grow."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbmlops import Workspace
from nbmlops.serving.endpoint.records import Endpoint
from tests.serving.endpoint.hostile import ARROW, answered, bodies, endless, raws
from tests.serving.endpoint.places import Client, project
from tests.serving.endpoint.test_answers import INFER, ROWS, arrow, protocol
from tests.serving.endpoint.test_refusals import raw
from tests.serving.endpoint.test_reload import eventually

NAMES = (
    "../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "/etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "a%00b",
)
# One line of strace: the process, the time, the call and its first path.
CALL = re.compile(r'^\d+ +(?P<at>[\d.]+) (?P<call>\w+)\((?:AT_FDCWD|\d+)?(?:<[^>]*>)?,? ?"?(?P<path>[^",)]*)')


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with project(tmp_path / "project") as workspace:
        yield workspace


@pytest.fixture
def traced(workspace: Workspace, tmp_path: Path) -> Iterator[tuple[Endpoint, Path]]:
    """An endpoint each of whose calls that open, start or connect something is a line of a file."""
    strace = shutil.which("strace")
    assert strace is not None, "sh tests/system/install-packages.sh installs it"
    calls = tmp_path / "calls"
    command = [strace, "-f", "-ttt", "-qq", "-s", "400", "-o", str(calls)]
    command += ["-e", "trace=open,openat,openat2,creat,execve,connect,unlink,unlinkat,rename,renameat2,mkdir,symlink"]
    command += [sys.executable, "-m", "nbmlops", "serve", "delay@production", "--port", "0", "--max-body", "262144"]
    process = subprocess.Popen(command, cwd=workspace.marker.root, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    eventually(lambda: workspace.serve() or process.poll() is not None, seconds=120)
    (endpoint,) = workspace.serve()
    yield endpoint, calls
    psutil.Process(endpoint.pid).send_signal(signal.SIGTERM)
    process.wait(timeout=60)


def test_nothing_outside_the_store_is_opened_and_nothing_grows(
    workspace: Workspace, traced: tuple[Endpoint, Path]
) -> None:
    endpoint, calls = traced
    client = Client.of(endpoint)
    for _ in range(20):  # what is imported once has been, and the worker has its size
        assert client.ask(INFER, protocol(ROWS)).status == 200
        assert client.ask(INFER, ROWS.to_csv(index=False).encode(), content_type="text/csv").status == 200
        assert client.ask(INFER, arrow(ROWS), content_type=ARROW).status == 200
        assert client.ask("/invocations", b"{").status == 400
    (worker,) = psutil.Process(endpoint.pid).children()
    before, began = worker.memory_info().rss, time.time()

    statuses = sent_all(client)
    eventually(lambda: client.ask(INFER, protocol(ROWS)).status == 200)
    grown, ended = worker.memory_info().rss - before, time.time()
    assert psutil.Process(endpoint.pid).children() == [worker]

    opened = [found for line in calls.read_text().splitlines() if (found := CALL.match(line)) is not None]
    store = str(workspace.marker.state)
    mine = [found for found in opened if began <= float(found["at"]) <= ended]
    # What the kernel says of the worker's own memory is read for each batch that is captured.
    mine = [found for found in mine if not re.fullmatch(r"/proc/\d+/statm", found["path"])]
    outside = [f"{found['call']} {found['path']}" for found in mine if not is_inside(found["path"], store)]
    print(f"{sum(statuses.values())} hostile requests, {dict(statuses)}: {len(mine)} files of the store opened,")
    print(f"{len(outside)} others; {grown / 2**20:.1f} MiB of growth")
    assert len(opened) > 200, "strace sees what is opened"
    assert all(400 <= status < 500 for status in statuses)
    assert outside == []
    assert grown < 64 * 2**20


def is_inside(path: str, store: str) -> bool:
    """Whether a path is in the store's folder; time zones and the like would be others."""
    return path == store or path.startswith(f"{store}/")


def sent_all(client: Client) -> Counter[int]:
    statuses: Counter[int] = Counter()
    for sent in bodies():
        for path in (INFER, "/invocations"):
            found = client.ask(path, sent.body, content_type=sent.content_type, **sent.headers)
            statuses[found.status] += 1
    mine: dict[str, Any] = {"authorization": f"Bearer {client.token}"}
    for name in NAMES:
        for tail in ("", "/ready", "/infer", "/versions/1/infer", "/versions/..%2f1"):
            for method in ("GET", "POST", "PUT", "DELETE"):
                statuses[raw(client, method, f"/v2/models/{name}{tail}", mine).status] += 1
    for each in raws():
        statuses[answered(client, each)[0]] += 1
    for begun, more in endless():
        for _ in range(4):
            statuses[answered(client, begun, more, 16_384)[0]] += 1
    return statuses
