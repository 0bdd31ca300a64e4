"""Files for other orchestrators: each is what its schema says, and calls the one command."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from hera.workflows import models as argo

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.pipelines.cron import Cron
from nbmlops.pipelines.export.calendars import in_utc, on_calendar, plain
from nbmlops.pipelines.export.verb import TARGETS
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write

WHEN = {"cron": "30 6 * * 1-5", "tz": "America/New_York"}
HOSTILE = "a 'b' \"c\" $HOME `d` %Y {{e}} #"
KUBERNETES = "1.34"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = make(tmp_path_factory.mktemp("export") / "project")
    write(made.marker.root / "notebooks" / "3_note.ipynb", 'note: str = "none"', "print(note)")
    made.pipeline.promote("sums")
    yield made
    made.close()


def exported(workspace: Workspace, target: str, **options: Any) -> str:
    """The last file of an export."""
    return list(workspace.pipeline.export("sums", target, image="registry/sums:1", **options).files.values())[-1]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_calls_the_frozen_version_and_says_how_it_was_made(workspace: Workspace, target: str) -> None:
    done = workspace.pipeline.export("sums", target, {"factor": 3}, image="registry/sums:1", **WHEN)
    assert done.pipeline == "sums@production"
    assert all(content.startswith("# Written by: nbmlops pipeline export sums ") for content in done.files.values())
    first = next(iter(done.files.values()))
    assert "sums@production" in first
    assert "factor=3" in first
    assert done.notes


def test_the_manifest_for_kubernetes_is_valid_to_the_letter(workspace: Workspace) -> None:
    for options in ({}, WHEN):
        manifest = yaml.safe_load(exported(workspace, "kubernetes", **options))
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    assert manifest["spec"]["timeZone"] == "America/New_York"
    (container,) = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][-1] == "due:30 6 * * 1-5 America/New_York"
    manifest["spec"]["jobTemplate"]["spec"]["backofLimit"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_workflow_for_argo_is_what_its_model_reads_with_nothing_left_over(workspace: Workspace) -> None:
    # The models take any field; what they write again has those alone that they know.
    for kind, options in ((argo.Workflow, {}), (argo.CronWorkflow, WHEN)):
        manifest = yaml.safe_load(exported(workspace, "argo", **options))
        read = json.loads(kind.model_validate(manifest).model_dump_json(by_alias=True, exclude_none=True))
        assert {**read, "status": None} == {**manifest, "status": None}


def test_the_workflow_for_github_fits_its_schema(workspace: Workspace, tmp_path: Path) -> None:
    for options in ({}, WHEN):
        file = tmp_path / "workflow.yml"
        file.write_text(exported(workspace, "github", **options))
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_a_hostile_parameter_stays_one_word_in_a_shell(workspace: Workspace) -> None:
    line = yaml.safe_load(exported(workspace, "github", params={"note": HOSTILE}))["jobs"]["run"]["steps"][-1]["run"]
    assert shlex.split(line)[-1] == f"note={HOSTILE}"
    crontab = exported(workspace, "cron", params={"note": HOSTILE}, cron="0 6 * * *").splitlines()[-1]
    unescaped = crontab.split(maxsplit=5)[5].replace(r"\%", "%")
    assert shlex.split(unescaped)[-1] == f"note={HOSTILE}"


def test_what_another_wrote_is_not_overwritten(workspace: Workspace, tmp_path: Path) -> None:
    assert workspace.pipeline.export("sums", "cron", to=tmp_path, cron="0 6 * * *").folder == str(tmp_path)
    workspace.pipeline.export("sums", "cron", to=tmp_path, cron="0 7 * * *")
    (file,) = tmp_path.iterdir()
    assert "0 7 * * *" in file.read_text()
    file.write_text("mine")
    with pytest.raises(RefusedError, match="was not written by an export"):
        workspace.pipeline.export("sums", "cron", to=tmp_path, cron="0 8 * * *")
    assert file.read_text() == "mine"


def test_what_cannot_be_exported_says_what_to_type(workspace: Workspace) -> None:
    cases: list[tuple[type[Exception], str, tuple[str, str], dict[str, Any]]] = [
        (InvalidError, "no target named 'airfow'", ("sums", "airfow"), {}),
        (InvalidError, "no image is named", ("sums", "argo"), {}),
        (InvalidError, "a line of cron says when", ("sums", "cron"), {}),
        (InvalidError, "the hour of a cron line", ("sums", "cron"), {"cron": "0 66 * * *"}),
        (InvalidError, "no time zone named", ("sums", "cron"), {"cron": "0 6 * * *", "tz": "Mars/Base"}),
        (InvalidError, "has a parameter 'fctor'", ("sums", "airflow"), {"params": {"fctor": "1"}}),
        (NotFoundError, "some", ("some@production", "airflow"), {}),
        (NotFoundError, "staging", ("sums@staging", "airflow"), {}),
    ]
    for kind, said, names, options in cases:
        with pytest.raises(kind, match=said) as raised:
            workspace.pipeline.export(*names, **options)
        assert raised.value.hint, said


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
@pytest.mark.parametrize("text", ["0 6 * * *", "30 2 * * *", "15 0,12 1 * *", "0 6 * * 1-5", "0 6 L * *"])
def test_a_line_in_utc_starts_the_command_within_an_hour_of_all_that_is_due(text: str, zone: str) -> None:
    cron, often = Cron(text, zone), Cron(in_utc(Cron(text, zone)))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(200):
        due = cron.next(at)
        assert due is not None
        started = next(often.after(due - timedelta(seconds=1)))
        assert started - due <= timedelta(hours=1)
        at = due


@pytest.mark.parametrize("text", ["0 6 * * *", "*/7 3-5 1,15 * 1", "0 6 * JAN,MAR SUN", "0 0 29 2 *", "5 4 * * 7"])
def test_a_plain_line_is_due_when_the_line_is(text: str) -> None:
    first, second = (
        Cron(text).after(datetime(2026, 1, 1, tzinfo=UTC)),
        Cron(plain(Cron(text))).after(datetime(2026, 1, 1, tzinfo=UTC)),
    )
    assert [next(first) for _ in range(60)] == [next(second) for _ in range(60)]


def test_days_either_of_which_fits_are_two_lines_of_a_calendar() -> None:
    assert on_calendar(Cron("0 6 1,15 * 1")) == ["*-*-01,15 06:00:00 UTC", "Mon *-*-* 06:00:00 UTC"]
    assert on_calendar(Cron("0 6 LW * *")) == ["*-*-* 06:00:00 UTC"]
