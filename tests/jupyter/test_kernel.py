"""A real kernel: what a front end and papermill are sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import papermill
import pytest
from jupyter_client.manager import KernelManager
from nbformat.v4 import new_code_cell, new_notebook

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.notebook


class Kernel:
    """Executes cells and gives the messages that a front end would get."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, source: str) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        self._client.execute_interactive(source, output_hook=messages.append, timeout=60)
        shown = {"stream", "error", "execute_result", "display_data"}
        return [message["content"] for message in messages if message["msg_type"] in shown]

    def tab(self, text: str) -> list[str]:
        answer = self._client.complete(text, len(text), reply=True, timeout=60)
        return list(answer["content"]["matches"])

    def inspect(self, text: str) -> str:
        answer = self._client.inspect(text, len(text), reply=True, timeout=60)
        return str(answer["content"]["data"].get("text/plain", ""))


@pytest.fixture
def kernel(project: Path) -> Iterator[Kernel]:
    manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(project / "k"))
    manager.start_kernel(cwd=str(project), env={**os.environ, "PYTHONPATH": str(ROOT)})
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def test_a_front_end_gets_a_banner_results_in_two_forms_errors_and_completions(kernel: Kernel, project: Path) -> None:
    (banner,) = kernel.run("%load_ext nbmlops")
    assert banner["text"].startswith(f"nbmlops 0.1 · workspace {project.name}")

    kernel.run("import pandas as pd; flights = pd.DataFrame({'a': [1, 2]})")
    (result,) = kernel.run("%ml data save flights -m first")
    assert result["data"]["text/plain"].startswith("flights@v1   2 rows")
    assert result["data"]["text/html"].startswith('<div class="nbmlops ')

    (run,) = kernel.run("%%ml run gbm -p depth=6\n%ml log auc={depth / 10}")[-1:]
    assert "auc 0.6" in run["data"]["text/plain"]

    (error,) = kernel.run("%ml data load flihgts")
    assert error["ename"] == "NotFoundError"
    assert "".join(error["traceback"]).count("\x1b") == 0
    assert error["traceback"][-1].startswith("hint: ")

    (refused,) = kernel.run("%%ml check flights --strict\na: between(0, 1)")
    assert refused["ename"] == "RefusedError"

    assert kernel.tab("%ml data load fl") == ["flights"]
    assert kernel.tab("%%ml run gb") == ["gbm"]
    assert kernel.tab('%ml run list --where "params.') == ["params.depth"]
    assert kernel.inspect("x = 1\n%ml data save").startswith("Usage: %ml data save")
    assert "DataFrame" in kernel.inspect("flights")
    assert kernel.run("%unload_ext nbmlops") == []


def test_papermill_fails_with_the_same_words(project: Path) -> None:
    cells = [new_code_cell("%load_ext nbmlops"), new_code_cell("%ml data load nothing")]
    nbformat.write(new_notebook(cells=cells), project / "in.ipynb")
    with pytest.raises(papermill.PapermillExecutionError) as error:
        papermill.execute_notebook("in.ipynb", "out.ipynb", kernel_name="python3", progress_bar=False, cwd=str(project))
    assert error.value.ename == "NotFoundError"
    assert "nothing" in error.value.evalue
    assert "hint: " in "\n".join(error.value.traceback)
