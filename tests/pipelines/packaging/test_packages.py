"""A frozen pipeline is written into one file and runs in a workspace that does not know it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from nbmlops.__main__ import main
from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, StepFailedError
from nbmlops.pipelines import freezing
from nbmlops.pipelines.packaging.archive import opened
from nbmlops.pipelines.packaging.parts import frozen_of
from nbmlops.render.dispatch import text
from nbmlops.workspace import Workspace
from nbmlops.workspace.current import forget
from packaging.requirements import Requirement
from tests.pipelines.project import make, states, write

SUM = (
    'if factor > 100:\n    raise ValueError("too large")\n'
    "import helpers\nfrom tables import shapes\n"
    'flights = ml.data.load("flights")\ntotal = helpers.twice(flights.n.sum()) * factor\n'
    'ml.data.save(shapes.framed(total), "total")\nml.log(total=float(total))'
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A promoted pipeline with modules beside its notebook and in a folder of the path, and with a schedule."""
    with pytest.MonkeyPatch.context() as patch, make(tmp_path_factory.mktemp("origin") / "project") as made:
        root = made.marker.root
        patch.setenv("PYTHONPATH", str(root / "src"), prepend=":")
        patch.syspath_prepend(str(root / "src"))
        shutil.rmtree(root / "notebooks")
        write(root / "notebooks" / "sum.ipynb", "factor: int = 2", SUM)
        (root / "notebooks" / "helpers.py").write_text("def twice(x): return 2 * x")
        (root / "src" / "tables").mkdir(parents=True)
        (root / "src" / "tables" / "shapes.py").write_bytes(
            "# coding: latin-1\n# é\nimport pandas as pd\ndef framed(x): return pd.DataFrame({'x': [x]})".encode(
                "latin-1"
            )
        )
        made.data.save(pd.DataFrame({"n": [1, 2, 3]}), "flights")
        made.schedule.add("sums@working", "0 6 * * *", tz="Europe/Berlin", name="morning", params={"factor": "2"})
        made.pipeline.promote("sums")
        yield made


