"""Folds what was captured of a deployment, as a process.

``python -m nbmlops.workspace.capture_folding FOLDER NAME``
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nbmlops.serving.capture.reading import Captured

__all__ = ["main"]


def main(words: list[str]) -> int:
    """Fold; gives the exit code."""
    # Whoever is answered comes first.
    os.nice(10)
    Captured(Path(words[0])).fold(words[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
