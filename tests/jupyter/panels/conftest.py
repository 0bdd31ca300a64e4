from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbmlops.core import errors


@pytest.fixture(autouse=True)
def speaks_as_cells_do() -> Iterator[None]:
    """Lines and hints as a notebook has them."""
    errors.speak("%ml")
    yield
    errors.speak("nbmlops")
