"""Serving a scikit-learn pipeline, one row a request, one worker, beside MLflow, FastAPI and bare Starlette.

All servers run at once and are asked by turns, from one process over loopback, so that all meet the same machine; a
figure is the median of the rounds. Ours checks each request against the signature, asks for a token, counts, and
captures the request with its answer, except in the row that says what capture costs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import _serving_peers as peers
import numpy as np
import pandas as pd
from _bounds import Row, print_rows
from _load import Load, asked
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nbmlops import Workspace
from nbmlops.serving.endpoint.records import Endpoint

CALLERS = (1, 16, 64)
COLUMNS = [f"x{number}" for number in range(10)]
OURS, BARE_CAPTURE, ONNX = "nbmlops", "nbmlops, no capture", "nbmlops, ONNX"


@dataclass(frozen=True)
class Server:
    """One that is asked: where, and with what token."""

    port: int
    path: str = peers.PATH
    token: str | None = None


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


def workspace_in(folder: Path) -> Workspace:
    """A workspace with the pipeline, in scikit-learn's form and in ONNX."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(random.normal(size=(1000, 10)), columns=COLUMNS)
    truth = (frame["x0"] + random.normal(size=1000) > 0).astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, truth)
    workspace = Workspace.init(folder)
    for name, form in (("scored", None), ("scored_onnx", "onnx")):
        workspace.model.save(model, name, example=frame.head(100), format=form)
        workspace.model.promote(f"{name}@v1")
    return workspace


def ours(workspace: Workspace, ref: str, *, capture: bool = True) -> Server:
    """Serve one of ours."""
    endpoint = workspace.serve(ref, capture=capture)
    assert isinstance(endpoint, Endpoint)
    assert endpoint.token_file is not None
    return Server(int(endpoint.address.rpartition(":")[2]), token=Path(endpoint.token_file).read_text().strip())


def measured(servers: dict[str, Server], body: bytes, rounds: int, seconds: float) -> dict[tuple[str, int], Load]:
    """Ask all by turns: the medians by server and callers."""
    found: dict[tuple[str, int], list[Load]] = {}
    for number in range(rounds + 1):
        for callers in CALLERS:
            for name, server in servers.items():
                length = seconds if number else 0.3  # the first round is to warm up
                load = asked(server.port, server.path, body, callers, length, server.token)
                if number:
                    found.setdefault((name, callers), []).append(load)
    return {key: _median(loads) for key, loads in found.items()}


def _median(loads: list[Load]) -> Load:
    return Load(*(statistics.median(getattr(load, what) for load in loads) for what in ("rate", "p50", "p99")))


def table(found: dict[tuple[str, int], Load]) -> list[Row]:
    """The rows with their targets."""
    rows = []
    for callers in (1, 16):
        peer, mine = found["mlflow", callers], found[OURS, callers]
        rows.append(_times(f"one row, {callers} connections, requests/s", "MLflow", peer.rate, mine.rate, 3.0))
        rows.append(_share("the same, 99 % within ms", "MLflow", peer.p99, mine.p99, 0.2))
    bare, mine = found["starlette", 1], found[OURS, 1]
    rows.append(_share("one row, 1 connection, half within ms", "bare Starlette", bare.p50, mine.p50, 1.3))
    bare, mine = found["starlette", 64], found[OURS, 64]
    rows.append(_times("one row, 64 connections, requests/s", "bare Starlette", bare.rate, mine.rate, 1.2))
    onnx = found[ONNX, 16]
    rows.append(_times("ONNX, 16 connections, requests/s", "MLflow", found["mlflow", 16].rate, onnx.rate, 4.0))
    for callers in (16, 64):
        on, off = found[OURS, callers].rate, found[BARE_CAPTURE, callers].rate
        rows.append(_times(f"capture on, {callers} connections, requests/s", "capture off", off, on, 0.95))
    return rows


def _times(work: str, peer: str, theirs: float, mine: float, least: float) -> Row:
    ratio = mine / theirs
    return Row(work, f"{peer} {theirs:,.0f}", f"{mine:,.0f}", f"{ratio:.2f}x", f">= {least:g}x", ratio >= least)


def _share(work: str, peer: str, theirs: float, mine: float, most: float) -> Row:
    ratio = mine / theirs
    return Row(work, f"{peer} {theirs:.2f}", f"{mine:.2f}", f"{ratio:.2f}x", f"<= {most:g}x", ratio <= most)


def main() -> int:
    """Print all figures, then the table; give 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is asked")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each time")
    chosen = parser.parse_args()
    peers.require()
    print(peers.versions())
    row = np.random.default_rng(1).normal(size=10).tolist()
    body = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": [row]}}).encode()
    folder = Path(tempfile.mkdtemp(prefix="nbmlops-serving-"))
    try:
        ports = free_ports(3)
        commands = peers.peers(folder, (ports[0], ports[1], ports[2]))
        with workspace_in(folder / "ours") as workspace, ExitStack() as stack:
            servers = {}
            for (name, command), port in zip(commands.items(), ports, strict=True):
                stack.enter_context(peers.serving(command, port, body, folder))
                servers[name] = Server(port)
            servers["starlette, no model"] = Server(ports[2], "/nothing")
            stack.callback(workspace.serve, stop=True)
            servers[OURS] = ours(workspace, "scored@production")
            servers[BARE_CAPTURE] = ours(workspace, "scored@v1", capture=False)
            servers[ONNX] = ours(workspace, "scored_onnx@production")
            found = measured(servers, body, chosen.rounds, chosen.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for (name, callers), load in sorted(found.items(), key=lambda item: item[0][1]):
        print(f"{name:<22}{callers:>3} connections {load.rate:8,.0f} /s   p50 {load.p50:7.2f}   p99 {load.p99:7.2f} ms")
    rows = table(found)
    print_rows(rows)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
