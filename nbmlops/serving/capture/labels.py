"""Labels: what turned out to be true, days after it was predicted, kept as it arrived.

Each arrival is a Parquet file of what it says anew: the same labels again add nothing. Nothing is decided when they
arrive. Who reads takes of each key the newest, so that a correction holds, and whoever comes before its request
waits for it.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.core.clock import microseconds
from nbmlops.core.errors import InvalidError
from nbmlops.serving.capture.label_files import ID, key_column
from nbmlops.serving.capture.policy import hash_key, hashed
from nbmlops.serving.capture.reading import Captured

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from nbmlops.core.clock import Clock
    from nbmlops.serving.records import Deployment

__all__ = ["LabelIntake", "Labels"]


@dataclass(frozen=True, slots=True)
class LabelIntake:
    """What became of labels that arrived.

    Attributes
    ----------
    deployment, key : str
        Whose they are, and the column by which they meet their rows.
    rows : int
        How many arrived.
    new : int
        Of keys that had no label.
    same : int
        That were known already, as they are.
    conflicting : int
        Of keys that had another label: the new one holds, the old one is kept.
    twice : int
        Of keys that come again in this arrival.
    matched, unknown : int
        Of keys that were captured, and of keys that were not, or not yet.
    late : int
        Of keys whose rows are so old that no window of a monitor has them any more.
    examples : tuple of str
        Some keys that are in conflict or unknown.
    """

    deployment: str
    key: str
    rows: int
    new: int
    same: int
    conflicting: int
    twice: int
    matched: int
    unknown: int
    late: int = 0
    examples: tuple[str, ...] = ()


class Labels:
    """Labels of deployments.

    Parameters
    ----------
    captured : Captured
        What was captured.
    clock : Clock
        Tells when they arrive.
    """

    def __init__(self, captured: Captured, clock: Clock) -> None:
        self._captured = captured
        self._clock = clock

    def add(
        self,
        deployment: Deployment,
        table: pa.Table,
        *,
        key: str = ID,
        label: str | None = None,
        at: str | None = None,
        late: datetime | None = None,
    ) -> LabelIntake:
        """Take labels in.

        Parameters
        ----------
        deployment : Deployment
            Whose they are.
        table : pyarrow.Table
            The labels, with their keys.
        key : str
            The column that says of which row each is: an input of the model of that name, or ``_id``.
        label : str, optional
            The column with the labels; by default ``label``, or the only one besides.
        at : str, optional
            The column that says when each was known; by default when it arrives.
        late : datetime, optional
            A label of a row that was asked before comes late.

        Raises
        ------
        InvalidError
            When a column is missing or has nulls for keys.
        """
        import polars as pl

        chosen = _chosen(table.column_names, key, label, at)
        arriving = self._arriving(deployment, table, key, chosen, at)
        known = (
            self._captured.labels(deployment.name)
            .filter(pl.col("by") == key)
            .select("key", pl.col("label").alias("known"))
        )
        old = known.collect()
        keys = self._keys(deployment.name, key)
        past = keys.filter(pl.col("asked") < late) if late else keys.clear()
        behind = arriving.unique("key").join(past, on="key", how="semi").height
        return replace(self._taken(deployment.name, arriving, old, keys), key=key, late=behind)

    def _taken(self, name: str, arriving: pl.DataFrame, old: pl.DataFrame, keys: pl.DataFrame) -> LabelIntake:
        """Keep what is new of what arrives, and count it against what is known and what was captured."""
        import polars as pl

        sort = arriving.with_columns(pl.col("label").cast(pl.String).alias("told"))
        distinct = sort.unique(["key", "told"], maintain_order=True)
        twice = arriving.height - distinct.height
        joined = distinct.join(old.with_columns(pl.col("known").cast(pl.String)), on="key", how="left")
        self_conflict = distinct.height - distinct.select("key").n_unique()
        changes = pl.col("known").is_null() | (pl.col("known") != pl.col("told"))
        same = joined.filter(pl.col("known") == pl.col("told")).height
        changed = joined.filter(pl.col("known").is_not_null() & (pl.col("known") != pl.col("told")))
        unknown = arriving.join(keys, on="key", how="anti").unique("key", maintain_order=True)
        # All that arrived of a key that changes, in its order: what holds at the end may be what was known before.
        self._keep(name, arriving.join(joined.filter(changes), on="key", how="semi"))
        examples = tuple(changed["key"].head(3).to_list() + unknown["key"].head(3).to_list())
        matched = arriving.select("key").n_unique() - unknown.height
        new = distinct.join(old, on="key", how="anti").select("key").n_unique()
        counts = arriving.height, new, same, changed.height + self_conflict, twice, matched, unknown.height
        return LabelIntake(name, ID, *counts, examples=examples)

    def _arriving(self, deployment: Deployment, table: pa.Table, key: str, label: str, at: str | None) -> pl.DataFrame:
        import polars as pl

        frame = pl.DataFrame(table.select(list(dict.fromkeys([key, label, *([at] if at else [])]))))
        if frame[key].null_count():
            raise InvalidError(
                f"{frame[key].null_count():,} labels have no {key}",
                hint="leave rows without a key out: nothing meets them",
            )
        keys = self._as_captured(deployment.name, frame[key], key).cast(pl.String)
        if deployment.personal.get(key) == "hash":
            keys = pl.Series(hashed(keys.to_list(), hash_key(self._captured.root)))
        moment = pl.Datetime("us", "UTC")
        arrived = pl.lit(microseconds(self._clock.now())).cast(moment)
        return pl.DataFrame({"key": keys, "label": frame[label], "at": frame[at] if at else None}).select(
            pl.lit(key).alias("by"),
            "key",
            "label",
            (pl.col("at").cast(moment) if at else arrived).alias("at"),
            arrived.alias("arrived_at"),
        )

    def _as_captured(self, name: str, keys: pl.Series, key: str) -> pl.Series:
        """Keys of the type of their column where they fit: 17 and 17.0 are one number."""
        kind = self._captured.rows(name).collect_schema().get(key_column(key))
        if kind is None or kind == keys.dtype or not (kind.is_numeric() and keys.dtype.is_numeric()):
            return keys
        fitting = keys.cast(kind, strict=False)
        return fitting if fitting.null_count() == 0 and bool((fitting.cast(keys.dtype) == keys).all()) else keys

    def _keep(self, deployment: str, arriving: pl.DataFrame) -> None:
        if arriving.is_empty():
            return
        folder = self._captured.place(deployment).labels
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{secrets.token_hex(8)}.part"
        arriving.write_parquet(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(folder / f"{microseconds(self._clock.now()):016d}-{secrets.token_hex(4)}.parquet")

    def _keys(self, deployment: str, key: str) -> pl.DataFrame:
        import polars as pl

        rows = self._captured.rows(deployment)
        column = key_column(key)
        if column not in rows.collect_schema().names():
            return pl.DataFrame(schema={"key": pl.String, "asked": pl.Datetime("us", "UTC")})
        keyed = rows.select(pl.col(column).cast(pl.String).alias("key"), "_at")
        return keyed.group_by("key").agg(pl.col("_at").max().alias("asked")).collect()


def _chosen(columns: list[str], key: str, label: str | None, at: str | None) -> str:
    others = [name for name in columns if name not in {key, at}]
    chosen = label or ("label" if "label" in others else others[0] if len(others) == 1 else None)
    if chosen is None:
        raise InvalidError("it is not said which column holds the labels", hint=f"--label {' or '.join(others[:3])}")
    if missing := [name for name in (key, chosen, at) if name and name not in columns]:
        raise InvalidError(f"the labels have no column {missing[0]}", hint=f"they have {', '.join(columns[:10])}")
    return chosen
