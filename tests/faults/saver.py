"""A writer to be interrupted: saves a large table again and again, and says when it begins.

Run as a script with a workspace's folder, and optionally the greatest size in bytes that a file may take.
Exit code 0 when Ctrl-C came as a KeyboardInterrupt, 3 when a save said that there is no room.
"""

from __future__ import annotations

import resource
import signal
import sys
from itertools import count

import numpy as np
import pandas as pd

from nbmlops.core.errors import UnavailableError
from nbmlops.workspace import Workspace


def main(folder: str, limit: int | None = None) -> int:
    """Save until something happens."""
    # A shell that starts a job in the background has it ignore Ctrl-C, and so would this process.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    generator = np.random.default_rng()
    with Workspace.open(folder) as workspace:
        try:
            for turn in count():
                frame = pd.DataFrame(generator.normal(size=(300_000, 10)), columns=list("abcdefghij"))
                print("saving", turn, flush=True)
                workspace.data.save(frame, "large")
                print("saved", turn, flush=True)
        except KeyboardInterrupt:
            return 0
        except UnavailableError as error:
            print(error.message, flush=True)
            return 3
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
