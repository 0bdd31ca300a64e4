"""A process that pushes or pulls everything, to be run beside others and to be killed.

Run as a script with ``push`` or ``pull``, a workspace's folder and a remote. It says ``going`` when it begins, and
``done`` with the number of versions when all of it is acknowledged.
"""

from __future__ import annotations

import sys

from nbmlops.workspace import Workspace


def main(verb: str, folder: str, remote: str) -> None:
    """Go once."""
    with Workspace.open(folder) as workspace:
        print("going", flush=True)
        done = workspace.data.push(to=remote) if verb == "push" else workspace.data.pull(from_=remote)
        print("done", len(done.versions), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
