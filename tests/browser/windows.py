"""What a person does in a window of JupyterLab, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from tests.places import Jupyter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

__all__ = ["IDLE", "LIGHT_AND_DARK", "Window", "opened", "picture", "serious", "settled", "write_notebook"]

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
IDLE = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
LIGHT_AND_DARK = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def write_notebook(path: Path, *cells: str) -> None:
    """Write a notebook of code cells."""
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=KERNEL), path)


def picture(target: Page | Locator, name: str) -> None:
    """Take a picture, where pictures are wanted."""
    if folder := os.environ.get("PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        target.screenshot(path=Path(folder) / f"{name}.png")


def serious(page: Page, within: str = "html") -> list[str]:
    """What axe finds in a part of a page that would keep somebody from using it."""
    found = Axe().run(page, context=within).response["violations"]
    return [
        f"{one['id']}: {node['html']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def settled(page: Page) -> None:
    """Wait until no panel waits for an answer, and what came is drawn."""
    # What is pressed asks at once; what an answer leads to is drawn, or asked for, before the next frame.
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(drawn)
    expect(page.locator(".nbp-stage[aria-busy]")).to_have_count(0, timeout=30_000)
    page.evaluate(drawn)


class Window:
    """A JupyterLab in a window of the browser; `errors` is what the console complains of."""

    def __init__(self, page: Page, server: Jupyter) -> None:
        self.page = page
        self.server = server
        self.errors: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _heard(self, said: ConsoleMessage) -> None:
        # JupyterLab has complaints of its own, as of a kernel that is gone.
        if said.type == "error" and "nbmlops" in f"{said.text} {said.location}":
            self.errors.append(said.text)

    def go(self, path: str = "/lab") -> None:
        """Load a page of the server and wait until it is whole."""
        self.page.goto(self.server.url(path))
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        self.page.wait_for_function("window.jupyterapp?.restored")
        self.page.evaluate("window.jupyterapp.restored")

    def command(self, name: str, **arguments: Any) -> Any:
        """Do a command of JupyterLab."""
        return self.page.evaluate(
            "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => null)", [name, arguments]
        )

    def go_to_folder(self, path: str) -> None:
        """Let the file browser show a folder, whatever the left side shows."""
        self.command("filebrowser:go-to-path", path=path, dontShowBrowser=True)

    def theme(self, name: str) -> None:
        """Change the theme, and wait until its colours are there."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def sidebar(self) -> Locator:
        """Open the sidebar."""
        shown = self.page.locator("#nbmlops-sidebar")
        if not shown.is_visible():
            self.page.locator('.jp-SideBar [data-id="nbmlops-sidebar"]').click()
        return shown

    def open(self, path: str) -> None:
        """Open a notebook and wait for its kernel."""
        self.command("docmanager:open", path=path)
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()
        self.page.wait_for_function(IDLE, timeout=60_000)

    def run_all(self) -> None:
        """Run the cells of the notebook."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def run(self, number: int) -> Locator:
        """Run one cell of the notebook, and give what stands below it."""
        self.page.evaluate(
            """number => {
                const { content } = window.jupyterapp.shell.currentWidget;
                content.activeCellIndex = number;
                return window.jupyterapp.commands.execute("notebook:run-cell");
            }""",
            number,
        )
        return self.cells.nth(number).locator(".jp-OutputArea-output")

    def source(self, number: int) -> str:
        """Read a cell of the notebook."""
        found: str = self.page.evaluate(
            "number => window.jupyterapp.shell.currentWidget.content.widgets[number].model.sharedModel.getSource()",
            number,
        )
        return found

    def restart_kernel(self) -> None:
        """Restart the kernel of the notebook, without being asked."""
        self.page.wait_for_function(IDLE, timeout=60_000)
        self.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.page.wait_for_function(IDLE, timeout=60_000)

    @property
    def cells(self) -> Locator:
        """The cells of the notebook."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")


@contextmanager
def opened(browser: Browser, server: Jupyter, path: str = "/lab", **context: Any) -> Iterator[Window]:
    """Give a window with the page loaded, in a browser of its own; nothing may have gone wrong in it."""
    page = browser.new_page(**{"viewport": {"width": 1300, "height": 850}, **context})
    window = Window(page, server)
    window.go(path)
    yield window
    page.close()
    assert not window.errors, "\n".join(window.errors)
