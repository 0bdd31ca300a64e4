"""Panels and JupyterLab as people meet them: in Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from nbmlops import ml
from nbmlops.workspace.current import forget


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that talks to this machine only."""
    names = (os.environ.get("CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    program = next((found for name in names if (found := shutil.which(name))), None)
    assert program is not None, "there is no Chromium: make test-system installs it"
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=[*quiet, "--disable-sync"])
        yield chromium
        chromium.close()


@pytest.fixture
def project(folder: Path) -> Iterator[Path]:
    """The current folder, which is a workspace."""
    ml.init()
    yield folder
    forget()
