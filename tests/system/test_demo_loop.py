"""Both acts of the demo as a user starts them, on the real flights; what is said here of the data is what they show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(1_200)


def nbmlops(project: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "nbmlops", *words, "--json"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The project, and what was told."""
    folder = tmp_path_factory.mktemp("both-acts")
    done = subprocess.run(
        [sys.executable, "-m", "nbmlops", "demo", "--loop", "shown"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "shown", done.stderr


def test_decay_of_june_ends_in_a_new_champion_in_august(told: tuple[Path, str]) -> None:
    project, said = told
    assert "1 May: ✗ ranks: roc_auc 0.65" in said
    assert "1 July: ✗ good: accuracy 0.73" in said
    assert "delay@v4 promoted: better: brier" in said
    assert "1 September: ✓ good" in said
    assert nbmlops(project, "model", "show", "delay@production")["ref"] == "delay@v4"
    verbs = [change["verb"] for change in reversed(nbmlops(project, "deployment", "history", "delay"))]
    assert verbs == ["challenge", "promote"]


def test_each_flight_was_answered_once_and_none_refused(told: tuple[Path, str]) -> None:
    project, said = told
    assert said.count("none refused") == 5
    trial = nbmlops(project, "deployment", "test", "delay", "--champion", "v1", "--challenger", "v4")
    assert trial["paired"]


def test_what_was_done_by_whom_is_on_one_page(told: tuple[Path, str]) -> None:
    project, _ = told
    page = (project / "story.html").read_text()
    for part in ("<svg", "monitor good failed", "is tested in shadow", "is promoted", "2013-08"):
        assert part in page
    assert nbmlops(project, "serve") == []
