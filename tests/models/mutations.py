"""Changes numbers of boosting models' files, few at a time, and answers with what still loads; run as a program.

It is a process of its own, since a library that follows a wrong index ends the process that it is in.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from nbmlops.core.errors import NbmlopsError
from nbmlops.models.formats import FORMATS, Trust
from nbmlops.models.formats.xgboost_screening import written

NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
STRANGE = (
    b"-1",
    b"0",
    b"1",
    b"2",
    b"7",
    b"-2",
    b"99999999",
    b"-99999999",
    b"4294967296",
    b"1e300",
    b"nan",
    b"",
    b"0.5",
)


def whole_again(kind: str, content: bytes) -> bytes:
    """The same with what only says how it is written put right, so that more than that is looked at."""
    if kind == "xgboost":
        try:
            return written(json.loads(content))
        except ValueError:
            return content
    head, begun, trees = content.partition(b"Tree=0")
    blocks = (begun + trees.partition(b"end of trees")[0]).split(b"Tree=")[1:]
    sizes = b" ".join(b"%d" % (len(block) + len(b"Tree=")) for block in blocks)
    return re.sub(rb"tree_sizes=.*", b"tree_sizes=" + sizes, head) + begun + trees


def change(kind: str, path: str, rounds: int) -> None:
    content = Path(path).read_bytes()
    places = [found.span() for found in NUMBER.finditer(content)]
    chance = random.Random(7)
    refused = answered = 0
    for _ in range(rounds):
        changed = content
        for begin, end in sorted(chance.sample(places, chance.choice((1, 1, 1, 2))), reverse=True):
            changed = changed[:begin] + chance.choice(STRANGE) + changed[end:]
        if chance.random() < 0.1:
            lines = changed.split(b"\n")
            del lines[chance.randrange(len(lines))]
            changed = b"\n".join(lines)
        try:
            model = FORMATS[kind].load(whole_again(kind, changed), Trust())
        except NbmlopsError:
            refused += 1
            continue
        rows = pd.DataFrame(np.random.default_rng(1).normal(size=(20, model.n_features_in_)))
        rows.columns = getattr(model, "feature_names_in_", rows.columns)
        try:
            model.predict(rows)
        except ValueError:  # it takes categories
            model.predict(rows.to_numpy())
        answered += 1
    print(refused, answered)


if __name__ == "__main__":
    for each in sys.argv[2:]:
        change(*each.split(":", 1), int(sys.argv[1]))
