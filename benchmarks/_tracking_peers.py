"""The peers of experiment tracking, in the environment that ``make bench`` makes from ``peers.txt``.

Each piece of work is a script that runs there and prints the seconds that the work took, without the import.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from _bounds import run
from _peers import BIN, installed, versions_of

__all__ = ["bytes_per_point", "fill_mlflow", "process", "require", "seconds", "versions"]

_NAMES = ("mlflow", "wandb", "dvclive")
_QUIET = {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_CONSOLE": "off",
    "DVC_NO_ANALYTICS": "1",
    "CI": "true",
}
_QUIET |= {"MLFLOW_ENABLE_TELEMETRY": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
_QUIET |= {"MLFLOW_ALLOW_FILE_STORE": "true"}

_HEAD = """
import logging, os, sys, time, warnings
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
count = int(sys.argv[1])
params = {"depth": 4, "rate": 0.1, "seed": 7, "kind": "gbm", "deep": True}
metrics = {"auc": 0.91, "loss": 0.2, "f1": 0.8}
def told(times):
    times.sort()
    print(times[len(times) // 2])
def timed(work, count=1):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    told(times)
"""
_MLFLOW = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
"""
_SCRIPTS = {
    ("mlflow", "small"): _MLFLOW
    + """
mlflow.set_experiment("e")
def one():
    with mlflow.start_run():
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
one()
timed(one, count)
""",
    ("mlflow files", "small"): """
import mlflow
mlflow.set_tracking_uri("file:mlruns")
mlflow.set_experiment("e")
def one():
    with mlflow.start_run():
        mlflow.log_params(params)
        mlflow.log_metrics(metrics)
one()
timed(one, count)
""",
    ("wandb", "small"): """
import wandb
def one():
    with wandb.init(project="e", config=params) as run:
        run.log(metrics)
one()
timed(one, min(count, 5))
""",
    ("dvclive", "small"): """
from dvclive import Live
place = iter(range(1000))
def one():
    with Live(f"live{next(place)}", save_dvc_exp=False, report=None) as live:
        live.log_params(params)
        for name, value in metrics.items():
            live.log_metric(name, value)
one()
timed(one, count)
""",
    ("mlflow", "loop"): _MLFLOW
    + """
mlflow.set_experiment("e")
with mlflow.start_run():
    mlflow.log_metric("loss", 1.0)
    def every():
        for step in range(count):
            mlflow.log_metric("loss", 1 / (1 + step), step=step)
    timed(every)
""",
    ("wandb", "loop"): """
import wandb
with wandb.init(project="e") as run:
    def every():
        for step in range(count):
            run.log({"loss": 1 / (1 + step)})
    timed(every)
""",
    ("mlflow", "first"): """
import mlflow
def first():
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("e")
timed(first)
""",
    ("mlflow", "find"): _MLFLOW
    + """
def find():
    found = mlflow.search_runs(filter_string="params.depth = '4'", order_by=["metrics.auc DESC"], max_results=100,
                               output_format="list", search_all_experiments=True)
    assert len(found) == 100
find()
timed(find, count)
""",
    ("mlflow", "frame"): _MLFLOW
    + """
def find():
    assert len(mlflow.search_runs(max_results=5000, search_all_experiments=True)) == 5000
timed(find, count)
""",
}
_PROCESS = {
    "mlflow": """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
with mlflow.start_run():
    mlflow.log_params({"depth": 4})
    mlflow.log_metric("auc", 0.9)
""",
    "wandb": """
import wandb
with wandb.init(project="e", config={"depth": 4}) as run:
    run.log({"auc": 0.9})
""",
}
# Bulk rows in MLflow's own tables: logging them one by one takes minutes, and is not what is measured here.
_FILL = (
    _MLFLOW
    + """
import random, sqlite3, uuid
mlflow.set_experiment("e")
with mlflow.start_run() as made:
    pass
experiment = made.info.experiment_id
connection = sqlite3.connect("mlflow.db")
columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
like = dict(zip(columns, connection.execute("SELECT * FROM runs").fetchone()))
chance = random.Random(1)
connection.execute("DELETE FROM runs")
for _ in range(count):
    name = uuid.UUID(int=chance.getrandbits(128)).hex
    row = {**like, "run_uuid": name}
    connection.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(columns))})", [row[c] for c in columns])
    for key, value in {"depth": chance.randrange(3, 9), "rate": chance.random(), "seed": 7}.items():
        connection.execute("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", (key, str(value), name))
    for key in metrics:
        value = chance.random()
        row = {"key": key, "value": value, "timestamp": 0, "step": 0, "is_nan": 0, "run_uuid": name}
        for table in ("metrics", "latest_metrics"):
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
connection.commit()
print(0)
"""
)
_POINTS = (
    _MLFLOW
    + """
from mlflow.entities import Metric
client = mlflow.MlflowClient()
made = client.create_run(client.create_experiment("e"))
size = os.path.getsize("mlflow.db")
for start in range(0, count, 1000):
    client.log_batch(made.info.run_id, metrics=[Metric("loss", 1 / (1 + s), s, s) for s in range(start, start + 1000)])
print((os.path.getsize("mlflow.db") - size) / count)
"""
)


def require() -> None:
    """End the benchmark when the peers are not installed."""
    installed(*_NAMES)


def versions() -> str:
    """Names and versions of the peers."""
    return versions_of(*_NAMES)


def seconds(peer: str, work: str, folder: Path, count: int) -> float:
    """Seconds that a peer takes for some work, the median of `count` times, or for all of them where it is a loop."""
    return _ran(_SCRIPTS[peer, work], folder, count)


def process(peer: str, folder: Path, times: int = 3) -> float:
    """Seconds of a process that imports a peer, records one run, and ends; the store is there already."""
    taken = []
    for _ in range(times + 1):
        began = time.perf_counter()
        run([BIN / "python", "-W", "ignore", "-c", _PROCESS[peer]], folder, **_QUIET)
        taken.append(time.perf_counter() - began)
    return sorted(taken[1:])[times // 2]


def fill_mlflow(folder: Path, count: int) -> None:
    """Fill MLflow's store with runs."""
    _ran(_FILL, folder, count)


def bytes_per_point(folder: Path, count: int) -> float:
    """Bytes that MLflow's store takes for a point of a metric."""
    return _ran(_POINTS, folder, count)


def _ran(script: str, folder: Path, count: int) -> float:
    printed = run([BIN / "python", "-c", _HEAD + script, str(count)], folder, **_QUIET)
    try:
        return float(printed.split()[-1])
    except (IndexError, ValueError):
        sys.exit(f"the peer printed {printed!r}")
