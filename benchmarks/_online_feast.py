"""Run by the Python of ``.venv-feast``: what Feast takes to materialize and to read online, in the repository given.

``_online_feast.py REPOSITORY ROUNDS KEYS…`` prints, as JSON, the seconds of materializing, and for each number of keys
those of each read.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")


def main(repository: str, rounds: int, keys: list[int]) -> None:
    """Apply, materialize, read."""
    from feast import FeatureStore  # type: ignore[import-not-found,unused-ignore]

    subprocess.run([Path(sys.executable).parent / "feast", "apply"], cwd=repository, check=True, capture_output=True)
    store: Any = FeatureStore(repo_path=repository)
    began = time.perf_counter()
    store.materialize(datetime(2000, 1, 1, tzinfo=UTC), datetime.now(UTC))
    found: dict[str, Any] = {"materialize": time.perf_counter() - began}
    service = store.get_feature_service("inputs")
    for count in keys:
        rows = [{"driver": number} for number in range(count)]
        seconds = []
        for _ in range(rounds):
            began = time.perf_counter()
            store.get_online_features(features=service, entity_rows=rows).to_dict()
            seconds.append(time.perf_counter() - began)
        found[str(count)] = seconds
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(word) for word in sys.argv[3:]])
