"""A person at a browser: JupyterLab opens a notebook, runs its cells, and shows what nbmlops answers."""

from __future__ import annotations

import subprocess
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, expect

from tests.system.places import Lab

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
IDLE = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


def test_a_cell_shows_the_status_of_the_workspace(lab: Lab, browser: Browser) -> None:
    subprocess.run([sys.executable, "-m", "nbmlops", "init"], cwd=lab.folder, check=True, capture_output=True)
    cells = [new_code_cell("%load_ext nbmlops"), new_code_cell("%ml status"), new_code_cell("%ml data load nothing")]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), lab.folder / "status.ipynb")

    page = browser.new_page()
    page.goto(lab.url("/lab/tree/status.ipynb"))
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()
    page.wait_for_function(IDLE, timeout=60_000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")

    outputs = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    expect(outputs.nth(1).locator(".jp-OutputArea-output").first).to_contain_text(lab.folder.name, timeout=60_000)
    refused = outputs.nth(2).locator(".jp-OutputArea-output").first
    expect(refused).to_contain_text("nothing", timeout=60_000)
    expect(refused).not_to_contain_text("Traceback")
    page.close()


def test_the_health_route_answers_only_to_the_token(lab: Lab) -> None:
    assert lab.get("/nbmlops/health", authorized=False) == (403, None)
    status, answer = lab.get("/nbmlops/health", authorized=True)
    assert status == 200
    assert answer["status"] == "ok"
