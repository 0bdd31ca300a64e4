"""An eraser to be killed: erases rows by a condition in a file, or with ``--resume`` completes what was cut off.

Run as a script with a workspace's folder, and the file or ``--resume``; says ``up`` before it begins and ``done`` at
the end.
"""

from __future__ import annotations

import sys

from nbmlops.workspace import Workspace


def main(folder: str, condition: str) -> None:
    """Erase."""
    with Workspace.open(folder) as workspace:
        print("up", flush=True)
        if condition == "--resume":
            workspace.data.erase(resume=True)
        else:
            workspace.data.erase("t", where_file=condition, yes=True)
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
