"""A worker of an endpoint as a process: ``python -m nbmlops.workspace.endpoint_worker ORDER``.

It opens the workspace itself, reads from it, and writes nothing but its log and what it captures.
"""

from __future__ import annotations

import sys

from nbmlops.serving.endpoint.worker import Order, work
from nbmlops.workspace.root import Workspace
from nbmlops.workspace.served_versions import VersionSource

__all__ = ["main"]


def main(words: list[str]) -> int:
    """Be a worker; gives the exit code."""
    return work(Order.from_text(words[0]), _source)


def _source(order: Order) -> VersionSource:
    return VersionSource(Workspace.open(order.root), order.ref, order.limits.rows, order.background)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
