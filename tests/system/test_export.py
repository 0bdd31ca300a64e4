"""Exports of a pipeline are run by what they are for: cron, Airflow, a shell for GitHub's lines, systemd's reader."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from nbmlops.pipelines.cron import Cron
from nbmlops.pipelines.export.calendars import on_calendar
from nbmlops.workspace import Workspace
from tests.pipelines.project import make
from tests.places import Installation, first_on_path

ROOT = Path(__file__).parents[2]
AIRFLOW = ROOT / ".venv-airflow" / "bin"
EVERY_MINUTE = "* * * * *"
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose pipeline is in production."""
    root = tmp_path_factory.mktemp("exported") / "project"
    with make(root) as workspace:
        workspace.pipeline.promote("sums")
    return root


@contextmanager
def _crontab(content: str) -> Iterator[None]:
    """A crontab of this user's, and his own again afterwards."""
    before = subprocess.run(["crontab", "-l"], check=False, capture_output=True, text=True).stdout
    subprocess.run(["crontab", "-"], check=True, input=content, text=True)
    try:
        yield
    finally:
        subprocess.run(["crontab", "-"] if before else ["crontab", "-r"], check=True, input=before, text=True)


@pytest.fixture(scope="module", autouse=True)
def firing(project: Path) -> Iterator[Path]:
    """The project, with a real cron that starts its pipeline each minute while the other tests run."""
    with Workspace.open(project) as workspace:
        (line,) = workspace.pipeline.export("sums", "cron", {"rows": 4}, cron=EVERY_MINUTE).files.values()
    # Cron starts a command with hardly any variables; these keep it to this checkout and to the tests' home.
    kept = [f"{name}={os.environ[name]}" for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "JUPYTER_DATA_DIR")]
    with _crontab("\n".join([f"PYTHONPATH={ROOT}", *kept, line])):
        daemon = subprocess.Popen(["cron", "-f"], stdin=subprocess.DEVNULL)
        try:
            yield project
        finally:
            daemon.terminate()
            daemon.wait()


def _runs(project: Path) -> list[Any]:
    with Workspace.open(project) as workspace:
        return [run for run in workspace.run.list(50, experiment="sums") if run.params == {"rows": "4"}]


@pytest.mark.parametrize("text", ["30 6 * * 1-5", "0 6 1,15 * 1", "*/20 8-10 * JAN,JUL *", "15 2 * * *", "0 0 29 2 *"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_a_calendar_of_systemd_is_due_when_the_cron_line_is(text: str, zone: str) -> None:
    start, many = datetime(2026, 5, 1, tzinfo=UTC), 12
    lines = on_calendar(Cron(text, zone))
    shown = subprocess.run(
        ["systemd-analyze", "calendar", f"--iterations={many}", f"--base-time={start:%Y-%m-%d %H:%M:%S} UTC", *lines],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC"},
    ).stdout
    said = [line.split(": ", 1)[1] for line in shown.splitlines() if "Iter." in line or "Next elapse" in line]
    read = {datetime.strptime(" ".join(words.split()[1:3]), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for words in said}
    due = Cron(text, zone).after(start)
    expected = [next(due) for _ in range(many)]
    assert sorted(read)[:many] == expected


def test_systemd_finds_nothing_to_say_about_its_units(project: Path, tmp_path: Path) -> None:
    with Workspace.open(project) as workspace:
        done = workspace.pipeline.export(
            "sums", "systemd", {"rows": 4}, to=tmp_path, cron="30 6 * * 1-5", tz="America/New_York"
        )
    for name in done.files:
        verified = subprocess.run(
            ["systemd-analyze", "verify", str(tmp_path / name)], check=False, capture_output=True, text=True
        )
        assert (verified.returncode, verified.stderr) == (0, "")
    timer = next(name for name in done.files if name.endswith(".timer"))
    (tmp_path / timer).write_text((tmp_path / timer).read_text().replace("Persistent", "Persistant"))
    said = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / timer)], check=False, capture_output=True, text=True
    )
    assert "Persistant" in said.stderr


def test_the_command_of_the_service_is_one_that_runs(project: Path) -> None:
    with Workspace.open(project) as workspace:
        files = workspace.pipeline.export("sums", "systemd", {"rows": 5}, cron="0 6 * * *").files
    service = next(content for name, content in files.items() if name.endswith(".service"))
    command = next(line.removeprefix("ExecStart=") for line in service.splitlines() if line.startswith("ExecStart="))
    # systemd's quoting is the shell's here: the words hold neither dollar signs nor per cent signs.
    for _ in range(2):
        done = subprocess.run(["sh", "-c", command], check=False, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert "has committed already" in done.stdout


def test_airflow_runs_the_demo_to_success(installation: Installation, demo: Path, tmp_path: Path) -> None:
    assert (AIRFLOW / "airflow").exists(), "there is no Airflow: make test-system installs it"
    project = Installation(installation.environment, demo)
    exported = project.run(
        *("nbmlops", "pipeline", "export", "delays", "airflow", "--cron", "0 6 * * *", "--to", str(tmp_path / "dags"))
    )
    assert exported.returncode == 0, exported.stdout
    environment = {
        **first_on_path(AIRFLOW),
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }

    def airflow(*words: str) -> str:
        done = subprocess.run(
            [str(AIRFLOW / "airflow"), *words],
            check=False,
            env=environment,
            cwd=tmp_path,
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    airflow("db", "migrate")
    said = airflow("dags", "test", "nbmlops-delays", "2026-11-20T06:00:00+00:00")
    assert "state=success" in said
    listed = json.loads(project.run("nbmlops", "run", "list", "--json", "--where", "tags.logical_time != ''").stdout)
    assert [run["tags"]["logical_time"] for run in listed] == ["2026-11-20T06:00:00Z"]
    assert listed[0]["status"] == "finished"


def test_each_line_of_the_workflow_runs_in_a_fresh_clone(wheel: Path, project: Path, tmp_path: Path) -> None:
    with Workspace.open(project) as workspace:
        files = workspace.pipeline.export("sums", "github", {"rows": 6}, cron="0 6 * * *", tz="Asia/Tokyo").files
        store = {"NBMLOPS_CATALOG": f"sqlite:///{workspace.marker.state / 'catalog.db'}"}
        store["NBMLOPS_OBJECTS"] = str(workspace.marker.state / "objects")
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    shutil.copytree(project, origin, ignore=shutil.ignore_patterns(".nbmlops"))
    identity = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], check=True, cwd=origin)
    subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True)
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([str(base), "-m", "venv", str(tmp_path / "python")], check=True)
    offered = {"PIP_FIND_LINKS": str(wheel.parent), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    environment = {**first_on_path(tmp_path / "python" / "bin"), **offered, **store}
    workflow = yaml.safe_load("".join(files.values()))
    lines = [step["run"] for step in workflow["jobs"]["run"]["steps"] if "run" in step]
    assert lines
    for line in lines:
        done = subprocess.run(
            ["bash", "-e", "-c", line], check=False, cwd=clone, env=environment, text=True, capture_output=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    assert "finished" in done.stdout


def test_a_real_cron_fires_each_minute_and_each_commits(firing: Path) -> None:
    end = time.monotonic() + 240
    while len(done := [run for run in _runs(firing) if run.status == "finished"]) < 2:
        assert time.monotonic() < end, _runs(firing)
        time.sleep(2)
    times = sorted(datetime.fromisoformat(run.tags["logical_time"]) for run in done)
    assert len(set(times)) == len(times)
    assert all(at.second == 0 for at in times)
