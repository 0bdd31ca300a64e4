"""Panels and JupyterLab as people meet them: in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops import ml
from nbmlops.core import errors
from nbmlops.workspace.current import forget
from tests.browser.tutorials import Tutorials


@pytest.fixture
def project(folder: Path) -> Iterator[Path]:
    """The current folder, which is a workspace."""
    ml.init()
    yield folder
    forget()


@pytest.fixture(autouse=True)
def speaks_as_cells_do() -> Iterator[None]:
    """Lines and hints as a notebook has them."""
    errors.speak("%ml")
    yield
    errors.speak("nbmlops")


@pytest.fixture(scope="session")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Tutorials:
    """Every tutorial with its outputs."""
    return Tutorials(tmp_path_factory.mktemp("tutorials"))
