"""The workflow of GitHub Actions that judges every push and promotes on a tag.

Format: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbmlops.core.errors import RefusedError, UnavailableError
from nbmlops.pipelines.export.document import as_yaml
from nbmlops.pipelines.export.github import SHARED, prepared

__all__ = ["Workflow", "github", "write"]

_REPORT = "nbmlops-junit.xml"
# Values of GitHub's own reach a shell as variables only: a tag may hold any text.
_TAGGED = "startsWith(github.ref, 'refs/tags/')"


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow for a service of continuous integration.

    Attributes
    ----------
    target : str
        The service.
    path : str
        The file, from the project's folder.
    content : str
        What is in it.
    notes : tuple of str
        What is left to do.
    """

    target: str
    path: str
    content: str
    notes: tuple[str, ...]


def github(pipelines: Sequence[str], root: Path, *, has_remote: bool) -> Workflow:
    """The workflow for a project.

    Parameters
    ----------
    pipelines : sequence of str
        What is promoted on a tag.
    root : Path
        The project's folder; packages that its requirements.txt names are installed too.
    has_remote : bool
        Whether data can be pulled from a remote.
    """
    prepare = prepared(root)
    pull = [{"name": "Fetch the data that nbmlops.lock names", "run": "nbmlops data pull --locked"}]
    workflow: dict[str, Any] = {
        "name": "nbmlops",
        "on": {"push": {}, "pull_request": {}},
        "permissions": {"contents": "read"},
        "jobs": {
            "check": {
                "runs-on": "ubuntu-latest",
                "steps": [
                    *prepare,
                    *(pull if has_remote else []),
                    {"name": "Lint, test and run", "run": f"nbmlops ci --junit {_REPORT}"},
                    {
                        "name": "Keep the report",
                        "if": "always()",
                        "uses": "actions/upload-artifact@v4",
                        "with": {"name": "nbmlops", "path": _REPORT, "if-no-files-found": "ignore"},
                    },
                ],
            },
            "promote": {
                "needs": "check",
                "if": f"github.event_name == 'push' && {_TAGGED}",
                "runs-on": "ubuntu-latest",
                "concurrency": {"group": "nbmlops-promote", "cancel-in-progress": False},
                "env": {name: f"${{{{ secrets.{name} }}}}" for name in SHARED},
                "steps": [
                    *prepare,
                    *({"name": f"Promote {name}", "run": _promotion(name)} for name in pipelines),
                ],
            },
        },
    }
    notes = (
        f"commit .github/workflows/nbmlops.yml; pushes are judged, and a tag promotes {', '.join(pipelines)}",
        f"for tags, give the repository the secrets {' and '.join(SHARED)}: a runner keeps nothing for the next",
    )
    content = as_yaml("nbmlops ci init github", workflow)
    return Workflow("github", ".github/workflows/nbmlops.yml", content, notes)


def _promotion(name: str) -> str:
    return f'nbmlops pipeline promote {shlex.quote(name)} --to production -m "$GITHUB_REF_NAME"'


def write(workflow: Workflow, root: Path, *, force: bool = False) -> None:
    """Write a workflow into a project.

    Raises
    ------
    RefusedError
        When the file is there and is another, and `force` is not given.
    UnavailableError
        When it cannot be written.
    """
    path = root / workflow.path
    if path.exists() and not force and path.read_text(encoding="utf-8", errors="replace") != workflow.content:
        raise RefusedError(f"{workflow.path} is there, and it is another", hint="`ml ci init github --force`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(workflow.content, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error.strerror}", hint="see who may write there") from error
