from __future__ import annotations

import atexit
import gc
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import nbmlops
from nbmlops import ml
from nbmlops.store import lineage
from nbmlops.tracking import capture
from nbmlops.workspace.current import forget
from tests.jupyter.cells import Cells


@pytest.fixture
def project(folder: Path) -> Iterator[Path]:
    """The current folder, which is a workspace."""
    ml.init()
    yield folder
    forget()


@pytest.fixture(scope="session")
def bare_shell(home: Path) -> Iterator[InteractiveShell]:
    """IPython, without the extension."""
    hook, excepthook = sys.displayhook, sys.excepthook
    shell = InteractiveShell.instance(colors="nocolor")
    yield shell
    shell.history_manager.end_session()
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()
    sys.displayhook, sys.excepthook = hook, excepthook
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # IPython leaves its history's database to the collector
        del shell
        gc.collect()


@pytest.fixture
def shell(bare_shell: InteractiveShell, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """IPython in a workspace, with the extension and without variables, as if nothing had been executed before."""
    monkeypatch.setattr(capture, "log", capture.CellLog())
    bare_shell.reset(new_session=False)
    nbmlops.load_ipython_extension(bare_shell)
    yield bare_shell
    # The notebook that a cell was of stays active in this process, and what is tested next is of none.
    lineage._active.set(None)
    nbmlops.unload_ipython_extension(bare_shell)


@pytest.fixture
def cells(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Cells:
    """Runs cells and gives what they show."""
    capsys.readouterr()
    return Cells(shell, capsys)
