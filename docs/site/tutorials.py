"""The tutorials with what comes of them, each executed by nbmlops' own engine in a project of its own.

What was executed is kept by the digest of the notebook and of nbmlops' sources, so that only what has changed is
executed again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from nbmlops.core.digests import of_json, of_text

__all__ = ["executed"]

_STEPS = ("1_ingest", "2_validate", "3_features", "4_train", "5_evaluate")
"""The notebooks of one pipeline: each reads what the one before has saved."""
_MAKES_ITS_OWN = "pipelines"
"""The notebook that begins where there is no project."""


def executed(stored: Path, kept: Path) -> Path:
    """Execute the notebooks of a folder that are not kept already.

    Parameters
    ----------
    stored : Path
        Folder of the notebooks, without outputs.
    kept : Path
        Folder of what was executed.

    Returns
    -------
    Path
        A folder with each notebook as it was executed.

    Raises
    ------
    subprocess.CalledProcessError
        When a notebook fails.
    """
    place = kept / _digest(stored)
    place.mkdir(parents=True, exist_ok=True)
    alone = [path.stem for path in sorted(stored.glob("*.ipynb")) if path.stem not in _STEPS]
    for names in [_STEPS, *([name] for name in alone)]:
        wanted = [name for name in names if (stored / f"{name}.ipynb").is_file()]
        if not all((place / f"{name}.ipynb").is_file() for name in wanted):
            _execute(wanted, stored, place)
    for other in kept.iterdir():
        if other != place:
            shutil.rmtree(other)
    return place


def _digest(stored: Path) -> str:
    import nbmlops

    package = Path(nbmlops.__file__).parent
    files = [*sorted(stored.glob("*.ipynb")), *sorted(package.rglob("*.py"))]
    return of_json([[path.name, of_text(path.read_text(encoding="utf-8"))] for path in files])[:16]


def _execute(names: list[str], stored: Path, place: Path) -> None:
    from nbmlops.demo.project import make_project

    with TemporaryDirectory() as folder:
        project = Path(folder) / "flights-delay"
        if names == [_MAKES_ITS_OWN]:
            (project / "notebooks").mkdir(parents=True)
            shutil.copy(stored / f"{_MAKES_ITS_OWN}.ipynb", project / "notebooks")
        else:
            make_project(project).close()
        # Some notebooks make a project of their own, in the place of temporary files.
        environment = os.environ | {"TMPDIR": folder, "NBMLOPS_USER": "ada"}
        for name in names:
            print(f"executing {name}.ipynb", flush=True)  # noqa: T201 - how far one is, on long work
            out = place / f"{name}.ipynb"
            words = [sys.executable, "-m", "papermill", "--engine", "nbmlops", "--no-progress-bar"]
            words += [f"notebooks/{name}.ipynb", str(out)]
            try:
                subprocess.run(words, cwd=project, env=environment, check=True, stderr=subprocess.DEVNULL)
            except BaseException:
                out.unlink(missing_ok=True)
                raise
