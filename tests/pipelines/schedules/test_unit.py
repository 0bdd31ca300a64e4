"""The unit of systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.core.errors import RefusedError
from nbmlops.pipelines.schedules.unit import unit


def test_a_file_that_somebody_else_wrote_stays(tmp_path: Path) -> None:
    (name,) = unit(tmp_path, None).files
    (tmp_path / name).write_text("[Unit]\n")
    with pytest.raises(RefusedError, match="was not written by"):
        unit(tmp_path, tmp_path)
