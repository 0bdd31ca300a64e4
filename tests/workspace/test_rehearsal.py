"""A rehearsal runs every step on a sample, says which failed and why, and leaves nothing but its report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.core.errors import InvalidError, UnsupportedError
from nbmlops.workspace import Workspace
from tests.pipelines.project import make, write

READS = 'flights = ml.data.load("flights")\nml.data.save(flights.assign(twice=flights.n * 2), "raw")'
SUMS = 'raw = ml.data.load("raw")\nml.log(rows=len(raw))\nopen("beside.txt", "w").write("x")\nassert len(raw) <= most'


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make(tmp_path / "project") as made:
        write(made.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 10", READS)
        write(made.marker.root / "notebooks" / "2_sum.ipynb", "most: int = 50", SUMS)
        made.data.save(pd.DataFrame({"n": range(5_000)}), "flights")
        yield made


def test_a_rehearsal_samples_runs_and_leaves_only_its_report(workspace: Workspace) -> None:
    files = sorted(path for path in workspace.marker.root.rglob("*") if ".nbmlops" not in path.parts)
    report = workspace.pipeline.rehearse("sums", rows=50)
    assert [(outcome.check, outcome.status) for outcome in report.outcomes] == [
        ("input flights", "passed"),
        ("step 1_make", "passed"),
        ("step 2_sum", "passed"),
    ], [outcome.detail for outcome in report.outcomes]
    assert report.outcomes[0].figure == "50 of 5,000 rows"
    assert (report.section, workspace.check.show(report.id or 0)) == ("infrastructure", report)
    assert [version.ref for version in workspace.data.list()] == ["flights@v1"]
    assert workspace.run.list() == []
    assert files == sorted(path for path in workspace.marker.root.rglob("*") if ".nbmlops" not in path.parts)


def test_a_step_that_fails_is_named_with_its_reason(workspace: Workspace) -> None:
    report = workspace.pipeline.rehearse("sums", rows=60)
    assert [outcome.check for outcome in report.failures] == ["step 2_sum"]
    assert "AssertionError" in report.failures[0].detail


def test_a_rehearsal_that_takes_too_long_is_stopped_and_says_so(workspace: Workspace) -> None:
    source = workspace.marker.root / "notebooks" / "2_sum.ipynb"
    write(source, "most: int = 50", 'import time\nml.data.load("raw")\ntime.sleep(600)')
    report = workspace.pipeline.rehearse("sums", rows=50, timeout=12)
    found = {outcome.check: outcome for outcome in report.outcomes}
    assert found["time"].status == "failed"
    assert found["time"].bound == "at most 12 s"
    assert found["step 2_sum"].status in {"failed", "errored"}
    assert workspace.run.list() == []
    with pytest.raises(InvalidError, match="0 seconds are none"):
        workspace.pipeline.rehearse("sums", timeout=0)


def test_inputs_that_cannot_be_had_stop_it_before_a_kernel_starts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.data.save(pd.DataFrame({"n": range(6_000)}), "flights")
    source = READS.replace('load("flights")', 'load("flights@v2")')
    write(workspace.marker.root / "notebooks" / "1_make.ipynb", "rows: int = 10", source)
    (only,) = workspace.pipeline.rehearse("sums").outcomes
    assert (only.check, only.status) == ("input flights@v2", "errored")
    assert "by its number" in only.detail
    with pytest.raises(InvalidError, match="0 rows are none"):
        workspace.pipeline.rehearse("sums", rows=0)
    monkeypatch.setenv("NBMLOPS_CATALOG", "sqlite:///elsewhere.db")
    with pytest.raises(UnsupportedError, match="NBMLOPS_CATALOG is set"):
        workspace.pipeline.rehearse("sums")
