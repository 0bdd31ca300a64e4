from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from nbmlops.core.version import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archive(wheel: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel) as opened:
        yield opened


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    }


def test_the_wheel_is_named_by_the_package_s_own_version(wheel: Path) -> None:
    assert wheel.name == f"nbmlops-{__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_file_of_the_package_and_nothing_of_the_checkout(archive: zipfile.ZipFile) -> None:
    inside = set(archive.namelist())
    package = {name.removeprefix("nbmlops/") for name in inside if name.startswith("nbmlops/")}
    assert {name for name in package if not name.startswith("demo/tutorials/")} == files_below(ROOT / "nbmlops")
    assert {name.split("/")[0] for name in inside} == {
        "nbmlops",
        f"nbmlops-{__version__}.data",
        f"nbmlops-{__version__}.dist-info",
    }


@pytest.mark.parametrize(
    "suffix", [".j2", ".mako", "/py.typed", "/migrations/env.py", "/web/page.html", "/web/sidebar.js"]
)
def test_the_wheel_holds_what_is_not_imported_but_read(archive: zipfile.ZipFile, suffix: str) -> None:
    assert [name for name in archive.namelist() if name.endswith(suffix)]


def test_the_tutorials_travel_inside_the_demo(archive: zipfile.ZipFile) -> None:
    inside = {name.removeprefix("nbmlops/demo/tutorials/") for name in archive.namelist() if "/tutorials/" in name}
    assert inside == files_below(ROOT / "notebooks")
    assert {f"{number}_" for number in range(6)} <= {name[:2] for name in inside}


def test_jupyter_finds_its_configuration_after_an_install(archive: zipfile.ZipFile) -> None:
    inside = [name for name in archive.namelist() if "/etc/jupyter/" in name]
    assert f"nbmlops-{__version__}.data/data/etc/jupyter/jupyter_server_config.d/nbmlops.json" in inside


def test_jupyterlab_finds_the_sidebar_after_an_install(archive: zipfile.ZipFile) -> None:
    place = f"nbmlops-{__version__}.data/data/share/jupyter/labextensions/nbmlops/"
    inside = {name.removeprefix(place) for name in archive.namelist() if name.startswith(place)}
    assert inside == files_below(ROOT / "nbmlops" / "jupyter" / "labextension")


def test_the_licence_and_the_entry_points_are_in_the_metadata(archive: zipfile.ZipFile) -> None:
    folder = f"nbmlops-{__version__}.dist-info"
    assert f"{folder}/licenses/LICENSE" in archive.namelist()
    points = archive.read(f"{folder}/entry_points.txt").decode()
    assert "nbmlops = nbmlops.__main__:main" in points
    assert "nbmlops = nbmlops.pipelines.engine:NbmlopsEngine" in points


def test_the_entry_points_lead_to_something() -> None:
    for group in ("console_scripts", "papermill.engine"):
        (point,) = metadata.entry_points(group=group, name="nbmlops")
        assert callable(point.load())
