"""A workflow for GitHub Actions."""

from __future__ import annotations

from typing import Any

from nbmlops.core.version import __version__
from nbmlops.pipelines.export.calendars import in_utc
from nbmlops.pipelines.export.document import as_yaml
from nbmlops.pipelines.export.records import Wanted

__all__ = ["github"]

_SHARED = ("NBMLOPS_CATALOG", "NBMLOPS_OBJECTS")


def github(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """The file, and what is left to do.

    GitHub starts late, drops starts under load, and knows UTC only: the command is told the whole line.
    """
    on: dict[str, Any] = {"workflow_dispatch": {}}
    if wanted.cron is not None:
        on = {"schedule": [{"cron": in_utc(wanted.cron)}], **on}
    requirements = " -r requirements.txt" if (wanted.root / "requirements.txt").is_file() else ""
    workflow = {
        "name": wanted.ref,
        "on": on,
        "permissions": {"contents": "read"},
        "concurrency": {"group": wanted.label, "cancel-in-progress": False},
        "jobs": {
            "run": {
                "runs-on": "ubuntu-latest",
                "env": {name: f"${{{{ secrets.{name} }}}}" for name in _SHARED},
                "steps": [
                    {"uses": "actions/checkout@v5"},
                    {"uses": "actions/setup-python@v6", "with": {"python-version": "3.12"}},
                    {"run": f"pip install nbmlops=={__version__}{requirements}"},
                    {"run": "nbmlops init"},
                    {"run": wanted.line(wanted.due)},
                ],
            }
        },
    }
    notes = (
        "put it into .github/workflows of the repository",
        f"give the repository the secrets {' and '.join(_SHARED)}: a runner keeps nothing from one run to the next",
    )
    return {f"{wanted.label}.yml": as_yaml(wanted, workflow)}, notes
