"""Real programs for the tests that ask for them, one of each: an installation, its demo, a browser, a JupyterLab."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.places import ROOT, Installation, Jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser


TOGETHER = {
    "tests/browser/test_site.py": "executed",
    "tests/browser/test_static.py": "executed",
    "tests/system/test_export.py": "demo",
    "tests/browser/test_pictures.py": "demo",
    "tests/system/test_fresh_install.py": "demo",
}
"""The modules that need what takes minutes to make, and the fixture that makes it: for all of them once.

Told here, because whoever shares the tests out knows only their names.
"""


class Scheduler(LoadScopeScheduling):
    """Shares the tests among processes by modules and classes; modules that need one costly thing go to one process."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return TOGETHER.get(scope, scope)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    """Share the tests out by `Scheduler`."""
    return Scheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is costly first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.nodeid.partition("::")[0] not in TOGETHER)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that talks to this machine only."""
    # Most tests of this folder need no browser, and so not its library.
    from playwright.sync_api import expect, sync_playwright

    # A machine that does much else at the same time answers late, and is right all the same.
    expect.set_options(timeout=30_000)
    names = (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    assert program is not None, "there is no Chromium: make test-system installs it"
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=[*quiet, "--disable-sync", "--no-first-run"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """A running JupyterLab for all tests; each makes what it needs in a folder of its own below the server's."""
    server = Jupyter.start(tmp_path_factory.mktemp("project"), home=tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()
    # Were it a workspace, every folder below it would be in one, for all tests that come later.
    assert not (server.folder / ".nbmlops").exists()


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel in an empty environment, in a folder that is not below the checkout."""
    environment = tmp_path_factory.mktemp("environment")
    python = str(environment / "bin" / "python")
    # The base interpreter, not this one: an environment made by uv has no pip to hand on.
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if shutil.which("uv"):
        make: list[str] = ["uv", "venv", "--quiet", "--allow-existing", "--python", str(base), str(environment)]
        install: list[str] = ["uv", "pip", "install", "--quiet", "--python", python]
    else:
        make = [str(base), "-m", "venv", str(environment)]
        install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run(make, check=True)
    subprocess.run([*install, "--constraint", str(ROOT / "constraints.txt"), f"{wheel}[demo]"], check=True)
    return Installation(environment, tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="session")
def demo(installation: Installation) -> Path:
    """The folder of the demo, which the installation has made."""
    done = installation.run("nbmlops", "demo")
    assert done.returncode == 0, done.stdout
    return installation.folder / "nbmlops-demo"
