"""Run by the Python of ``.venv-feast``: what Feast's own offline store joins to a spine.

``feast_client.py FOLDER`` reads ``asked.json``, ``spine.parquet`` and a Parquet file for each view in FOLDER, and
writes ``answer.parquet``; what the join took, in seconds, is printed.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from datetime import timedelta
from pathlib import Path

warnings.simplefilter("ignore")

import pandas as pd  # noqa: E402
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig  # noqa: E402
from feast.types import Float64  # noqa: E402


def main(folder: Path) -> None:
    """Define the views, join them, write the answer."""
    asked = json.loads((folder / "asked.json").read_text())
    (folder / "feast").mkdir()
    config = RepoConfig(
        project="nbmlops",
        provider="local",
        registry=str(folder / "feast" / "registry.db"),
        offline_store={"type": "file"},
        online_store={"type": "sqlite", "path": str(folder / "feast" / "online.db")},
        entity_key_serialization_version=3,
    )
    store = FeatureStore(config=config)
    entities = {key: Entity(name=key, join_keys=[key]) for view in asked["views"] for key in view["entities"]}
    views = [
        FeatureView(
            name=view["name"],
            entities=[entities[key] for key in view["entities"]],
            ttl=timedelta(seconds=view["ttl"]) if view["ttl"] else timedelta(0),
            schema=[Field(name=feature, dtype=Float64) for feature in view["features"]],
            source=FileSource(
                path=str(folder / f"{view['name']}.parquet"),
                timestamp_field=view["time"],
                created_timestamp_column=view.get("created", ""),
            ),
        )
        for view in asked["views"]
    ]
    store.apply([*entities.values(), *views])
    spine = pd.read_parquet(folder / "spine.parquet")
    features = [f"{view['name']}:{feature}" for view in asked["views"] for feature in view["features"]]
    began = time.perf_counter()
    answer = store.get_historical_features(entity_df=spine, features=features).to_df()
    print(time.perf_counter() - began)
    answer.to_parquet(folder / "answer.parquet")


main(Path(sys.argv[1]))
