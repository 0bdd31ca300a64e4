"""History: each version with who made it, where, in which run and at which commit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.render import html, json, text
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def commit(root: Path) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "main"], [*who, "commit", "-qm", "first", "--allow-empty"]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    told = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def test_a_version_knows_its_commit_without_any_run(workspace: Workspace) -> None:
    at = commit(workspace.marker.root)
    saved = workspace.data.save(pd.DataFrame({"a": [1]}), "flights", message="first")
    assert saved.git == {"commit": at, "branch": "main", "dirty": False}
    assert f"main@{at[:8]}" in text(workspace.data.history("flights"))


def test_a_version_knows_the_script_that_saved_it(workspace: Workspace) -> None:
    script = workspace.marker.root / "clean.py"
    script.write_text(
        'import pandas as pd\nfrom nbmlops import ml\nml.data.save(pd.DataFrame({"a": [1]}), "flights")\n'
    )
    subprocess.run([sys.executable, script.name], cwd=script.parent, check=True)
    assert Path(workspace.data.show("flights").script or "").name == "clean.py"


def test_a_version_knows_the_friendly_name_of_its_run(workspace: Workspace) -> None:
    with workspace.run("clean"):
        workspace.data.save(pd.DataFrame({"a": [1]}), "flights")
    (version,) = workspace.data.history("flights")
    assert version.run == "clean-1"
    assert "clean-1" in html(workspace.data.history("flights"))


def test_history_is_a_frame_and_a_document_too(workspace: Workspace) -> None:
    for content in (1, 2, 3):
        workspace.data.save(pd.DataFrame({"a": [content]}), "flights", message=f"number {content}")
    history = workspace.data.history("flights")
    frame = history.to_pandas()
    assert list(frame["message"]) == ["number 3", "number 2", "number 1"]
    assert {"version", "rows", "size", "new", "by", "made in", "run", "commit", "aliases"} <= set(frame.columns)
    assert [one["ref"] for one in json(history)] == ["flights@v3", "flights@v2", "flights@v1"]
    assert text(history[:1]).splitlines()[0] == text(history).splitlines()[0]
