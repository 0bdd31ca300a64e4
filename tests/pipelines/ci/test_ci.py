from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from click.shell_completion import ShellComplete

from nbmlops.__main__ import main
from nbmlops.checks.records import Report
from nbmlops.commands.tree import tree
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.core.version import __version__
from nbmlops.pipelines.ci.service import BY_SERVICE
from nbmlops.tracking.ml_line import MlLine
from nbmlops.workspace import Workspace
from tests.pipelines.project import RAW, TOTAL, make, write

FEATURE = "def double(x):\n    return 2 * x"
TESTS = "%%ml check feature\ndef test_double():\n    assert double(2) == 4\n\nassert double(0) == {}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with make(tmp_path / "project") as workspace:
        monkeypatch.chdir(workspace.marker.root)
        yield workspace


def outcomes(report: Report) -> dict[str, str]:
    return {f"{one.column} {one.check}": one.status for one in report.outcomes}


def test_ci_lints_runs_the_tests_of_cells_and_the_pipeline_and_keeps_only_reports(project: Workspace) -> None:
    notebook = project.marker.root / "notebooks" / "2_sum.ipynb"
    write(notebook, "factor: int = 2", "%load_ext nbmlops", FEATURE, TESTS.format(0), TOTAL)
    report = project.ci.run()
    assert report.passed
    assert (report.section, report.suite, report.subject) == ("infrastructure", "ci", "sums")
    assert outcomes(report) == {
        "notebooks/1_make.ipynb lint": "passed",
        "notebooks/2_sum.ipynb lint unused": "warned",
        "notebooks/2_sum.ipynb test_double": "passed",
        "notebooks/2_sum.ipynb assert double(0) == 0": "passed",
        "sums on 1,000 rows step 1_make": "passed",
        "sums on 1,000 rows step 2_sum": "passed",
    }
    assert not project.data.list()
    assert project.check.show(report.id or 0) == report


