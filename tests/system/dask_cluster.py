"""A Dask cluster as its users start one: a scheduler, and two workers that are started again when they end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
from distributed import Client

from tests.places import ROOT

WORKERS = 2
"""How many there are, each a process of its own with one thread."""


@dataclass(frozen=True)
class DaskCluster:
    """Where its scheduler is, and one who asks it."""

    address: str
    client: Client

    def workers(self) -> list[psutil.Process]:
        """Give the processes that work now."""
        return [psutil.Process(worker) for worker in self.client.run(os.getpid).values()]

    def kernels(self) -> list[int]:
        """Process ids of all that workers have started."""
        return [child.pid for worker in self.workers() for child in worker.children(recursive=True)]


@contextmanager
def dask_cluster(folder: Path) -> Iterator[DaskCluster]:
    """Start its processes, which know nothing of the test's own; `folder` takes what they write."""
    file = str(folder / "scheduler.json")
    common = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", file)
    with (
        (folder / "dask.log").open("wb") as log,
        _process(log, "scheduler", *common, "--port", "0"),
        _process(log, "worker", *common, "--nworkers", str(WORKERS), "--nthreads", "1"),
        Client(scheduler_file=file, set_as_default=False) as client,
    ):
        client.wait_for_workers(WORKERS, timeout=60)
        yield DaskCluster(client.scheduler.address, client)


@contextmanager
def _process(log: IO[bytes], *words: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        cwd=Path(log.name).parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)
