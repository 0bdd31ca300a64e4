"""What every test and doctest stands on: a home folder of its own, so that nobody's settings take part."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent

# They cannot be imported to look for doctests: Alembic runs the first, jupyter-scheduler has the base of the second,
# and the peers that the others ask live in environments of their own.
collect_ignore = [
    "nbmlops/store/migrations",
    "nbmlops/jupyter/jobs.py",
    "tests/oracles",
    "tests/system/feast_client.py",
    "tests/system/feast_repository.py",
]

# How long an example takes is the machine's affair.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("patient", **PATIENT)
settings.load_profile("patient")
settings.register_profile("soak", max_examples=2_000, **PATIENT)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that skipped a test: what is not run is not known to work."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_finish() -> None:
    """Leave the tests and what they import out of every later collection of garbage: each would take a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty home folder for the whole session."""
    folder = tmp_path_factory.mktemp("home")
    places = {
        "HOME": folder,
        "XDG_CACHE_HOME": folder / ".cache",
        "XDG_CONFIG_HOME": folder / ".config",
        "XDG_DATA_HOME": folder / ".local" / "share",
        "IPYTHONDIR": folder / ".ipython",
        "JUPYTER_CONFIG_DIR": folder / "jupyter" / "config",
        "JUPYTER_DATA_DIR": folder / "jupyter" / "data",
        "JUPYTER_RUNTIME_DIR": folder / "jupyter" / "runtime",
        "MPLCONFIGDIR": folder / "matplotlib",
    }
    downloads = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    with pytest.MonkeyPatch.context() as environment:
        for name in os.environ:
            # And what a service of continuous integration says of itself, which `nbmlops ci` tells.
            if name == "CI" or name.startswith(("NBMLOPS_", "JUPYTER", "GIT_", "GITHUB_", "GITLAB_")):
                environment.delenv(name)
        # Installers keep their downloads where they were; each package crosses the network once.
        for name, cache in {"PIP_CACHE_DIR": downloads / "pip", "UV_CACHE_DIR": downloads / "uv"}.items():
            environment.setenv(name, os.environ.get(name, str(cache)))
        for name, place in places.items():
            place.mkdir(parents=True, exist_ok=True)
            environment.setenv(name, str(place))
        # Not MPLBACKEND: a kernel would inherit it, and draw no pictures in the notebook.
        (folder / "matplotlib" / "matplotlibrc").write_text("backend: agg\n")
        yield folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current one during the test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as a release is, by the tools already installed."""
    dist = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = dist.glob("*.whl")
    return built
