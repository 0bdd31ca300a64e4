"""Panels and JupyterLab as people meet them: in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops import ml
from nbmlops.workspace.current import forget


@pytest.fixture
def project(folder: Path) -> Iterator[Path]:
    """The current folder, which is a workspace."""
    ml.init()
    yield folder
    forget()
