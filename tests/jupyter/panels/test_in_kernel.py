from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel

from nbmlops import ml

if TYPE_CHECKING:
    from jupyter_client.blocking.client import BlockingKernelClient

PANEL = """
%load_ext nbmlops
from nbmlops import ml
panel = ml.panel("runs")
print("comm", panel.comm.comm_id)
"""
BUSY = """
import pathlib, time
while not pathlib.Path("asked").exists():
    time.sleep(0.05)
print("cell ended")
"""


@pytest.fixture
def client(project: Path) -> Iterator[BlockingKernelClient]:
    kernel, client = start_new_kernel(kernel_name="python3", cwd=str(project))
    yield client
    client.stop_channels()
    kernel.shutdown_kernel(now=True)


def next_of(client: BlockingKernelClient, *kinds: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = client.get_iopub_msg(timeout=60)
        if message["msg_type"] in kinds:
            return message


def printed(client: BlockingKernelClient, word: str) -> str:
    while word not in (text := str(next_of(client, "stream")["content"]["text"])):
        pass
    return text


@pytest.mark.notebook
def test_a_panel_answers_while_a_cell_runs(client: BlockingKernelClient, project: Path) -> None:
    with ml.run("gbm"):
        pass
    client.execute(PANEL)
    comm = printed(client, "comm").rpartition("comm ")[2].strip()
    client.control_channel.send(client.session.msg("create_subshell_request", {}))
    thread = client.control_channel.get_msg(timeout=60)["content"]["subshell_id"]
    client.execute(BUSY)
    time.sleep(0.5)  # the loop of the cells is in the cell by now
    content = {"id": 1, "message": {"panel": "runs", "ask": "page", "params": {"columns": []}}}
    asked = client.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}})
    asked["header"]["subshell_id"] = thread  # as JupyterLab sends it
    client.shell_channel.send(asked)
    came = next_of(client, "comm_msg")["content"]["data"]["content"]
    assert came["answer"]["ok"]["rows"][0][1] == "gbm-1"
    (project / "asked").touch()
    assert printed(client, "cell ended")
