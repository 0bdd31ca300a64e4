"""The unit by which systemd keeps the daemon of a workspace running."""

from __future__ import annotations

from pathlib import Path

from nbmlops.pipelines.export.machine import plain, quoted
from nbmlops.pipelines.export.records import Export, dashed
from nbmlops.pipelines.export.verb import program, write

__all__ = ["unit"]

_MADE_BY = "nbmlops schedule unit"


def unit(root: Path, to: str | Path | None) -> Export:
    """A service of the user, and what is left to do.

    Parameters
    ----------
    root : Path
        The project's folder.
    to : str or Path or None
        Folder to write it to; None only shows it.
    """
    words = (*program(), "schedule", "run")
    name = f"nbmlops-schedules-{dashed(root.name) or 'project'}.service"
    content = f"""\
# Written by: {_MADE_BY}
[Unit]
Description=Starts what the schedules of {plain(str(root))} say
After=network-online.target

[Service]
Type=exec
WorkingDirectory={plain(str(root))}
ExecStart={" ".join(map(quoted, words))}
Restart=always
RestartSec=5
KillMode=mixed
TimeoutStopSec=20

[Install]
WantedBy=default.target
"""
    files = {name: content}
    folder = None if to is None else write(Path(to), files)
    notes = (
        f"copy it into ~/.config/systemd/user, then systemctl --user enable --now {name}",
        "loginctl enable-linger, to run logged out",
    )
    return Export("schedules", "systemd", "nbmlops schedule run", files, folder, notes)
