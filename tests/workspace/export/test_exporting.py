"""The verb, in three faces: a whole file or none, whatever is asked; and as little memory for many runs as for few."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbmlops import ml
from nbmlops.__main__ import main
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from nbmlops.render.dispatch import text
from nbmlops.workspace import Workspace
from nbmlops.workspace.current import forget
from tests.filled import fill
from tests.places import ROOT


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    forget()
    ml.init()
    return Workspace.open()


@pytest.mark.parametrize(
    ("form", "file", "options", "error", "said"),
    [
        ("openlinage", "a.jsonl", {}, InvalidError, "there is no form 'openlinage'"),
        ("datahub", "there.jsonl", {}, ConflictError, "there already"),
        ("openlineage", "there.jsonl", {}, ConflictError, "there already"),
        ("openlineage", ".", {}, ConflictError, "there already"),
        ("openlineage", "nowhere/a.jsonl", {}, NotFoundError, "there is no folder nowhere"),
        ("openlineage", "a.jsonl", {"since": "last week"}, InvalidError, "is no time"),
        ("openlineage", "a.jsonl", {"namespace": " "}, InvalidError, "is no namespace"),
        ("openlineage", "a.jsonl", {"namespace": "a\nb"}, InvalidError, "is no namespace"),
        ("openlineage", "/dev/full/a.jsonl", {}, UnavailableError, "cannot write"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    workspace: Workspace, form: str, file: str, options: dict[str, str], error: type[Exception], said: str
) -> None:
    Path("there.jsonl").write_text("mine")
    before = sorted(Path().iterdir())
    with pytest.raises(error, match=said):
        workspace.store.export(form, file, **options)  # type: ignore[arg-type]
    assert sorted(Path().iterdir()) == before
    assert Path("there.jsonl").read_text() == "mine"


def test_a_shell_exports_and_is_told_what_to_type_for_the_rest(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(workspace, runs=3, names=2)
    with pytest.raises(SystemExit) as end:
        main(["store", "export", "openlineage", "events.jsonl", "--namespace", "team"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith("catalog events.jsonl   openlineage   8 entries   3 runs   2 names")
    assert "--since 20" in told
    with pytest.raises(SystemExit) as end:
        main(["store", "export", "openlineage", "events.jsonl"])
    assert end.value.code == 2
    assert "events.jsonl is there already" in capsys.readouterr().err


def test_an_empty_workspace_gives_a_file_of_no_events_and_a_list_of_the_platform_alone(workspace: Workspace) -> None:
    assert workspace.store.export("datahub", "list.json").entries == len(json.loads(Path("list.json").read_text())) == 1
    done = workspace.store.export("openlineage", "none.jsonl")
    assert (done.entries, done.bytes, Path("none.jsonl").read_bytes()) == (0, 0, b"")
    assert "0 runs" in text(done)


PEAK = """
import tracemalloc
from nbmlops import Workspace
from tests.filled import fill

with Workspace.init(".") as workspace:
    fill(workspace, runs=6_000, names=50, experiments=7)
    workspace.store.export("openlineage", "first.jsonl")  # whatever is imported only once
    told = []
    tracemalloc.start()
    done = workspace.store.export("openlineage", "events.jsonl", progress=lambda size: told.append(size))
    print(done.runs, done.bytes, sum(told), tracemalloc.get_traced_memory()[1])
"""


def test_many_runs_are_told_in_little_memory(tmp_path: Path) -> None:
    # In a process of its own: what others hold puts off the collection of what an export lets go.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    asked = subprocess.run(
        [sys.executable, "-c", PEAK], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    runs, size, told, peak = map(int, asked.stdout.split())
    assert (runs, told) == (6_000, size)
    print(f"{runs:,} runs, {size / 1e6:.1f} MB of events: a peak of {peak / 1e6:.1f} MB")
    assert peak < size / 4
