"""A writer to be killed: saves data and promotes models as fast as it can, and says what was acknowledged.

Run as a script with a workspace's folder. Each line on standard output names one acknowledged fact:
``data NAME DIGEST`` or ``alias REF``.
"""

from __future__ import annotations

import sys
from itertools import count

import numpy as np
import pandas as pd

from nbmlops.workspace import Workspace


def main(folder: str, seed: int) -> None:
    """Write until killed."""
    generator = np.random.default_rng(seed)
    with Workspace.open(folder) as workspace:
        models = len(workspace.model.history("m"))
        print("up", flush=True)
        for turn in count():
            frame = pd.DataFrame({"seed": seed, "turn": turn, "x": generator.normal(size=20_000)})
            saved = workspace.data.save(frame, "t")
            print("data", saved.name, saved.digest, flush=True)
            promoted = workspace.model.promote(f"m@v{1 + turn % models}", to="production")
            print("alias", promoted.after, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
