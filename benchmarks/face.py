"""The face that people wait for: panels in Chromium, completion in a kernel, what the extension adds to IPython.

``python benchmarks/face.py`` prints every row, with ``panel completion`` after it those rows alone. The panel is the
page of ``nbmlops ui``, which is the panel below a cell and in the sidebar, too: the same JS and the same answers.
MLflow's UI, on fewer runs, is opened in the same browser. A browser that holds nothing yet opens each page anew; the
server has been asked once before.
"""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import _tracking_peers as peers
import capture
import load_ext
from _bench import Bench, print_table
from _bounds import MEGABYTE, Row
from _face_browser import chromium, filtering, opened, scrolling
from _peers import BIN
from _runs import fill
from jupyter_client.manager import KernelManager
from playwright.sync_api import Browser, Error

from nbmlops import Workspace

ROOT = Path(__file__).parents[1]
RUNS, NAMES, THEIRS = 100_000, 2_000, 5_000
ROWS = ".nbp-row:not([hidden])"
THEIR_ROWS = "[role=row] [role=gridcell], tbody tr td"
CONDITIONS = ("params.depth = 3", "params.depth = 4", "metrics.auc > 0.9", "params.depth = 5", "metrics.loss < 0.1")
FIRST = "%ml data load "
LINES = (
    "%ml da",
    "%ml data load ",
    "%ml data load table_00",
    "%ml data load table_00042@",
    "%ml data load table_00042 --columns column_1",
    '%ml run list --where "metrics.',
    '%ml run list --where "metrics.auc > 0.5 and params.',
    "%ml run list --by -metrics.",
    "%ml run show ",
    "%ml run show e-12",
    "%%ml run e -p ",
    "%ml check data ",
    "%ml data save frame_",
)


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms" if seconds < 0.01 else f"{1000 * seconds:,.0f} ms"


def _at_most(work: str, ours: float, limit: float, peer: str = "", theirs: float = 0.0) -> Row:
    said = f"{peer} {_milliseconds(theirs)}" if theirs else peer
    ratio = f"{theirs / ours:.1f}x" if theirs else ""
    return Row(work, said, _milliseconds(ours), ratio, f"at most {_milliseconds(limit)}", ours <= limit)


def _filled(bench: Bench) -> tuple[Path, int]:
    """A workspace with many runs and names, and how many runs."""
    folder, count = bench.fresh() / "project", max(200, round(RUNS * bench.scale))
    with Workspace.init(folder) as workspace:
        fill(workspace, count, max(20, round(NAMES * bench.scale)))
    return folder, count


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The address of ``nbmlops ui`` in a folder, while it serves."""
    command = [sys.executable, "-m", "nbmlops", "ui", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = (re.search(r"http://\S+", line) for line in server.stdout)
        yield next(found[0] for found in said if found)
    finally:
        server.terminate()
        server.wait()


def panel(bench: Bench) -> Iterator[Row]:
    """The table of runs."""
    folder, count = _filled(bench)
    with chromium() as browser, _serving(folder) as address:
        with opened(browser, address, ROWS):
            pass  # the server has looked at the catalog now
        found = []
        for _ in range(bench.rounds):
            with opened(browser, address, ROWS) as painted:
                found.append(painted)
        with opened(browser, address, ROWS) as painted:
            frames = scrolling(painted.page, "[role=grid]")
        with opened(browser, address, ROWS) as painted:
            keys = [filtering(painted.page, "input[type=search]", ROWS, text) for text in CONDITIONS]
        theirs = _theirs(bench, browser) if bench.peers else None
    seconds = statistics.median(each.seconds for each in found)
    size = statistics.median(each.bytes for each in found)
    peer = f"MLflow, {theirs[0]:,} runs" if theirs else ""
    yield _at_most(f"a panel of {count:,} runs, to its first paint", seconds, 0.5, peer, theirs[1] if theirs else 0.0)
    over = f"MLflow {theirs[2] / MEGABYTE:.1f} MB" if theirs else ""
    ratio = f"{theirs[2] / size:.0f}x" if theirs else ""
    yield Row("bytes over the wire for it", over, f"{size / MEGABYTE:.2f} MB", ratio, "2 MB", size <= 2 * MEGABYTE)
    yield Row("frames a second while it scrolls", "", f"{frames:.0f}", "", "50", frames >= 50)
    yield _at_most("from a key in the filter to the rows", statistics.median(keys), 0.1)


def _theirs(bench: Bench, browser: Browser) -> tuple[int, float, int] | None:
    """`_measured_theirs`, or None and why when MLflow's UI does not run here."""
    try:
        return _measured_theirs(bench, browser)
    except (TimeoutError, Error) as error:
        print(f"    MLflow's UI does not run here: {error}", file=sys.stderr)
        return None


