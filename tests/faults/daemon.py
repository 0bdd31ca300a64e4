"""A daemon as a process of its own, with an action that only says that it begins and ends: ``daemon.py ROOT LOG``.

It waits two seconds for a catalog that is locked, so that a test need not lock it for a minute.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbmlops.core.actions import Order, Started
from nbmlops.pipelines.schedules.records import Fire, Remark
from nbmlops.render.dispatch import json as to_json
from nbmlops.store.catalog import Catalog
from nbmlops.workspace import Workspace

SECONDS = 0.15


class Light:
    """Writes a line when it begins, and takes a moment."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def named(self, target: str) -> str:
        return target

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Anything will do."""

    def start(self, order: Order) -> Started:
        line = {"target": order.target, "time": order.logical_time, "pid": os.getpid(), "at": time.time()}
        with self._log.open("a") as log:
            log.write(json.dumps(line) + "\n")
        time.sleep(SECONDS)
        if order.stop.is_cancelled:
            raise KeyboardInterrupt
        return Started()


def main() -> None:
    def tell(said: Fire | Remark) -> None:
        print(json.dumps(to_json(said)), flush=True)

    with Workspace.open(sys.argv[1]) as workspace:
        vars(workspace)["catalog"] = Catalog(workspace.catalog.url, busy_timeout=2)
        workspace.schedule.actions.register("light", Light(Path(sys.argv[2])))
        workspace.schedule.run(parallel=4, tell=tell)


if __name__ == "__main__":
    main()
