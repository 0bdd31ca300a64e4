"""Evidently's preset of drift, in the environment of the peers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import _peers
from _bounds import Times

if TYPE_CHECKING:
    import pandas as pd
    from _bench import Bench

__all__ = ["preset"]

# It says when it is ready, and for each line that it is sent how long a report took: its start is no part of the time.
_CODE = """
import sys, time, warnings
import numpy as np, pandas as pd
warnings.simplefilter("ignore")
from evidently import Report
from evidently.presets import DataDriftPreset
before, after = (pd.read_parquet(path) for path in sys.argv[1:])
print("ready", flush=True)
for _ in sys.stdin:
    began = time.perf_counter()
    Report([DataDriftPreset()]).run(after, before).dict()
    print(time.perf_counter() - began, flush=True)
"""


def preset(bench: Bench, before: pd.DataFrame, after: pd.DataFrame, rounds: int) -> Sequence[Times]:
    """What the preset took, alone in a sequence that is empty where the peers are left out."""
    if not bench.peers:
        return ()
    folder = bench.fresh()
    paths = [folder / "before.parquet", folder / "after.parquet"]
    for frame, path in zip((before, after), paths, strict=True):
        frame.to_parquet(path, index=False)
    command: list[str | Path] = [_peers.BIN / "python", "-c", _CODE, *paths]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        assert peer.stdout.readline().strip() == "ready"
        seconds = []
        for _ in range(rounds):
            peer.stdin.write("\n")
            peer.stdin.flush()
            seconds.append(float(peer.stdout.readline()))
        peer.stdin.close()
    return [Times(tuple(seconds))]
