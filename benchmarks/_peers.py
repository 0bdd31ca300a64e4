"""The peers: DVC, MLflow and Delta, in an environment of their own, which ``make bench`` makes from ``peers.txt``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from _bounds import bytes_below, run

BIN = Path(os.environ.get("NBMLOPS_PEERS", Path(__file__).parents[1] / ".venv-peers")) / "bin"
NAMES = ("dvc", "mlflow", "deltalake")
_QUIET = {"DVC_NO_ANALYTICS": "1", "CI": "true"}
_COPIES = """
import sys
from pathlib import Path
from {module} import {name}
below = lambda folder: sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
{before}
for path in sys.argv[2:]:
    had = below(sys.argv[1])
    {store}
    print(below(sys.argv[1]) - had)
"""


def installed(*names: str) -> None:
    """End the benchmark when one of some peers is not installed."""
    code = "import importlib.metadata as m, sys; [m.version(name) for name in sys.argv[1:]]"
    there = (BIN / "python").exists()
    if not there or subprocess.run([BIN / "python", "-c", code, *names], check=False, capture_output=True).returncode:
        sys.exit(f"the peers are not installed in {BIN.parent}: make bench")


def versions_of(*names: str) -> str:
    """Names and versions of some peers."""
    code = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    return run([BIN / "python", "-c", code, *names], Path.cwd()).strip()


def dvc_init(folder: Path) -> None:
    """Make a DVC project, without git."""
    run([BIN / "dvc", "init", "--no-scm", "--quiet"], folder, **_QUIET)


def dvc_add(folder: Path, name: str) -> None:
    """Add a file or folder of a project to its cache."""
    run([BIN / "dvc", "add", "--quiet", name], folder, **_QUIET)


def dvc_bytes(folder: Path) -> int:
    """Bytes of a project's cache."""
    return bytes_below(folder / ".dvc" / "cache")


def mlflow_growth(files: Sequence[Path], folder: Path) -> list[int]:
    """Bytes by which a local artifact store of MLflow grows with each file, logged one after the other."""
    before = "repository = get_artifact_repository(Path(sys.argv[1]).as_uri())"
    store = "repository.log_artifact(path, str(had))"
    names = {"module": "mlflow.store.artifact.artifact_repository_registry", "name": "get_artifact_repository"}
    return _grown(_COPIES.format(**names, before=before, store=store), files, folder)


def delta_growth(files: Sequence[Path], folder: Path) -> list[int]:
    """Bytes by which a Delta table grows that is overwritten with each Parquet file."""
    before = "import pyarrow.parquet as pq"
    store = 'write_deltalake(sys.argv[1], pq.read_table(path), mode="overwrite", schema_mode="overwrite")'
    return _grown(_COPIES.format(module="deltalake", name="write_deltalake", before=before, store=store), files, folder)


def _grown(code: str, files: Sequence[Path], folder: Path) -> list[int]:
    folder.mkdir()
    printed = run([BIN / "python", "-c", code, folder, *files], folder.parent)
    return [int(line) for line in printed.split()]
