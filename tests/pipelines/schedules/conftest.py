"""A workspace whose clock a test moves, and what its schedules start instead of pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops.workspace import Workspace
from tests.pipelines.schedules.bench import Echo, MovedClock, opened


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def workspace(tmp_path: Path, clock: MovedClock, echo: Echo) -> Iterator[Workspace]:
    with opened(tmp_path / "project", clock, echo) as made:
        yield made