def test_what_needs_all_rows_is_found_when_the_sample_does_not_show_it(project: Workspace) -> None:
    import pandas as pd

    project.data.save(pd.DataFrame({"n": range(30)}), "given")
    few = 'given = ml.data.load("given")\nassert len(given) < 20\nml.data.save(given, "raw")'
    write(project.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 1", few)
    quick = project.ci.run("sums", rows=10, quick=True)
    assert quick.passed
    assert quick.subject == "sums"
    found = outcomes(project.ci.run(rows=10))
    assert found["sums on 10 rows step 1_make"] == "passed"
    assert found["sums on all rows input given"] == "passed"
    assert found["sums on all rows step 1_make"] == "failed"


def test_a_fault_in_a_notebook_is_told_and_nothing_is_run(project: Workspace, tmp_path: Path) -> None:
    folder = project.marker.root / "notebooks"
    write(folder / "2_sum.ipynb", "factor: int = 2", "%load_ext nbmlops", FEATURE, TESTS.format(1), "print(nowhere)")
    write(folder / "1_make.ipynb", "rows: int = 1", "import random\nrows = random.random()", RAW)
    file = tmp_path / "junit.xml"
    report = project.ci.run(junit=file)
    assert {key: status for key, status in outcomes(report).items() if status != "passed"} == {
        "notebooks/1_make.ipynb lint unseeded": "warned",
        "notebooks/2_sum.ipynb lint unused": "warned",
        "notebooks/2_sum.ipynb lint hidden-state": "failed",
        "notebooks/2_sum.ipynb assert double(0) == 1": "failed",
        "sums run": "warned",
    }
    (suite,) = ET.parse(file).getroot()
    assert suite.get("failures") == "2"
    (fault,) = [case for case in suite.iter("testcase") if "hidden-state" in (case.get("name") or "")]
    assert "cell 7 line 1: `nowhere` is used" in (fault[0].get("message") or "")


def test_a_broken_notebook_is_an_error_and_the_others_are_judged(project: Workspace) -> None:
    (project.marker.root / "notebooks" / "1_make.ipynb").write_text("<<<<<<< HEAD")
    found = outcomes(project.ci.run())
    assert found == {
        "notebooks/1_make.ipynb notebook": "errored",
        "notebooks/2_sum.ipynb lint unused": "warned",
        "sums run": "warned",
    }


@pytest.mark.parametrize(("named", "told"), [("GITHUB_ACTIONS", "GitHub Actions"), ("BUILDKITE", "a service")])
def test_a_service_that_runs_it_is_told(
    project: Workspace, monkeypatch: pytest.MonkeyPatch, named: str, told: str
) -> None:
    assert "None run by a service" not in outcomes(project.ci.run(quick=True))
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv(named, "true")
    (found,) = (one for one in project.ci.run(quick=True).outcomes if one.check == BY_SERVICE)
    assert (found.status, found.figure) == ("passed", told)


def test_names_that_are_none_are_refused(project: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"(?s)no pipeline 'sum'.*did you mean sums"):
        project.ci.run("sum")
    with pytest.raises(InvalidError, match=r"(?s)no workflow for 'gitlab'.*github"):
        project.ci.init("gitlab")
    with Workspace.init(tmp_path / "empty") as empty, pytest.raises(InvalidError, match="no pipeline"):
        empty.ci.run()


def exit_code(*words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


def test_the_words_alone_run_it_and_the_exit_code_tells(project: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    write(project.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 1", "open('/home/ann/a.csv')")
    assert exit_code("ci") == 1
    assert "lint absolute-path" in capsys.readouterr().out
    assert exit_code("ci", "sums", "--quick") == 1
    assert exit_code("ci", "--quick") == 1
    assert exit_code("ci", "--help") == 0
    assert MlLine.parse("ci sums --quick").verb == MlLine.parse("ci").verb == "run"


def test_a_shell_is_offered_both_verbs() -> None:
    offered = ShellComplete(tree, {}, "nbmlops", "_NBMLOPS_COMPLETE").get_completions(["ci"], "")
    assert {one.value for one in offered} == {"run", "init"}


def workflow_of(project: Workspace) -> dict[str, Any]:
    written = project.ci.init("github")
    path = project.marker.root / written.path
    assert path.read_text(encoding="utf-8") == written.content
    content: dict[str, Any] = yaml.safe_load(written.content)
    return content


def test_the_workflow_fits_its_schema(project: Workspace) -> None:
    pyproject = project.marker.root / "pyproject.toml"
    workflow_of(project)
    file = project.marker.root / ".github" / "workflows" / "nbmlops.yml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    pyproject.write_text(pyproject.read_text() + '[tool.nbmlops.remotes]\norigin = "../remote"\n')
    with Workspace.open(project.marker.root) as workspace:
        workspace.ci.init("github", force=True)
    assert "nbmlops data pull --locked" in file.read_text()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    file.write_text(file.read_text().replace("runs-on", "run-on"))
    assert subprocess.run(command, check=False, capture_output=True).returncode == 1


def test_a_file_of_another_is_not_overwritten(project: Workspace) -> None:
    written = project.ci.init("github")
    project.ci.init("github")
    (project.marker.root / written.path).write_text("mine")
    with pytest.raises(RefusedError, match="it is another"):
        project.ci.init("github")
    project.ci.init("github", force=True)


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", *identity, *words], check=True, cwd=folder, capture_output=True)


def programs(folder: Path) -> Path:
    """A folder with this nbmlops, and with a `pip` that only tells what it is to install."""
    folder.mkdir()
    for name, line in (("nbmlops", f'exec {sys.executable} -m nbmlops "$@"'), ("pip", 'echo "pip $@"')):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def test_each_line_of_the_workflow_runs_in_a_fresh_clone(project: Workspace, tmp_path: Path) -> None:
    workflow = workflow_of(project)
    (project.marker.root / ".gitignore").write_text(".nbmlops/\n")
    git(project.marker.root, "init", "-q")
    git(project.marker.root, "add", "-A")
    git(project.marker.root, "commit", "-qm", "first")
    clone, said = tmp_path / "clone", ""
    git(tmp_path, "clone", "-q", str(project.marker.root), str(clone))
    path = f"{programs(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "GITHUB_REF_NAME": "v1 $(touch harm)"}
    for job in ("check", "promote"):
        for step in workflow["jobs"][job]["steps"]:
            if line := step.get("run"):
                done = subprocess.run(
                    ["bash", "-e", "-c", line], check=False, cwd=clone, env=environment, text=True, capture_output=True
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
                said += done.stdout
    assert f"pip install nbmlops=={__version__}" in said
    assert ET.parse(clone / "nbmlops-junit.xml").getroot().get("failures") == "0"
    assert not (clone / "harm").exists()
    with Workspace.open(clone) as workspace:
        (version,) = workspace.pipeline.history("sums")
        assert (version.message, "production" in version.aliases) == ("v1 $(touch harm)", True)
