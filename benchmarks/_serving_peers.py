"""The peers of serving: `mlflow models serve`, FastAPI, and bare Starlette, each one worker with the same pipeline.

FastAPI and MLflow run in the environment of the peers, bare Starlette in ours. All get MLflow's ``dataframe_split`` and
give what the model predicts. The bare ones check nothing, ask for no token and count nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _bounds import run
from _peers import BIN, installed, versions_of

__all__ = ["PATH", "peers", "require", "serving", "versions"]

PATH = "/invocations"
_NAMES = ("mlflow", "fastapi", "scikit-learn")
_FIT = """
import sys
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
random = np.random.default_rng(7)
X = pd.DataFrame(random.normal(size=(1000, 10)), columns=[f"x{n}" for n in range(10)])
y = (X["x0"] + random.normal(size=1000) > 0).astype(int)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
"""
_MLFLOW = f"""{_FIT}
import mlflow.sklearn
mlflow.sklearn.save_model(model, sys.argv[1], serialization_format="cloudpickle")
"""
_FASTAPI = f"""{_FIT}
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

class Split(BaseModel):
    columns: list[str]
    data: list[list[float]]

class Asked(BaseModel):
    dataframe_split: Split

app = FastAPI()

@app.post("/invocations")
async def predict(asked: Asked):
    split = asked.dataframe_split
    return {{"predictions": model.predict(pd.DataFrame(split.data, columns=split.columns)).tolist()}}

uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""
_STARLETTE = f"""{_FIT}
import orjson, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

async def predict(request):
    split = orjson.loads(await request.body())["dataframe_split"]
    frame = pd.DataFrame(split["data"], columns=split["columns"])
    return Response(orjson.dumps({{"predictions": model.predict(frame).tolist()}}), media_type="application/json")

async def nothing(request):
    orjson.loads(await request.body())
    return Response(b'{{"predictions": [1]}}', media_type="application/json")

app = Starlette(routes=[Route("/invocations", predict, methods=["POST"]), Route("/nothing", nothing, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


def require() -> None:
    """End the benchmark when a peer is not installed."""
    installed(*_NAMES)


def versions() -> str:
    """Names and versions."""
    return versions_of(*_NAMES)


def peers(folder: Path, ports: tuple[int, int, int]) -> dict[str, list[str]]:
    """The command of each peer, and the ports that they are to listen on."""
    for name, script in {"fastapi": _FASTAPI, "starlette": _STARLETTE, "mlflow": _MLFLOW}.items():
        (folder / f"serve_{name}.py").write_text(script)
    run([BIN / "python", folder / "serve_mlflow.py", folder / "model"], folder)
    serve = ["models", "serve", "--model-uri", str(folder / "model"), "--env-manager", "local", "--workers", "1"]
    return {
        "mlflow": [str(BIN / "mlflow"), *serve, "--port", str(ports[0])],
        "fastapi": [str(BIN / "python"), str(folder / "serve_fastapi.py"), str(ports[1])],
        "starlette": [sys.executable, str(folder / "serve_starlette.py"), str(ports[2])],
    }


@contextmanager
def serving(command: list[str], port: int, body: bytes, folder: Path) -> Iterator[None]:
    """Let a peer serve while the body of a ``with`` runs."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(port, body, process, folder / f"{port}.log")
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _wait(port: int, body: bytes, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{PATH}", body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"a peer does not answer: {log.read_text()[-2000:]}")
            time.sleep(0.2)
