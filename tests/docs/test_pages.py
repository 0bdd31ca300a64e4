"""What the pages of `docs` show holds: blocks of Python run, proofs that are named are there, each verb has a page."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression

from nbmlops import Workspace, ml
from nbmlops.commands.grammar import VERBS, Verb
from nbmlops.workspace.current import forget

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md"))
PROOF = re.compile(r"`(tests/[\w/.]+)`")


def blocks(language: str) -> list[tuple[Path, str]]:
    """All blocks of a language, each with its page."""
    block = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [(page, found) for page in PAGES for found in block.findall(page.read_text(encoding="utf-8"))]


BLOCKS, JSON = blocks("python"), blocks("json")


def carrier_delay(flights: pd.DataFrame) -> pd.DataFrame:
    """Mean delay of a carrier."""
    return flights.groupby("carrier").dep_delay.mean().reset_index()


@pytest.fixture(scope="module")
def site() -> Iterator[Any]:
    """The modules that make the site."""
    sys.path.insert(0, str(DOCS / "site"))
    import gather
    import reference

    yield SimpleNamespace(gather=gather, reference=reference)
    sys.path.remove(str(DOCS / "site"))


@pytest.fixture(scope="module")
def gathered(site: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the site."""
    into: Path = tmp_path_factory.mktemp("site") / "source"
    site.gather.gather(ROOT, ROOT / "notebooks", into)
    return into


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a block takes for given: a workspace with tables and a model, and names for them."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"dep_delay": random.normal(10, 20, 400), "distance": random.uniform(100, 3000, 400)})
    late = (rows["dep_delay"] + random.normal(0, 5, 400) > 15).astype(int)
    model = LogisticRegression(max_iter=1000).fit(rows, late)
    holdout = rows.assign(late=late, carrier=random.choice(["AA", "UA"], 400))
    said = model.predict_proba(rows)[:, 1]
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(holdout, "flights")
        workspace.model.save(model, "delay", example=rows.head())
        workspace.feature.define(carrier_delay, entity="carrier", from_="flights")
        yield {
            "ml": ml,
            "np": np,
            "model": model,
            "X": rows,
            "y": late,
            "holdout": holdout,
            "parts": [rows[:200], rows[200:]],
            "yesterday": datetime.now(UTC) - timedelta(days=1),
            "true": late.to_numpy(),
            "said": said,
            "said_today": said[:200],
            "inputs": rows,
            "answered": said,
            "inputs_today": rows[:200],
            "answered_today": said[:200],
            "work": lambda run, part: run.log(mean=float(part["distance"].mean())),
            "Parallel": Parallel,
            "delayed": delayed,
            "xgboost": xgboost,
            "lightgbm": lightgbm,
            "c": SimpleNamespace(Scheduler=SimpleNamespace()),
        }
    forget()


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[page.stem for page, _ in BLOCKS])
def test_a_block_of_python_runs(page: Path, block: str, scene: dict[str, Any]) -> None:
    exec(compile(block, str(page), "exec"), scene)


def test_there_are_blocks_and_proofs_to_look_at() -> None:
    assert len(BLOCKS) > 10
    assert JSON
    assert len(PROOF.findall((DOCS / "security.md").read_text())) > 20


@pytest.mark.parametrize("block", [block for _, block in JSON], ids=[page.stem for page, _ in JSON])
def test_what_is_shown_as_json_is_json_or_a_line_of_it_each(block: str) -> None:
    try:
        json.loads(block)
    except json.JSONDecodeError:
        for line in block.splitlines():
            json.loads(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_test_that_a_page_names_is_there(page: Path) -> None:
    gone = [name for name in PROOF.findall(page.read_text(encoding="utf-8")) if not (ROOT / name).exists()]
    assert gone == []


def test_security_names_a_proof_for_each_of_twelve_promises() -> None:
    lines = [line for line in (DOCS / "security.md").read_text().splitlines() if line.startswith("| **")]
    assert len(lines) == 12
    assert all(PROOF.search(line.rsplit("|", 2)[1]) for line in lines)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.words)
def test_a_verb_has_a_page_with_its_three_faces(verb: Verb, gathered: Path, site: Any) -> None:
    text = (gathered / f"{site.reference.page_of(verb)}.md").read_text()
    assert text.startswith(f"# {verb.words}\n\n{verb.help}")
    for face, heading, shown in (
        ("cell", "## In a cell", f"%ml {verb.usage}"),
        ("shell", "## In a shell", f"nbmlops {verb.usage}"),
        ("python", "## In Python", f"{verb.python}("),
    ):
        assert (f"{heading}\n" in text and shown in text) == (face not in verb.exempt)
    for reason in verb.exempt.values():
        assert reason in text


def test_every_page_and_tutorial_is_in_the_sidebar(gathered: Path) -> None:
    index = (gathered / "index.md").read_text().splitlines()
    wanted = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    wanted |= {f"tutorials/{path.stem}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert wanted <= set(index)
    named = [line for line in index if line in wanted]
    assert len(named) == len(set(named))


def test_the_page_of_layers_is_the_contract(gathered: Path) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["id"] == "layers")
    rows = [line for line in (gathered / "layers.md").read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(layers)


def test_the_comparison_is_the_readme_s(gathered: Path) -> None:
    tables = [line for line in (gathered / "comparison.md").read_text().splitlines() if line.startswith("|")]
    readme = (ROOT / "README.md").read_text().splitlines()
    assert len(tables) > 30
    assert set(tables) <= set(readme)
