"""Real programs around nbmlops: an empty environment, and the demo in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import Installation

ROOT = Path(__file__).parents[2]


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
