"""Features to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbmlops.features.definition import Definition, ServiceDefinition
from nbmlops.features.feast.records import FeastExport
from nbmlops.features.online.records import Freshness, Materialized, OnlineRows
from nbmlops.features.records import FeatureDiff, FeatureRow, FeatureUsage, FeatureVersion
from nbmlops.render.listing import Listing

__all__ = ["features", "listed_features"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)
DIGEST = "7f3a9c12" * 8


def features(text: str) -> list[Any]:
    """A view, one on demand that is retired, a service, and what differs between two versions."""
    view = Definition(
        text, (text,), (text,), text, timedelta(days=7), text, text, False, (), ((text, "double"),), text, text,
        {text: text}, DIGEST,
    )  # fmt: skip
    asked = Definition(text, (), (), None, None, text, text, True, (text,), ((text, "double"),), text, "", {}, DIGEST)
    service = ServiceDefinition(text, (f"{text}:{text}",), text, text)
    return [
        _version(text, view, {}),
        _version(text, asked, {"retired": text}),
        _version(text, service, {}),
        FeatureDiff(f"{text}@v1", f"{text}@v2", (f"+{text}",), (text,), (text,), (("owner", text, text),)),
        FeatureDiff(f"{text}@v1", f"{text}@v2", (), (), (), ()),
        FeastExport(Path(text), (text,), (text,), (text,), 3),
        OnlineRows(
            {text: [text, text]},
            {f"{text} 2": [text, None]},
            {f"{text} 2": ["present", "missing"]},
            {},
            (text,),
            timedelta(seconds=90),
        ),
    ]


def listed_features(text: str) -> list[Listing[Any]]:
    """Listings of views, of their versions, and of who uses them."""
    version = features(text)[0]
    used = FeatureUsage(
        f"{text}@v1", (text,), (text,), (text,), (text,), (text,), (text,), 1.5, NOW, True, {text: 0.1}, {text: text}
    )
    return [
        Listing([FeatureRow.of(version)], FeatureRow),
        Listing([version], FeatureVersion),
        Listing([used, FeatureUsage(f"{text}@v2", (text,))], FeatureUsage),
        Listing([Materialized(text, text, 3, 1, 4, NOW, 0.5, text)], Materialized),
        Listing([_fresh(text, complete=True), _fresh(text, complete=False)], Freshness),
    ]


def _fresh(text: str, *, complete: bool) -> Freshness:
    day = timedelta(days=1)
    return Freshness(text, NOW, NOW, day, day, day, 3, waiting=complete, complete=complete)


def _version(text: str, definition: Any, tags: dict[str, str]) -> FeatureVersion:
    return FeatureVersion(
        1, text, 1, DIGEST, definition, text, text, NOW, None, text, None, (text,), tags, None, f"{text}@v1",
        f"feature.{text}@v1",
    )  # fmt: skip
