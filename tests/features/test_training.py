"""A training set: each row of a spine with what was known at its time, kept with where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError
from nbmlops.features.tables import computed_of
from nbmlops.workspace import Workspace
from tests.features.conftest import flights
from tests.features.test_defining import SAID, carrier_delay, corrected, homes, rolled, speed


@pytest.fixture
def defined(saved: Workspace) -> Workspace:
    saved.feature.define(carrier_delay, **SAID)
    saved.feature.define(speed, on_demand=True)
    saved.feature.service("inputs", ["carrier_delay", "speed"])
    return saved


def oracle(spine: pd.DataFrame) -> list[float]:
    """The newest delay of the carrier within seven days up to each row, by looking at all rows."""
    table = rolled(flights(), "7D")
    found = []
    for row in spine.itertuples():
        fit = table[(table.carrier == row.carrier) & (table.dep_time <= row.dep_time)]
        fit = fit[fit.dep_time >= row.dep_time - pd.Timedelta(days=7)]
        found.append(fit.sort_values("dep_time").mean_delay_7d.iloc[-1] if len(fit) else float("nan"))
    return found


def test_a_training_set_is_the_spine_with_what_was_known(defined: Workspace) -> None:
    spine = flights(50, seed=1)[["dep_delay", "carrier", "dep_time", "distance", "air_time"]]
    made = defined.feature.training(spine, "inputs", label="dep_delay")
    frame = defined.data.load(made.ref)
    assert made.name == "training.inputs"
    assert list(frame.columns) == [*spine.columns, "mean_delay_7d", "speed"]
    assert frame.mean_delay_7d.tolist() == pytest.approx(oracle(spine), nan_ok=True)
    assert frame.speed.tolist() == (spine.distance / spine.air_time * 60).tolist()
    assert frame.dep_delay.tolist() == spine.dep_delay.tolist()
    assert made.tags["label"] == "dep_delay"
    assert made.tags["features"] == "carrier_delay@v1, speed@v1"
    assert made.tags["service"] == "inputs@v1"


def test_it_is_the_same_from_a_reference_a_file_another_library_and_by_way_of_the_disk(
    defined: Workspace, tmp_path: Path
) -> None:
    spine = flights(50, seed=1)
    spine.to_parquet(tmp_path / "spine.parquet")
    defined.data.save(spine, "spine")
    ways: list[Any] = [spine, pl.from_pandas(spine), tmp_path / "spine.parquet", "spine"]
    digests = {defined.feature.training(way, "inputs", name="t").digest for way in ways}
    digests |= {defined.feature.training(way, "inputs", name="t", memory=0.001).digest for way in ways}
    assert len(digests) == 1
    assert not list((tmp_path / ".nbmlops" / "scratch").glob("training-*"))


def test_lineage_leads_to_the_spine_the_views_and_their_sources(defined: Workspace) -> None:
    defined.data.save(flights(50, seed=1), "spine")
    made = defined.feature.training("spine", "inputs")
    nodes = {node.label for node in defined.lineage(made.ref, direction="upstream").nodes}
    views = {"carrier_delay@v1", "speed@v1", "inputs@v1"}
    assert {"spine@v1", "flights@v1", "feature.carrier_delay@v1", *views} <= nodes
    below = {node.label for node in defined.lineage("carrier_delay", kind="feature").nodes}
    assert made.ref in below


def test_a_table_is_computed_once_for_the_same_code_and_the_same_sources(defined: Workspace) -> None:
    table = defined.feature.table("carrier_delay")
    (told,) = computed_of(table)
    assert (told.view, told.sources) == ("carrier_delay@v1", ("flights@v1",))
    again = defined.feature.compute("carrier_delay")
    assert again.ref == table.ref
    assert again.tags == table.tags
    defined.feature.define(carrier_delay, **SAID, owner="another")  # no other code
    assert defined.feature.table("carrier_delay@v2").tags == table.tags
    defined.data.save(flights(500), "flights")
    assert defined.feature.table("carrier_delay").ref == "feature.carrier_delay@v2"
    defined.feature.compute("carrier_delay", again=True)
    assert defined.data.show("feature.carrier_delay").number == 2


def test_features_are_called_by_their_names_and_by_their_views_where_that_would_be_there_twice(
    defined: Workspace,
) -> None:
    defined.feature.define(carrier_delay, "other_delay", **SAID)
    made = defined.feature.training(flights(9), ["carrier_delay", "other_delay:mean_delay_7d"], name="t")
    assert [column.name for column in made.columns][-2:] == [
        "carrier_delay__mean_delay_7d",
        "other_delay__mean_delay_7d",
    ]
    defined.feature.define(carrier_delay, **SAID, owner="another")
    with pytest.raises(InvalidError, match="two columns would be called"):
        defined.feature.training(flights(9), ["carrier_delay@v1", "carrier_delay@v2"])


def test_an_on_demand_feature_may_take_what_a_view_gives(defined: Workspace) -> None:
    def doubled(delay: Any) -> Any:
        return delay * 2

    defined.feature.define(doubled, inputs="carrier_delay:mean_delay_7d")
    spine = flights(30, seed=1)
    frame = defined.data.load(defined.feature.training(spine, ["doubled"], name="t").ref)
    assert list(frame.columns) == [*spine.columns, "doubled"]
    assert frame.doubled.tolist() == pytest.approx([2 * each for each in oracle(spine)], nan_ok=True)


def test_an_on_demand_feature_that_mixes_rows_is_refused(defined: Workspace) -> None:
    def centred(distance: Any) -> Any:
        return distance - distance.mean()

    defined.feature.define(centred, on_demand=True)
    with pytest.raises(InvalidError, match="centred mixes rows: centred of row 1 is"):
        defined.feature.training(flights(30), ["centred"], name="t")


def test_what_was_made_after_its_event_is_refused_with_the_rows(saved: Workspace) -> None:
    saved.feature.define(corrected, **SAID)
    spine = flights()[["carrier", "dep_time"]]
    with pytest.raises(RefusedError, match=r"400 rows of the spine(.|\n)*row=1, carrier=\w\w, event=2024-01-01"):
        saved.feature.training(spine, ["corrected"])


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        ({}, {"time": "nope"}, "has no column 'nope'"),
        ({"at": pd.Timestamp("2024-01-01", tz="UTC")}, {}, "has 2 columns of times: dep_time, at"),
        ({}, {"label": "nope"}, "has no column 'nope'"),
        ({}, {"label": "carrier"}, "the label carrier is an entity"),
        ({}, {"label": "distance"}, "the label distance is an entity, the time or an input"),
        ({"carrier": None}, {"time": "dep_time"}, None),
    ],
)
def test_a_spine_must_have_what_is_asked_of_it(
    defined: Workspace, change: dict[str, Any], asked: dict[str, Any], said: str | None
) -> None:
    spine = flights(9).assign(**change)
    if said is None:
        spine["carrier"] = spine.carrier.astype("string")
        frame = defined.data.load(defined.feature.training(spine, "inputs", **asked).ref)
        assert frame.mean_delay_7d.isna().all()
        return
    with pytest.raises(InvalidError, match=said):
        defined.feature.training(spine, "inputs", **asked)


def test_missing_columns_times_and_features_are_named(defined: Workspace) -> None:
    spine = flights(9)
    timeless = spine.assign(dep_time=pd.Series(pd.NaT, index=spine.index, dtype=spine.dep_time.dtype))
    with pytest.raises(InvalidError, match="has no column 'carrier', an entity of carrier_delay@v1"):
        defined.feature.training(spine.drop(columns="carrier"), "carrier_delay")
    with pytest.raises(InvalidError, match="has no column 'distance', an input of speed@v1"):
        defined.feature.training(spine.drop(columns="distance"), "speed")
    with pytest.raises(InvalidError, match="has no column of times"):
        defined.feature.training(spine.drop(columns="dep_time"), "carrier_delay")
    with pytest.raises(InvalidError, match=r"9 rows of the spine have no dep_time"):
        defined.feature.training(timeless, "carrier_delay")
    with pytest.raises(InvalidError, match="have none, so they cannot be compared"):
        defined.feature.training(spine.assign(dep_time=spine.dep_time.dt.tz_localize(None)), "carrier_delay")
    with pytest.raises(NotFoundError, match="has no feature 'mean_delay_8d'"):
        defined.feature.training(spine, "carrier_delay:mean_delay_8d")
    with pytest.raises(InvalidError, match="needs features"):
        defined.feature.training(spine, [])
    with pytest.raises(InvalidError, match="int is no table"):
        defined.feature.training(3, "inputs")
    with pytest.raises(NotFoundError, match=r"there is no file spine\.parquet"):
        defined.feature.training(Path("spine.parquet"), "inputs")
    assert not [version.name for version in defined.data.list() if version.name.startswith("training.")]


def test_a_source_that_gives_other_features_now_is_refused(saved: Workspace) -> None:
    def whole(flights: pd.DataFrame) -> pd.DataFrame:
        return flights.drop(columns=["distance"])

    saved.feature.define(whole, **SAID)
    saved.data.save(flights().assign(gate=1), "flights")
    with pytest.raises(InvalidError, match="gave the features dep_delay, air_time, gate, and is defined with"):
        saved.feature.compute("whole")


def test_usage_tells_who_uses_a_feature_and_which_nobody_does(defined: Workspace) -> None:
    feature = defined.feature
    feature.define(homes, entity="carrier", from_="flights")
    made = feature.training(flights(200, seed=1), "inputs", label="dep_delay")
    frame = defined.data.load(made.ref).dropna()
    model = LinearRegression().fit(frame[["mean_delay_7d", "speed"]], frame.dep_delay)
    defined.model.save(model, "delay", example=frame[["mean_delay_7d", "speed"]])
    defined.check.importance("delay", frame, "dep_delay")
    used = {one.ref: one for one in feature.usage()}
    assert used["homes@v1"].dead
    assert [one.ref for one in feature.usage(dead=True)] == ["homes@v1"]
    told = used["carrier_delay@v1"]
    assert (told.services, told.training, told.models) == (("inputs",), (made.ref,), ("delay@v1",))
    assert told.seconds is not None
    assert told.seconds > 0
    assert (told.stale, told.production, told.drift) == (False, (), {})
    assert set(told.importance) == {"mean_delay_7d"}
    assert not told.dead
    defined.data.save(flights(500).assign(dep_delay=lambda rows: rows.dep_delay + 100), "flights")
    assert feature.usage("carrier_delay")[0].stale
    feature.compute("carrier_delay")
    (told,) = feature.usage("carrier_delay")
    assert not told.stale
    assert set(told.drift) == {"mean_delay_7d"}
    with pytest.raises(NotFoundError, match="inputs@v1 is a service"):
        feature.usage("inputs")


def test_what_a_model_in_production_uses_is_neither_retired_nor_deleted_nor_renamed(defined: Workspace) -> None:
    made = defined.feature.training(flights(200, seed=1), "inputs")
    frame = defined.data.load(made.ref).dropna()
    defined.model.save(LinearRegression().fit(frame[["mean_delay_7d"]], frame.dep_delay), "delay")
    defined.model.promote("delay")
    for verb in (defined.feature.retire, defined.feature.delete, lambda name: defined.feature.rename(name, "x")):
        with pytest.raises(RefusedError, match="model delay@v1, which is production, uses it"):
            verb("carrier_delay")
    with pytest.raises(RefusedError, match="uses it"):
        defined.feature.retire("inputs")
