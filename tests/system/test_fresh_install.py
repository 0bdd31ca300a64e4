"""The wheel and nothing of the checkout: what a user gets from an index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.places import Installation

pytestmark = pytest.mark.timeout(900)


def test_the_doctor_finds_a_fresh_installation_well(installation: Installation) -> None:
    done = installation.run("nbmlops", "doctor")
    assert done.returncode == 0, done.stdout


def test_jupyter_has_the_server_extension_enabled(installation: Installation) -> None:
    done = installation.run("jupyter", "server", "extension", "list")
    assert done.returncode == 0, done.stdout
    plain = re.sub(r"\x1b\[\d*m", "", done.stdout)
    assert re.search(r"^ *nbmlops enabled$", plain, re.MULTILINE), plain
    assert re.search(r"^ *nbmlops \S+ OK$", plain, re.MULTILINE), plain


def test_jupyterlab_has_the_sidebar_enabled(installation: Installation) -> None:
    done = installation.run("jupyter", "labextension", "list")
    assert done.returncode == 0, done.stdout
    plain = re.sub(r"\x1b\[\d*m", "", done.stdout)
    assert re.search(r"^ *nbmlops v\S+ enabled +OK \(python, nbmlops\)$", plain, re.MULTILINE), plain


def test_the_demo_does_the_main_job_without_the_checkout(demo: Path) -> None:
    assert (demo / ".nbmlops").is_dir()
    assert len(list((demo / "notebooks").glob("[1-5]_*.ipynb"))) == 5
