"""The program ``nbmlops``: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbmlops.__main__ import main
from nbmlops.commands.bars import Bars
from nbmlops.commands.grammar import VERBS
from nbmlops.core.signs import StepProgress

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "nbmlops"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def code_of(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


def saved(project: Path, rows: str = "a,b\n1,2\n") -> None:
    (project / "x.csv").write_text(rows)
    assert code_of("data", "save", "x.csv", "-m", "first") == 0


def test_a_listing_is_a_table_for_people_and_one_document_for_programs(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(project)
    capsys.readouterr()
    assert code_of("data", "list") == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("version")
    assert code_of("data", "list", "--json") == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert (document["ref"], document["message"]) == ("x@v1", "first")


@pytest.mark.parametrize("noun", ["data", "run", "check", "model", "pipeline"])
def test_every_listing_is_json_when_there_is_nothing(
    noun: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(noun, "list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert code_of(noun, "list") == 0
    assert "no " in capsys.readouterr().out


def test_showing_tells_more_than_saving(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(project)
    one = capsys.readouterr().out
    assert len(one.splitlines()) == 1
    assert code_of("data", "show", "x") == 0
    assert capsys.readouterr().out.startswith(one.rstrip())


def test_data_comes_back_as_it_was(project: Path) -> None:
    saved(project)
    assert code_of("data", "load", "x", "--to", "y.csv") == 0
    assert (project / "y.csv").read_text() == "a,b\n1,2\n"


def test_a_new_workspace_says_where_one_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("init", "project") == 0
    assert capsys.readouterr().out.startswith("workspace project")
    assert code_of("doctor") == 0
    assert "none here" in capsys.readouterr().out


def test_an_error_goes_to_stderr_with_the_next_thing_to_type(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("data", "list") == 2
    told = capsys.readouterr()
    assert told.out == ""
    error, hint = told.err.splitlines()
    assert error.startswith("error: ")
    assert error.endswith("is not in a workspace")
    assert hint == "hint: make one here with `nbmlops init`"


def test_what_is_found_damaged_is_shown_and_told_by_the_exit_code(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(project, "a\n" * 2_000)
    pack = max((project / ".nbmlops" / "objects").rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(content)
    capsys.readouterr()
    assert code_of("store", "verify", "--full") == 1
    assert "✗" in capsys.readouterr().out
    assert code_of("store", "verify", "--full", "--json") == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_failed_check_is_told_by_the_exit_code_and_a_strict_one_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suite.txt").write_text("a: number, between(0, 1)\n")
    (project / "t.csv").write_text("a\n1\n2\n")
    assert code_of("check", "data", "t.csv", "--suite", "suite.txt") == 1
    assert "✗ a between" in capsys.readouterr().out
    assert code_of("check", "data", "t.csv", "--suite", "suite.txt", "--strict") == 2
    assert "error: " in capsys.readouterr().err


def test_a_suite_that_was_learnt_can_be_written_to_a_file_and_used(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "t.csv").write_text("a\n1\n2\n3\n")
    assert code_of("check", "infer", "t.csv") == 0
    (project / "suite.txt").write_text(capsys.readouterr().out)
    assert code_of("check", "data", "t.csv", "--suite", "suite.txt") == 0


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("--help") == 0
    assert code_of() == 0
    assert code_of("data") == 0
    assert "Usage: nbmlops data" in capsys.readouterr().out


def test_the_program_and_the_table_have_the_same_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    for noun in {verb.noun for verb in VERBS}:
        assert code_of(*([noun] if noun else []), "--help") == 0
        told = capsys.readouterr().out
        for verb in VERBS:
            if verb.noun == noun:
                assert f"  {verb.name} " in told


def test_the_program_runs_in_a_process_of_its_own(project: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "status", "--json"], check=True, capture_output=True, text=True, env=ENVIRONMENT, cwd=project
    )
    assert json.loads(done.stdout)["workspace"] == project.name


def test_a_closed_pipe_is_no_story(project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*PROGRAM, "doctor"], check=False, stdout=pipe, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=project
        )
    assert done.returncode == 141
    assert done.stderr == b""


def test_a_connection_that_somebody_else_closed_is_told(project: Path) -> None:
    code = """
import nbmlops.__main__ as program

def run(_arguments):
    raise BrokenPipeError("the endpoint hung up")

