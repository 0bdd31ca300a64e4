"""A workspace in which everything happened that an export has to tell of, and the schemas that it is held to."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from sklearn.linear_model import LogisticRegression

from nbmlops.core.errors import NbmlopsError
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write
from tests.web_server import Page, WebServer

SCHEMAS = Path(__file__).parent / "openlineage"
SECRET = "geheim-9f1c2b"
PEOPLE = pd.DataFrame(
    {
        "Größe, in cm / Zoll": [170, 180, 190],
        "email": ["jane.roe@example.org", "bob@example.org", "eve@example.org"],
        "late": [0, 1, 0],
    }
)
VALUES = ("jane.roe@example.org", "bob@example.org", "eve@example.org", "Jane Roe", SECRET)
"""Values of the data, and a secret: none of them may be in any export."""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("lived") / "project"
    with make(folder) as workspace, WebServer() as server:
        root = workspace.marker.root
        git(root, "init", "-q", "-b", "main")
        git(root, "remote", "add", "origin", f"https://ann:{SECRET}@github.com/team/delays.git")
        git(root, "add", "-A")
        git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "all")
        parquet = io.BytesIO()
        PEOPLE.drop(columns="email").to_parquet(parquet)
        server.pages["/in/weather%201.parquet"] = Page(parquet.getvalue(), query=f"signature={SECRET}")
        address = f"{server.url}/in/weather%201.parquet?signature={SECRET}"
        workspace.data.save(address, "wetter", as_="table")
        _saved_by_people(workspace)
        _runs(workspace)
        _pipelines(workspace)
        yield workspace


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def _saved_by_people(workspace: Workspace) -> None:
    workspace.data.save(PEOPLE, "flüge", message="all of January", tags={"owner": "the delays team"}, alias="golden")
    workspace.data.profile("flüge")
    workspace.check.data("flüge", "late: in(0, 1)")
    workspace.feature.define(carrier_delay, entity="late", from_="flüge")
    workspace.data.save(PEOPLE.head(1), "short")
    workspace.data.save(PEOPLE.head(2), "short")
    workspace.data.delete("short@v1", unlock=True)
    workspace.data.save(PEOPLE.tail(1), "gone")
    workspace.data.delete("gone", unlock=True)
    workspace.data.save(PEOPLE.assign(late=1), "erased")
    condition = workspace.marker.root / "condition.txt"
    condition.write_text("email = 'jane.roe@example.org'")
    workspace.data.erase("erased", where_file=condition, yes=True)
    condition.unlink()


def carrier_delay(people: pd.DataFrame) -> pd.DataFrame:
    """How often one is late."""
    return people.groupby("late").size().rename("n").reset_index()


def _runs(workspace: Workspace) -> None:
    with workspace.run(
        "gbm", params={"depth": 4, "solver": "saga", "rate": float("nan")}, tags={"owner": "ada"}
    ) as run:
        people = workspace.data.load("flüge")
        workspace.data.load("wetter")
        workspace.data.save(people.assign(x=1.0), "clean")
        inputs = people[["late"]]
        workspace.model.save(LogisticRegression().fit(inputs, people["late"]), "delay", example=inputs)
        run.log(auc=0.9, broken=float("nan"))
        with workspace.run("inner"):
            workspace.data.load("clean")
    limits = f"trained on winter, see https://ann:{SECRET}@wiki.example.org/winter"
    workspace.model.describe("delay", owner="the model team", limits=limits, description="Who is late.")
    with pytest.raises(ValueError, match="Jane"), workspace.run("gbm"):
        raise ValueError("could not convert 'Jane Roe' to float")
    with pytest.raises(KeyboardInterrupt), workspace.run("gbm"):
        raise KeyboardInterrupt
    workspace.run.start("still_running")


def _pipelines(workspace: Workspace) -> None:
    workspace.pipeline.run("sums", logical_time="2026-01-01T06:00:00Z")
    write(workspace.marker.root / "notebooks" / "2_sum.ipynb", "factor: int = 0", 'ml.data.load("raw")', "1 / factor")
    with pytest.raises(NbmlopsError, match="2_sum"):
        workspace.pipeline.run("sums", {"rows": "7"})


@pytest.fixture(scope="session")
def hold() -> Callable[[str, Any], None]:
    """Holds a value to one of the published schemas, by its address."""
    loaded = [json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.rglob("*.json")]
    registry: Registry[Any] = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in loaded)

    def check(url: str, value: Any) -> None:
        Draft202012Validator({"$ref": url}, registry=registry, format_checker=FormatChecker()).validate(value)

    return check
