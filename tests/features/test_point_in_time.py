"""The point-in-time join against a brute force in plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.features.buckets import Side, Size, joined_in_buckets
from nbmlops.features.joining import Wanted, keyed, looked_up
from nbmlops.features.shaping import shaped

START = datetime(2024, 3, 30, 22, tzinfo=UTC)  # the night in which Europe's clocks go forward
ZONES = {"UTC": UTC, "Europe/Berlin": timezone(timedelta(hours=1)), "America/New_York": timezone(timedelta(hours=-4))}

keys = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 2))
moments = st.integers(0, 12)
values = st.one_of(st.none(), st.floats(-5, 5))
view_rows = st.lists(st.tuples(keys, moments, values, st.integers(0, 3)), max_size=25)
spine_rows = st.lists(st.tuples(keys, moments), min_size=1, max_size=20)
ttls = st.one_of(st.none(), st.integers(0, 8))


def at(moment: int) -> datetime:
    return START + timedelta(minutes=20 * moment)


def expected(spine: list[Any], view: list[Any], ttl: int | None) -> list[float | None]:
    """For each row of the spine: of all rows of its key that are not later and not too old, the newest, made last."""
    found: list[float | None] = []
    for key, event in spine:
        fit = [row for row in view if row[0] == key and row[1] <= event and (ttl is None or row[1] >= event - ttl)]
        best = max(fit, key=lambda row: (row[1], row[3]), default=None)
        found.append(None if best is None else best[2])
    return found


def tables(spine: list[Any], view: list[Any], zone: str | None, unit: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    times = pl.Datetime(unit, zone)  # type: ignore[arg-type]

    def column(moments: list[int]) -> pl.Series:
        utc = pl.Series([at(one) for one in moments], dtype=pl.Datetime("us", "UTC"))
        return utc.dt.convert_time_zone(zone).cast(times) if zone else utc.dt.replace_time_zone(None).cast(times)

    def keyed_by(rows: list[Any]) -> dict[str, Any]:
        return {
            "carrier": pl.Series([row[0][0] for row in rows], dtype=pl.String),
            "gate": pl.Series([row[0][1] for row in rows], dtype=pl.Int64),
        }

    left = pl.DataFrame({**keyed_by(spine), "event": column([row[1] for row in spine])})
    right = pl.DataFrame(
        {
            **keyed_by(view),
            "time": column([row[1] for row in view]),
            "value": pl.Series([row[2] for row in view], dtype=pl.Float64),
        }
    )
    return left, right


def distinct(view: list[Any]) -> list[Any]:
    """One row of each key, moment and time of making; of the same moment the one made last is what holds."""
    return list({(row[0], row[1], row[3]): row for row in view}.values())


@settings(max_examples=1_000, deadline=None)
@given(
    spine_rows,
    view_rows.map(distinct),
    ttls,
    st.sampled_from([None, *ZONES]),
    st.sampled_from(["ms", "us", "ns"]),
    st.randoms(use_true_random=False),
)
def test_a_join_gives_what_a_brute_force_gives(
    spine: list[Any], view: list[Any], ttl: int | None, zone: str | None, unit: str, random: Any
) -> None:
    random.shuffle(view)  # what comes late lies behind what came first
    left, right = tables(spine, view, zone, "us")
    right = right.with_columns(right["time"].dt.cast_time_unit(unit))  # type: ignore[arg-type]
    # Made long before, in the order of the fourth number: of the same moment, the one made last holds.
    made = pl.Series(
        [START - timedelta(days=9) + timedelta(hours=row[3]) for row in view], dtype=pl.Datetime("us", "UTC")
    )
    right = right.with_columns((made if zone else made.dt.replace_time_zone(None)).alias("created"))
    table = shaped(right, "view", ["carrier", "gate"], "time")
    span = None if ttl is None else timedelta(minutes=20 * ttl)
    wanted = Wanted("view@v1", ("carrier", "gate"), "time", span, {"value": "value"})
    found = looked_up(keyed(left, "event", wanted.entities, "spine"), table, wanted, "spine")
    assert found["value"].to_list() == expected(spine, view, ttl)


@settings(max_examples=100, deadline=None)
@given(spine_rows, view_rows.map(distinct), ttls, st.integers(1, 5), st.integers(1, 4))
def test_by_way_of_the_disk_a_join_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    spine: list[Any],
    view: list[Any],
    ttl: int | None,
    count: int,
    at_once: int,
) -> None:
    left, right = tables(spine, view, "UTC", "us")
    right = shaped(right.unique(["carrier", "gate", "time"], keep="first"), "view", ["carrier", "gate"], "time")
    span = None if ttl is None else timedelta(minutes=20 * ttl)
    wanted = Wanted("view@v1", ("carrier", "gate"), "time", span, {"value": "value"})
    whole = looked_up(keyed(left, "event", wanted.entities, "spine"), right, wanted, "spine")
    parts = [right.slice(place, at_once) for place in range(0, max(right.height, 1), at_once)]
    folder = tmp_path_factory.mktemp("buckets")
    size = Size(count, at_once)
    made = list(
        joined_in_buckets(
            lambda: left.iter_slices(size.at_once), "event", "spine", [Side(wanted, lambda: iter(parts))], folder, size
        )
    )
    assert pl.concat(made)["value"].to_list() == whole["value"].to_list()


def one(event: Any, time: Any, **more: Any) -> tuple[pl.DataFrame, pl.DataFrame, Wanted]:
    left = pl.DataFrame({"carrier": ["UA"], "event": [event]})
    right = pl.DataFrame({"carrier": ["UA"], "time": [time], "value": [1.0], **more})
    return left, right, Wanted("view@v1", ("carrier",), "time", None, {"value": "value"})


def test_a_time_with_a_zone_and_one_without_are_not_compared() -> None:
    left, right, wanted = one(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 1))
    with pytest.raises(InvalidError, match=r"the times of spine have a zone and those of view@v1 have none"):
        looked_up(keyed(left, "event", ["carrier"], "spine"), right, wanted, "spine")
    left, right, wanted = one(datetime(2024, 1, 2), datetime(2024, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidError, match=r"the times of view@v1 have a zone and those of spine have none"):
        looked_up(keyed(left, "event", ["carrier"], "spine"), right, wanted, "spine")


def test_times_are_compared_to_the_nanosecond() -> None:
    left, right, wanted = one(datetime(2024, 1, 1), datetime(2024, 1, 1))
    later = right.with_columns(pl.col("time").dt.cast_time_unit("ns") + pl.duration(nanoseconds=1))
    keys = keyed(left, "event", ["carrier"], "spine")
    assert looked_up(keys, right, wanted, "spine")["value"].to_list() == [1.0]
    assert looked_up(keys, later, wanted, "spine")["value"].to_list() == [None]


def test_times_that_nanoseconds_do_not_reach_are_refused_where_they_would_be_needed() -> None:
    left, right, wanted = one(datetime(2400, 1, 1), datetime(2024, 1, 1))
    exact = right.with_columns(pl.col("time").dt.cast_time_unit("ns"))
    keys = keyed(left, "event", ["carrier"], "spine")
    assert looked_up(keys, right, wanted, "spine")["value"].to_list() == [1.0]
    with pytest.raises(InvalidError, match="times from 2400 to 2400, which nanoseconds do not reach"):
        looked_up(keys, exact, wanted, "spine")


def test_a_missing_event_time_is_an_error_with_its_row() -> None:
    left = pl.DataFrame({"carrier": ["AA", "UA"], "event": [datetime(2024, 1, 1), None]})
    with pytest.raises(InvalidError, match=r"1 rows of spine have no event(.|\n)*row=2, carrier=UA"):
        keyed(left, "event", ["carrier"], "spine")


def test_what_was_made_only_after_the_event_is_a_leak_and_refused_with_its_row() -> None:
    left, right, wanted = one(datetime(2024, 1, 2), datetime(2024, 1, 1), created=[datetime(2024, 1, 3)])
    with pytest.raises(
        RefusedError, match=r"1 rows of spine(.|\n)*row=1, carrier=UA, event=2024-01-02(.|\n)*created=2024-01-03"
    ):
        looked_up(keyed(left, "event", ["carrier"], "spine"), right, wanted, "spine")


def test_a_missing_key_finds_nothing() -> None:
    left = pl.DataFrame(
        {"carrier": [None, "UA"], "event": [datetime(2024, 1, 1)] * 2}, schema_overrides={"carrier": pl.String}
    )
    _, right, wanted = one(datetime(2024, 1, 1), datetime(2024, 1, 1))
    assert looked_up(keyed(left, "event", ["carrier"], "spine"), right, wanted, "spine")["value"].to_list() == [
        None,
        1.0,
    ]


def test_whole_numbers_of_other_widths_and_categories_are_the_same_keys() -> None:
    left = pl.DataFrame({"gate": [1, 2], "event": [datetime(2024, 1, 1)] * 2}, schema_overrides={"gate": pl.Int16})
    right = pl.DataFrame({"gate": [1, 2], "time": [datetime(2024, 1, 1)] * 2, "value": [1.0, 2.0]})
    wanted = Wanted("view@v1", ("gate",), "time", None, {"value": "value"})
    assert looked_up(keyed(left, "event", ["gate"], "s"), right, wanted, "s")["value"].to_list() == [1.0, 2.0]
    left, right, wanted = one(datetime(2024, 1, 1), datetime(2024, 1, 1))
    left = left.with_columns(pl.col("carrier").cast(pl.Categorical))
    assert looked_up(keyed(left, "event", ["carrier"], "s"), right, wanted, "s")["value"].to_list() == [1.0]


def test_keys_of_other_types_are_refused() -> None:
    left, right, wanted = one(datetime(2024, 1, 1), datetime(2024, 1, 1))
    right = right.with_columns(pl.lit(1).alias("carrier"))
    with pytest.raises(InvalidError, match=r"carrier is String in spine and Int.. in view@v1"):
        looked_up(keyed(left, "event", ["carrier"], "spine"), right, wanted, "spine")


def test_buckets_keep_rows_in_their_order_over_many_ranges(tmp_path: Path) -> None:
    rows = 264_000
    number = pl.int_range(rows, eager=True)
    left = pl.DataFrame({"gate": number % 997, "event": number.cast(pl.Datetime("us"))})
    gates = pl.int_range(0, 997, 2, eager=True)  # every other gate is known
    right = pl.DataFrame({"gate": gates, "time": pl.Series([0] * len(gates)).cast(pl.Datetime("us")), "value": gates})
    wanted = Wanted("view@v1", ("gate",), "time", None, {"value": "value"})
    size = Size(7, 100_000)
    side = Side(wanted, lambda: iter([right]))
    made = pl.concat(joined_in_buckets(lambda: left.iter_slices(size.at_once), "event", "s", [side], tmp_path, size))
    assert made.height == rows
    assert made["event"].equals(left["event"])
    assert made.filter(pl.col("gate") % 2 == 0).select((pl.col("value") == pl.col("gate")).all()).item()
    assert (
        made.filter(pl.col("gate") % 2 == 1)["value"].null_count() == rows - made.filter(pl.col("gate") % 2 == 0).height
    )