program._run = run
program.main(["doctor"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=ENVIRONMENT, cwd=project
    )
    assert done.returncode == 1
    assert "the endpoint hung up" in done.stderr


def test_an_interrupt_ends_with_130_and_no_traceback(project: Path) -> None:
    os.mkfifo(project / "endless.csv")
    process = subprocess.Popen(
        [*PROGRAM, "check", "data", "endless", "--suite", "endless.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        cwd=project,
    )
    writer = os.open(project / "endless.csv", os.O_WRONLY)  # opens once the program reads
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    os.close(writer)
    assert process.returncode == 130
    assert told == b"interrupted\n"


def test_a_shell_completes_through_click(project: Path) -> None:
    saved(project)
    asked = {"_NBMLOPS_COMPLETE": "bash_complete", "COMP_WORDS": "nbmlops data load ", "COMP_CWORD": "3"}
    done = subprocess.run(
        PROGRAM, check=True, capture_output=True, text=True, env={**ENVIRONMENT, **asked}, cwd=project
    )
    assert done.stdout.split() == ["plain,x"]


class Clock:
    """Time that passes by a second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_without_a_terminal_long_work_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(terminal=False, clock=Clock()).bytes("saving") as progress:
        for _ in range(10):
            progress(1_000)
    assert capsys.readouterr().err == "saving …\n"


def test_short_work_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(terminal=False, clock=lambda: 0.0).bytes("saving") as progress:
        progress(1_000)
    with Bars(terminal=True, clock=lambda: 0.0).bytes("saving") as progress:
        progress(1_000)
    assert capsys.readouterr().err == ""


def test_without_a_terminal_each_step_is_told_when_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(terminal=False).steps("delays") as progress:
        progress(StepProgress("1_ingest", "running", 1, 5))
        progress(StepProgress("1_ingest", "completed", 5, 5))
        progress(StepProgress("2_validate", "not_run"))
    assert capsys.readouterr().err == "delays: 1_ingest completed\ndelays: 2_validate not run\n"


def test_on_a_terminal_bars_are_drawn_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(terminal=True, clock=Clock()).steps("delays") as progress:
        progress(StepProgress("[red]1_ingest", "running", 1, 5))
    with Bars(terminal=True, clock=Clock()).bytes("saving") as count:
        count(2_000_000)
    told = capsys.readouterr()
    assert told.out == ""
    assert "[red]1_ingest" in told.err
    assert "saving" in told.err


NOT_OF_A_SAVE = [
    "alembic",
    "fsspec",
    "jinja2",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "nbmlops.data.comparing",
    "nbmlops.data.diff_views",
    "nbmlops.data.erasing",
    "nbmlops.models",
    "nbmlops.pipelines",
    "nbmlops.render.diagram",
    "nbmlops.store.arrival",
    "nbmlops.store.exchange",
    "nbmlops.store.repair",
    "nbmlops.store.verification",
    "nbmlops.tracking",
]


def test_saving_a_file_imports_nothing_that_it_does_not_need(project: Path) -> None:
    (project / "x.csv").write_text("a,b\n1,2\n")
    script = (
        "import sys\nfrom nbmlops.__main__ import main\ntry:\n    main(['data', 'save', 'x.csv'])\n"
        "except SystemExit as end:\n    assert end.code == 0\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    shown, imported = done.stdout.splitlines()
    assert shown.startswith("x@v1")
    assert set(NOT_OF_A_SAVE) & set(imported.split()) == set()


def test_the_shell_reads_notebooks_without_building_a_parser_of_iris(project: Path) -> None:
    script = (
        "import sys\nfrom nbmlops.__main__ import main\nsys.argv = ['nbmlops', 'status']\ntry:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code\nimport nbformat\nprint('lark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, check=True, capture_output=True, text=True)
    assert project.is_dir()
    assert done.stdout.splitlines()[-1] == "False"


def test_the_settings_of_a_step_are_shown_without_a_workspace(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = {"cell_type": "code", "source": "%%ml step\nretries: 2\nwhen: month > 3", "metadata": {}, "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "a.ipynb").write_text(json.dumps(notebook))
    assert code_of("step", "a.ipynb") == 0
    assert "month > 3" in capsys.readouterr().out
    assert code_of("step", "a.ipynb", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "retries": "2, wait 10s, factor 2, at most 10m",
        "when": "month > 3",
    }
    assert code_of("step") == 2
    assert "there are no settings" in capsys.readouterr().err