@pytest.fixture
def package(origin: Workspace, tmp_path: Path) -> Path:
    file = tmp_path / "sums.pipeline.zip"
    origin.pipeline.package("sums@production", file)
    return file


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that knows nothing."""
    with Workspace.init(tmp_path / "elsewhere") as made:
        yield made


def code_of(line: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert isinstance(end.value.code, int)
    return end.value.code


def test_one_version_gives_the_same_bytes_whatever_has_become_of_its_project(origin: Workspace, package: Path) -> None:
    before = package.read_bytes()
    module = origin.marker.root / "notebooks" / "helpers.py"
    was = module.read_text()
    module.write_text("def twice(x): return 3 * x")
    told = origin.pipeline.package("sums@v1", package)
    module.write_text(was)
    assert package.read_bytes() == before
    assert told.pipeline == "sums@v1"
    assert told.digest == origin.pipeline.history("sums")[0].digest
    assert told.size == len(before)
    assert (told.notebooks, told.schedules) == (("notebooks/sum.ipynb",), ("morning",))
    assert told.modules == ("notebooks/helpers.py", "src/tables/shapes.py")
    assert told.needs == (f"data flights@{origin.data.show('flights').digest[:16]}",)


def test_people_can_read_what_is_in_a_package(origin: Workspace, package: Path) -> None:
    with zipfile.ZipFile(package) as file:
        assert file.namelist() == [
            *("manifest.json", "environment.json", "lock.json", "parameters.json"),
            *("project/notebooks/helpers.py", "project/notebooks/sum.ipynb", "project/src/tables/shapes.py"),
            *("requirements.txt", "schedules.json"),
        ]
        helpers = file.read("project/notebooks/helpers.py")
        (schedule,) = json.loads(file.read("schedules.json"))
        parameters = json.loads(file.read("parameters.json"))
        asked = [line for line in file.read("requirements.txt").decode().splitlines() if not line.startswith("#")]
    assert helpers == (origin.marker.root / "notebooks" / "helpers.py").read_bytes()
    assert (schedule["target"], schedule["parameters"]) == ("sums@working", {"factor": "2"})
    assert parameters == {"sum": {"factor": 2}}
    environment = origin.pipeline._planner.frozen(origin.versions("pipeline").resolve("sums")).environment
    read = [Requirement(line) for line in asked]
    assert {one.name: str(one.specifier) for one in read} == {
        name: f"=={version}" for name, version in environment["distributions"].items() if name != "nbmlops"
    }


def test_a_package_is_the_version_that_was_frozen(origin: Workspace, package: Path) -> None:
    version = origin.versions("pipeline").resolve("sums@production")
    with opened(package) as archive:
        assert freezing.freeze(frozen_of(archive)) == origin.objects.read(version.root)


def test_a_package_runs_where_nobody_knows_the_pipeline(
    origin: Workspace, package: Path, elsewhere: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="reads what is not here: data flights@") as refused:
        elsewhere.pipeline.run(str(package))
    assert "--with-data" in str(refused.value)
    assert elsewhere.run.list() == []

    # The hint can be followed.
    origin.data.push("flights", to=str(tmp_path / "remote"))
    pinned = origin.data.show("flights").digest
    elsewhere.data.pull(f"flights@{pinned}", from_=str(tmp_path / "remote"))
    done = elsewhere.pipeline.run(str(package))
    assert (states(done), done.run.metrics, done.notes) == ({"sum": "completed"}, {"total": 24.0}, ())
    assert done.run.tags["version"] == origin.pipeline.history("sums")[0].digest
    assert elsewhere.data.load("total").x.tolist() == [24]
    assert elsewhere.pipeline.list() == []

    assert states(elsewhere.pipeline.run(str(package))) == {"sum": "skipped"}
    assert elsewhere.pipeline.run(str(package), {"factor": "5"}).run.metrics == {"total": 60.0}
    assert [step.name for step in elsewhere.pipeline.show(str(package)).steps] == ["sum"]
    assert elsewhere.pipeline.explain(str(package)).steps[0].will == "skip"


def test_a_package_brings_its_data_along(origin: Workspace, elsewhere: Workspace, tmp_path: Path) -> None:
    elsewhere.data.save(pd.DataFrame({"n": [10]}), "flights")
    file = tmp_path / "whole.pipeline.zip"
    told = origin.pipeline.package("sums@production", file, with_data=True)
    assert told.with_data
    done = elsewhere.pipeline.run(str(file))
    assert done.run.metrics == {"total": 24.0}
    assert elsewhere.run.show("sum").inputs[0] == "flights@v2"
    assert {version.digest for version in elsewhere.data.history("flights")} > {origin.data.show("flights").digest}
    assert not list((elsewhere.marker.state / "scratch").glob("package-*"))


def test_a_run_of_a_package_that_is_unknown_goes_on_by_the_package(
    origin: Workspace, elsewhere: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "whole.pipeline.zip"
    origin.pipeline.package("sums@production", file, with_data=True)
    with pytest.raises(StepFailedError, match="too large"):
        elsewhere.pipeline.run(str(file), {"factor": 1_000})
    with pytest.raises(NotFoundError, match="ran a version that is not here, as a package does"):
        elsewhere.pipeline.resume(elsewhere.run.show("sums").name)


def test_a_working_copy_is_not_packaged(origin: Workspace, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"working copy, which nothing has proved\nhint: .*package sums@production"):
        origin.pipeline.package("sums", tmp_path / "sums.pipeline.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays(origin: Workspace, package: Path, tmp_path: Path) -> None:
    package.write_bytes(b"mine")
    with pytest.raises(ConflictError, match="is there already, and another"):
        origin.pipeline.package("sums@v1", package)
    assert package.read_bytes() == b"mine"
    with pytest.raises(InvalidError, match=r"no name of a package\nhint: let it end in \.pipeline\.zip"):
        origin.pipeline.package("sums@v1", tmp_path / "sums.tgz")
    with pytest.raises(NotFoundError, match="there is no folder"):
        origin.pipeline.package("sums@v1", tmp_path / "absent" / "sums.pipeline.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["sums.pipeline.zip"]


def test_what_was_frozen_without_its_modules_is_not_packaged(origin: Workspace, tmp_path: Path) -> None:
    versions = origin.versions("pipeline")
    now = origin.pipeline._planner.frozen(versions.resolve("sums"))
    before = freezing.freeze(freezing.Frozen(*(getattr(now, name) for name in now.__slots__[:5]), protocol=1))
    assert freezing.freeze(freezing.thaw(before)) == before
    stored = origin.objects.put(before)
    detail = {"steps": [], "parameters": {}}
    versions.add("old", digest=stored.digest, root=stored.digest, size=1, new_bytes=1, detail=detail)
    with pytest.raises(RefusedError, match="frozen by an earlier nbmlops, without the modules"):
        origin.pipeline.package("old@v1", tmp_path / "old.pipeline.zip")


def test_a_shell_packages_and_runs(
    origin: Workspace, elsewhere: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(origin.marker.root)
    assert code_of("pipeline package sums@production --with-data") == 0
    assert "sums-v1.pipeline.zip" in capsys.readouterr().out
    forget()
    monkeypatch.chdir(elsewhere.marker.root)
    shutil.move(origin.marker.root / "sums-v1.pipeline.zip", "sums-v1.pipeline.zip")
    assert code_of("pipeline run sums-v1.pipeline.zip -p factor=3") == 0
    assert "1 step run" in capsys.readouterr().out
    assert code_of("pipeline run absent.pipeline.zip") == 2
    assert "there is no file absent.pipeline.zip" in capsys.readouterr().err
    forget()


def test_a_package_says_what_it_holds(origin: Workspace, tmp_path: Path) -> None:
    shown = text(origin.pipeline.package("sums@v1", tmp_path / "a.pipeline.zip"))
    assert "sums@v1" in shown
    assert "1 input, which must be where it runs" in shown