def _measured_theirs(bench: Bench, browser: Browser) -> tuple[int, float, int]:
    """How many runs MLflow's UI lists, after how many seconds, and with how many bytes."""
    folder, count = bench.fresh(), max(200, round(THEIRS * bench.scale))
    peers.fill_mlflow(folder, count)
    with closing(sqlite3.connect(folder / "mlflow.db")) as store, store:
        # Its page expects that a run has tags, as one that its own client starts has.
        store.execute(
            "INSERT OR IGNORE INTO tags (key, value, run_uuid) SELECT 'mlflow.runName', name, run_uuid FROM runs"
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command: list[str | Path] = [
        BIN / "mlflow",
        "ui",
        "--backend-store-uri",
        "sqlite:///mlflow.db",
        "--port",
        str(port),
    ]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **quiet}
    server = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _await(f"{base}/health")
        address = f"{base}/#/experiments/1/runs"
        found = []
        for _ in range(bench.rounds + 1):
            with opened(browser, address, THEIR_ROWS) as painted:
                found.append(painted)
        seconds = statistics.median(each.seconds for each in found[1:])
        return count, seconds, int(statistics.median(each.bytes for each in found[1:]))
    finally:
        os.killpg(server.pid, 15)
        server.wait()


def _await(address: str, patience: float = 300.0) -> None:
    ended = time.monotonic() + patience
    while time.monotonic() < ended:
        try:
            urllib.request.urlopen(address, timeout=1)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing answers at {address}")


def completion(bench: Bench) -> Iterator[Row]:
    """What Tab waits for, asked of a kernel by its protocol: the first time, and again."""
    folder, count = _filled(bench)
    first: list[float] = []
    again: dict[str, list[float]] = {line: [] for line in LINES}
    for _ in range(bench.rounds):
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(cwd=str(folder), env={**os.environ, "PYTHONPATH": str(ROOT)})
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)

        def tab(line: str) -> float:
            began = time.perf_counter()
            answer = client.complete(line, len(line), reply=True, timeout=60)  # noqa: B023 - called in this round
            taken = time.perf_counter() - began
            assert answer["content"]["matches"], line
            return taken

        client.execute_interactive("frame_1 = frame_2 = 1", timeout=60)
        client.complete("fra", 3, reply=True, timeout=60)  # IPython's own first time is not ours
        client.execute_interactive("%load_ext nbmlops", output_hook=lambda _: None, timeout=60)
        time.sleep(0.5)  # nobody types faster
        first.append(tab(FIRST))
        for line in LINES:
            again[line] += [tab(line) for _ in range(5)]
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
    typical = {line: statistics.median(taken) for line, taken in again.items()}
    slowest = max(typical, key=typical.__getitem__)
    about = f"among {count:,} runs"
    yield _at_most(f"the first completion in a kernel, {about}", statistics.median(first), 0.05)
    yield _at_most(f"the slowest of {len(LINES)} others: {slowest.strip()}", typical[slowest], 0.05)


def hook(bench: Bench) -> Iterator[Row]:
    """What the capture of cells adds to a cell of ten lines in an active run."""
    os.environ["IPYTHONDIR"] = str(bench.fresh())
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance(colors="nocolor")
    with Workspace.init(bench.fresh() / "project") as workspace:
        bare, _, active = capture.taken_by(shell, workspace, "ten lines")
    assert shell.history_manager is not None
    shell.history_manager.end_session()
    yield _at_most("what capture adds to a cell in a run", max(active - bare, 0.0), 0.001)


def load(bench: Bench) -> Iterator[Row]:
    """What loading the extension adds to a start of IPython."""
    folder = bench.fresh()
    Workspace.init(folder).close()
    taken: dict[str, list[float]] = {name: [] for name in load_ext.PEERS}
    for _ in range(max(3, bench.rounds)):
        for name, code in load_ext.PEERS.items():
            taken[name].append(load_ext.run(code, str(folder))[0])
    bare, ours, theirs = (statistics.median(each) for each in taken.values())
    yield _at_most("%load_ext nbmlops, over bare IPython", ours - bare, 0.15, "import pandas", theirs - bare)


TABLE = {"panel": panel, "completion": completion, "hook": hook, "load": load}


if __name__ == "__main__":
    sys.exit(print_table(sys.argv[1:], __doc__, TABLE, ("mlflow",)))
