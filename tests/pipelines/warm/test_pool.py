"""With real kernels: what waits is taken once, and nothing is left of what was not taken."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbmlops.pipelines.warm import pool as pools
from nbmlops.pipelines.warm.pool import KernelPool
from nbmlops.pipelines.warm.wanted import Wanted

pytestmark = pytest.mark.notebook
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "cores", lambda: 4)


def wish(folder: Path, *imports: str) -> Wanted:
    return Wanted("python3", folder, (), imports)


def is_running(pid: int | None) -> bool:
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(shown.strip()) and not shown.strip().startswith("Z")


def test_a_kernel_is_taken_once_and_only_by_who_wants_such_a_one(tmp_path: Path) -> None:
    pool = KernelPool(4)
    with pool.open():
        pool.expect([wish(tmp_path)])
        pool.expect([wish(tmp_path)])
        assert pool.take(wish(tmp_path, "import json")) is None
        kernel = pool.take(wish(tmp_path))
        assert kernel is not None
        assert pool.take(wish(tmp_path)) is None
    assert is_running(kernel.pid), "it is its taker's"
    asyncio.run(kernel.stop(0))
    assert not is_running(kernel.pid)


def test_what_was_not_taken_ends_when_the_last_who_opened_the_pool_closes_it(tmp_path: Path) -> None:
    pool = KernelPool(4)
    pool.expect([wish(tmp_path)])
    assert pool.take(wish(tmp_path)) is None, "a closed pool starts none"
    with pool.open():
        with pool.open():
            pool.expect([wish(tmp_path), wish(tmp_path)])
            first = pool.take(wish(tmp_path))
        second = pool.take(wish(tmp_path))
        assert first is not None
        assert second is not None
        pool.expect([wish(tmp_path)])
        (waiting,) = pool._waiting
        third = waiting.started()
        assert third is not None
        pid = third.pid
    assert not is_running(pid)
    for kernel in (first, second):
        asyncio.run(kernel.stop(0))


def test_no_more_are_started_than_cores_are_idle_and_no_more_wait_than_may(tmp_path: Path) -> None:
    pool = KernelPool(2)
    with pool.open(), pool.running(), pool.running(), pool.running():
        pool.expect([wish(tmp_path), wish(tmp_path, "import json")])
        assert [one.wanted.imports for one in pool._waiting] == [()]
        while not pool._waiting[0].is_prepared:
            time.sleep(0.02)
        for name in ("csv", "json"):
            pool.expect([wish(tmp_path, f"import {name}")])
            while not pool._waiting[-1].is_prepared:
                time.sleep(0.02)
        assert [one.wanted.imports for one in pool._waiting] == [("import csv",), ("import json",)]
    with KernelPool(0).open():
        pool.expect([wish(tmp_path)])
    assert pool._waiting == []


def test_none_is_started_where_memory_is_short_and_those_that_wait_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = KernelPool(4)
    with pool.open():
        monkeypatch.setattr(pools, "_free_memory", lambda: 0.2)
        pool.expect([wish(tmp_path)])
        assert pool._waiting == []
        monkeypatch.setattr(pools, "_free_memory", lambda: 0.5)
        pool.expect([wish(tmp_path)])
        pool.tidy(time.monotonic())
        assert len(pool._waiting) == 1
        monkeypatch.setattr(pools, "_free_memory", lambda: 0.05)
        pool.tidy(time.monotonic())
        assert pool._waiting == []
        monkeypatch.setattr(pools, "_free_memory", lambda: 0.5)
        pool.expect([wish(tmp_path)])
        pool.tidy(time.monotonic() + 3_601)
        assert pool._waiting == []


HOLDER = """\
import sys, time
from pathlib import Path
from nbmlops.pipelines.warm.pool import KernelPool
from nbmlops.pipelines.warm.wanted import Wanted

pool = KernelPool(2)
with pool.open():
    pool.expect([Wanted("python3", Path(sys.argv[1]), (), ())])
    print(pool._waiting[0].started().pid, flush=True)
    time.sleep(300)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_of_a_pool_whose_process_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "t").mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "t")}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        assert is_running(pid)
        holder.send_signal(number)
        holder.wait(20)
    deadline = time.monotonic() + 5
    while (is_running(pid) or list((tmp_path / "t").iterdir())) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)
    assert list((tmp_path / "t").iterdir()) == []


def test_a_pool_can_be_closed_in_a_cell_whose_thread_has_a_loop_of_events(tmp_path: Path) -> None:
    async def cell() -> int | None:
        pool = KernelPool(4)
        with pool.open():
            pool.expect([wish(tmp_path), wish(tmp_path)])
            kernel = pool.take(wish(tmp_path))
            assert kernel is not None
        pools.ended(kernel)
        return kernel.pid

    assert not is_running(asyncio.run(cell()))
