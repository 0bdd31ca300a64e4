"""Run by the Python of ``.venv-feast``: applies a repository and reads it, offline and online.

``feast_repository.py REPOSITORY FOLDER`` reads ``spine.parquet`` and ``keys.json`` in FOLDER, and writes
``historical.parquet`` and ``online.json`` there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

warnings.simplefilter("ignore")

import pandas as pd  # noqa: E402
from feast import FeatureStore  # noqa: E402


def main(repository: Path, folder: Path) -> None:
    """Apply, join, materialize, read."""
    feast = Path(sys.executable).parent / "feast"
    subprocess.run([feast, "apply"], cwd=repository, check=True, env={**os.environ, "FEAST_USAGE": "False"})
    store = FeatureStore(repo_path=str(repository))
    service = store.get_feature_service("inputs")
    spine = pd.read_parquet(folder / "spine.parquet")
    store.get_historical_features(entity_df=spine, features=service).to_df().to_parquet(folder / "historical.parquet")
    store.materialize(datetime(1969, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
    keys = json.loads((folder / "keys.json").read_text())
    found = store.get_online_features(features=service, entity_rows=keys).to_dict()
    (folder / "online.json").write_text(json.dumps(found))


main(Path(sys.argv[1]), Path(sys.argv[2]))
