"""Runs a pipeline whose steps all have their results, and kills itself right after one of its SQL statements.

Run as a script with a workspace's folder and the number of the statement, counted from the start of the pipeline's
run; with one that is never reached it prints how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

from nbmlops.workspace import Workspace


def main(folder: str, last: int) -> None:
    """Run until the statement of that number, or to the end."""
    statements = count(1)
    with Workspace.open(folder) as workspace:
        workspace.run.list(1)  # what opening brings with it is no part of the run

        @event.listens_for(Engine, "after_cursor_execute")
        def executed(*_: Any) -> None:
            # Not those of the threads that look around meanwhile, whose number nobody knows before.
            if threading.current_thread() is threading.main_thread() and next(statements) == last:
                os.kill(os.getpid(), signal.SIGKILL)

        workspace.pipeline.run("sums", for_={"part": [1, 2, 3]})
        print(next(statements) - 1)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
