"""A process to be killed: logs to a run of its own, and says after each point that it was acknowledged.

Run as a script with a workspace's folder, a name, and the descriptor of a pipe to say it through: eight bytes for each
point, its step. ``LOGGER_PAUSE`` is how many seconds it rests after each.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count

from nbmlops.workspace import Workspace


def main(folder: str, name: str, pipe: int) -> None:
    """Log until killed."""
    pause = float(os.environ.get("LOGGER_PAUSE", "0"))
    with Workspace.open(folder) as workspace:
        run = workspace.run(name, params={"of": name})
        for step in count():
            run.log(loss=step / 2, step=step)
            os.write(pipe, step.to_bytes(8, "little"))
            if pause:
                time.sleep(pause)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
