"""A workflow for GitHub Actions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from nbmlops.core.version import __version__
from nbmlops.pipelines.export.calendars import in_utc
from nbmlops.pipelines.export.document import as_yaml
from nbmlops.pipelines.export.records import Wanted

__all__ = ["SHARED", "github", "prepared"]

SHARED = ("NBMLOPS_CATALOG", "NBMLOPS_OBJECTS")
"""Secrets of the repository by which runners, which keep nothing, share a store."""


def github(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """The file, and what is left to do.

    GitHub starts late, drops starts under load, and knows UTC only: the command is told the whole line.
    """
    on: dict[str, Any] = {"workflow_dispatch": {}}
    if wanted.cron is not None:
        on = {"schedule": [{"cron": in_utc(wanted.cron)}], **on}
    workflow = {
        "name": wanted.ref,
        "on": on,
        "permissions": {"contents": "read"},
        "concurrency": {"group": wanted.label, "cancel-in-progress": False},
        "jobs": {
            "run": {
                "runs-on": "ubuntu-latest",
                "env": {name: f"${{{{ secrets.{name} }}}}" for name in SHARED},
                "steps": [
                    *prepared(wanted.root),
                    {"run": wanted.line(wanted.due)},
                ],
            }
        },
    }
    notes = (
        "put it into .github/workflows of the repository",
        f"give the repository the secrets {' and '.join(SHARED)}: a runner keeps nothing from one run to the next",
    )
    return {f"{wanted.label}.yml": as_yaml(wanted.made_by, workflow)}, notes


def prepared(root: Path) -> list[dict[str, Any]]:
    """The steps after which a runner has the project, nbmlops and a workspace, in this Python."""
    requirements = " -r requirements.txt" if (root / "requirements.txt").is_file() else ""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return [
        {"uses": "actions/checkout@v5"},
        {"uses": "actions/setup-python@v6", "with": {"python-version": python}},
        {"name": "Install", "run": f"pip install nbmlops=={__version__}{requirements}"},
        {"name": "Make the workspace", "run": "nbmlops init"},
    ]
