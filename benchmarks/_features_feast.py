"""Feast beside us: what its local offline store takes, run by the Python of ``.venv-feast``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _bounds import run

PYTHON = Path(os.environ.get("NBMLOPS_FEAST", Path(__file__).parents[1] / ".venv-feast")) / "bin" / "python"
CLIENT = Path(__file__).parents[1] / "tests" / "system" / "feast_client.py"


def installed() -> str:
    """The version of Feast; ends the benchmark when it is not installed."""
    if not PYTHON.exists():
        sys.exit(f"Feast is not installed in {PYTHON.parents[1]}: make bench")
    return run([PYTHON, "-c", "import importlib.metadata as m; print('feast', m.version('feast'))"], Path.cwd()).strip()


def training_seconds(folder: Path, views: Sequence[dict[str, Any]]) -> float:
    """Seconds that Feast takes to join some views to the spine in a folder, its tables in memory or not as it likes."""
    (folder / "asked.json").write_text(json.dumps({"views": views}))
    done = subprocess.run([PYTHON, CLIENT, folder], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
