"""A workspace with a model that is served, and a client that has its token."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from nbmlops import Workspace
from nbmlops.serving.endpoint.records import Endpoint

__all__ = ["Answered", "Client", "fitted", "flights", "project"]


def flights(rows: int = 300) -> pd.DataFrame:
    """Numbers that a model can learn from."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(random.normal(size=(rows, 3)), columns=["wind", "rain", "delay"])
    frame["distance"] = random.integers(100, 3000, rows)
    return frame


def fitted(strength: float = 1.0) -> Pipeline:
    """A pipeline; another `strength` gives another."""
    frame = flights()
    truth = np.where(frame["wind"] + frame["rain"] > 0, "late", "on time")
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength)).fit(frame, truth)


def project(folder: Path) -> Workspace:
    """A workspace with two versions of a model, the first in production."""
    workspace = Workspace.init(folder)
    for strength in (1.0, 0.01):
        workspace.model.save(fitted(strength), "delay", example=flights(20))
    workspace.model.promote("delay@v1")
    return workspace


@dataclass(frozen=True, slots=True)
class Answered:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Client:
    """Asks an endpoint."""

    address: str
    token: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> Client:
        assert endpoint.token_file is not None
        return cls(endpoint.address, Path(endpoint.token_file).read_text().strip())

    def ask(self, path: str, body: Any = None, *, method: str | None = None, **headers: str) -> Answered:
        """A request with the token, unless another ``authorization`` is given; underscores stand for dashes."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, content, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answered(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers), error.read())
