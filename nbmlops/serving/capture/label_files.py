"""Labels as they lie in files, and the rows that they meet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.serving.capture.requests import INPUT
from nbmlops.serving.capture.segments import Place

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ID", "joined", "key_column", "newest_labels"]

ID = "_id"
"""The key of labels that name the row itself."""


def key_column(by: str) -> str:
    """The captured column that labels of a key meet."""
    return ID if by == ID else INPUT + by


def newest_labels(place: Place, since: datetime | None = None, until: datetime | None = None) -> pl.LazyFrame:
    """The newest label of each key, of times of ``at``; what was known from `until` on is left out before."""
    import polars as pl

    files = sorted(place.labels.glob("*.parquet"))
    moments = dict.fromkeys(("at", "arrived_at"), pl.Datetime("us", "UTC"))
    if not files:
        return pl.LazyFrame(schema={"by": pl.String, "key": pl.String, "label": pl.Float64, **moments})
    found = pl.concat([pl.scan_parquet(path) for path in files], how="vertical_relaxed")
    if until is not None:
        found = found.filter(pl.col("at") < until)
    newest = found.sort("arrived_at", maintain_order=True).unique(["by", "key"], keep="last", maintain_order=True)
    if since is not None:
        newest = newest.filter(pl.col("at") >= since)
    return newest


def joined(rows: pl.LazyFrame, labels: pl.LazyFrame) -> pl.LazyFrame:
    """Rows that have a label, once each."""
    import polars as pl

    columns = rows.collect_schema().names()
    parts = []
    for by in labels.select("by").unique().collect()["by"].sort():
        column = key_column(by)
        if column in columns:
            some = labels.filter(pl.col("by") == by).drop("by")
            keyed = rows.with_columns(pl.col(column).cast(pl.String).alias("_label_key"))
            parts.append(keyed.join(some, left_on="_label_key", right_on="key").drop("_label_key"))
    if not parts:
        return rows.join(labels.drop("by").clear(), left_on="_id", right_on="key")
    met = pl.concat(parts, how="vertical_relaxed")
    return met.unique(["_id", "_version", "_role"], keep="first", maintain_order=True)
