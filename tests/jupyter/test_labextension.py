"""What JupyterLab is given at install. Run as a program, it names the container by what is in it now."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from nbmlops.core.version import __version__

FOLDER = Path(__file__).parents[2] / "nbmlops" / "jupyter" / "labextension"


def container() -> Path:
    (found,) = (FOLDER / "static").iterdir()
    return found


def name_of(path: Path) -> str:
    return f"container.{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.js"


def test_the_container_is_named_by_what_is_in_it_because_browsers_keep_it_for_ever() -> None:
    assert container().name == name_of(container()), "run: python tests/jupyter/test_labextension.py"


def test_the_package_leads_to_the_container_and_has_our_version() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert package["jupyterlab"]["_build"]["load"] == f"static/{container().name}"
    assert (package["name"], package["version"]) == ("nbmlops", __version__)


def test_it_says_what_it_was_installed_with() -> None:
    assert json.loads((FOLDER / "install.json").read_text())["packageName"] == "nbmlops"


if __name__ == "__main__":
    old, package = container(), FOLDER / "package.json"
    new = old.rename(old.with_name(name_of(old)))
    package.write_text(package.read_text().replace(old.name, new.name))
