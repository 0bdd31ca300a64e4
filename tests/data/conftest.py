from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbmlops.workspace import Workspace

Make = Callable[[str], Workspace]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes workspaces that have the same remote, named origin."""
    made: list[Workspace] = []

    def one(name: str) -> Workspace:
        workspace = Workspace.init(tmp_path / name)
        workspace.remote.add("origin", str(tmp_path / "remote"))
        made.append(workspace)
        return workspace

    yield one
    for workspace in made:
        workspace.close()
