"""The verb, in three faces: a whole file or none, whatever is asked; and as little memory for many runs as for few."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path

import pytest

from nbmlops import ml
from nbmlops.__main__ import main
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, UnavailableError
from nbmlops.render.dispatch import text
from nbmlops.workspace import Workspace
from nbmlops.workspace.current import forget
from tests.filled import fill


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


def test_many_runs_are_told_in_little_memory(workspace: Workspace) -> None:
    fill(workspace, runs=6_000, names=50, experiments=7)
    workspace.store.export("openlineage", "first.jsonl")  # whatever is imported only once
    told = 0

    def progress(size: int) -> None:
        nonlocal told
        told += size

    gc.collect()
    gc.freeze()  # what pytest holds would put off the collection of what the export lets go
    tracemalloc.start()
    done = workspace.store.export("openlineage", "events.jsonl", progress=progress)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    gc.unfreeze()
    assert (done.runs, told) == (6_000, done.bytes)
    print(f"{done.runs:,} runs, {done.bytes / 1e6:.1f} MB of events: a peak of {peak / 1e6:.1f} MB")
    assert peak < done.bytes / 2
