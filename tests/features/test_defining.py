"""A feature is a plain function: captured, tried, versioned; what would not be the same elsewhere is refused."""

from __future__ import annotations

import functools
import random
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import ConflictError, CorruptError, InvalidError, NotFoundError, RefusedError
from nbmlops.features.capturing import captured, code_digest, rebuilt
from nbmlops.features.definition import Definition, ServiceDefinition, document_of
from nbmlops.workspace import Workspace
from tests.features.conftest import flights

WINDOW = "7D"
KEPT = {"carrier": ["AA"], "limit": 3}
BIG = pd.DataFrame({"a": [1]})


def rolled(flights: pd.DataFrame, window: str) -> pd.DataFrame:
    by = flights.sort_values("dep_time").set_index("dep_time").groupby("carrier").dep_delay
    return by.rolling(window, closed="left").mean().rename("mean_delay_7d").reset_index()


def carrier_delay(flights: pd.DataFrame) -> pd.DataFrame:
    """Mean delay of the carrier in the last seven days."""
    return rolled(flights, WINDOW)


def speed(distance: Any, air_time: Any) -> Any:
    """Miles per hour."""
    return distance / air_time * 60


SAID: dict[str, Any] = {"entity": "carrier", "from_": "flights", "time": "dep_time", "ttl": "7d"}


def test_a_view_is_what_its_function_says(saved: Workspace) -> None:
    made = saved.feature.define(carrier_delay, **SAID, owner="delays", tags={"team": "ops"})
    said = made.view
    assert (made.ref, made.kind, said.entities, said.sources) == (
        "carrier_delay@v1",
        "view",
        ("carrier",),
        ("flights",),
    )
    assert said.features == (("mean_delay_7d", "double"),)
    assert said.ttl == timedelta(days=7)
    assert (said.description, said.owner) == ("Mean delay of the carrier in the last seven days.", "delays")
    assert document_of(said.document()) == said
    assert saved.feature.show("carrier_delay").view == said


def test_what_a_function_needs_comes_along_and_runs_in_an_empty_process(saved: Workspace, tmp_path: Path) -> None:
    said = saved.feature.define(carrier_delay, **SAID).view
    assert "WINDOW = '7D'" in said.source
    assert "def rolled(" in said.source
    assert "import pandas as pd" in said.source
    saved.data.load("flights", to=tmp_path / "flights.parquet")
    (tmp_path / "alone.py").write_text(
        f"{said.source}\nimport sys\nprint(len({said.function}(pd.read_parquet(sys.argv[1]))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "alone.py"), str(tmp_path / "flights.parquet")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == len(flights())


def test_the_same_again_is_the_same_version_and_comments_are_no_code(saved: Workspace) -> None:
    first = saved.feature.define(carrier_delay, **SAID)
    assert saved.feature.define(carrier_delay, **SAID).ref == first.ref
    assert saved.feature.define(carrier_delay, **{**SAID, "ttl": "8d"}).ref == "carrier_delay@v2"
    assert code_digest("def f(x):\n    'says'\n    return x  # this\n") == code_digest("def f(x): return (x)")
    assert code_digest("def f(x): return x + 1") != code_digest("def f(x): return x + 2")


def test_functions_and_constants_of_a_module_come_along_from_wherever_they_are() -> None:
    def inner() -> Any:
        return KEPT, np.float64(1.0)

    taken = captured(inner)
    assert rebuilt(taken.source, taken.name)() == (KEPT, 1.0)


def looks_at_a_table(flights: pd.DataFrame) -> pd.DataFrame:
    return flights.merge(BIG)


@functools.cache
def decorated(flights: pd.DataFrame) -> pd.DataFrame:
    return flights


def names_nothing(flights: pd.DataFrame) -> pd.DataFrame:
    return nowhere(flights)  # type: ignore[name-defined,no-any-return]  # noqa: F821


def takes_all(*tables: pd.DataFrame) -> pd.DataFrame:
    return tables[0]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda flights: flights, "cannot be a lambda"),
        (looks_at_a_table, "leans on BIG, a DataFrame"),
        (names_nothing, "names nowhere, which is not defined"),
        (takes_all, r"takes \*tables"),
        (decorated, "plain function, not a"),
        (len, "plain function, not a builtin"),
    ],
)
def test_what_would_not_run_elsewhere_is_refused(saved: Workspace, function: Any, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        saved.feature.define(function, "view", **SAID)
    assert saved.feature.list() == []


def test_a_closure_is_refused_by_the_names_that_it_closes_over(saved: Workspace) -> None:
    window = "7D"

    def closed(flights: pd.DataFrame) -> pd.DataFrame:
        return rolled(flights, window)

    with pytest.raises(InvalidError, match="closed closes over window"):
        saved.feature.define(closed, **SAID)


def changes(flights: pd.DataFrame) -> pd.DataFrame:
    flights["late"] = flights.dep_delay > 15
    return flights[["carrier", "dep_time", "late"]]


def reads_the_clock(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]].assign(age=(pd.Timestamp.now(tz="UTC") - flights.dep_time).dt.days)


def reads_another_clock(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]].assign(age=time.time())


def reads_the_day(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]].assign(age=datetime.today().day)  # noqa: DTZ002


def draws(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]].assign(luck=np.random.normal(size=len(flights)))  # noqa: NPY002


def draws_hidden(flights: pd.DataFrame) -> pd.DataFrame:
    draw = getattr(random, "random")  # noqa: B009
    return flights[["carrier", "dep_time"]].assign(luck=[draw() for _ in range(len(flights))])


def draws_rows(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time", "dep_delay"]].sample(10)


def invents(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time", "dep_delay"]].assign(carrier=lambda rows: rows.carrier + "!")


def without_entity(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["dep_time", "dep_delay"]]


def without_time(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_delay"]]


def without_features(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]]


def twice(flights: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([flights, flights])[["carrier", "dep_time", "dep_delay"]]


def infinite(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]].assign(ratio=flights.distance / (flights.distance - flights.distance))


def mixed(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time"]].assign(kind=["a", 1] * (len(flights) // 2))


def of_zones(flights: pd.DataFrame) -> pd.DataFrame:
    times = [when.tz_localize(None) if place % 2 else when for place, when in enumerate(flights.dep_time)]
    return flights[["carrier", "dep_delay"]].assign(dep_time=times)


def of_words(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_delay"]].assign(dep_time=flights.dep_time.astype(str))


def without_keys(flights: pd.DataFrame) -> pd.DataFrame:
    rows = flights[["carrier", "dep_time", "dep_delay"]]
    return rows.assign(carrier=rows.carrier.where(rows.carrier != "AA"))


def looks_ahead(flights: pd.DataFrame) -> pd.DataFrame:
    mean = flights.groupby("carrier").dep_delay.transform("mean")
    return flights[["carrier", "dep_time"]].assign(mean=mean)


def breaks(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[["carrier", "dep_time", "no_such_column"]]


def gives_a_number(flights: pd.DataFrame) -> int:
    return len(flights)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (changes, "changes changes its input flights: it adds late"),
        (reads_the_clock, "reads_the_clock reads the clock in line"),
        (reads_another_clock, r"reads the clock in line \d+, time.time"),
        (reads_the_day, r"reads the clock in line \d+, datetime.today"),
        (draws, r"draws at random in line \d+, np.random.normal"),
        (draws_rows, "draws_rows draws at random"),
        (draws_hidden, r"gives something else the second time:\n  carrier="),
        (invents, r"gave 3 values of carrier that are not in its sources:\n  carrier=\w\w!"),
        (without_entity, "gave no column 'carrier', its entity"),
        (without_time, "gave no column 'dep_time', its time"),
        (without_features, "gave no column besides carrier, dep_time"),
        (twice, r"gave 400 rows of the same carrier, dep_time as another:\n  carrier=AA, dep_time="),
        (infinite, r"ratio holds \d+ infinite values:\n  carrier="),
        (mixed, "kind"),
        (of_zones, "holds times with a zone and times without"),
        (of_words, "dep_time holds String, not times"),
        (without_keys, r"gave \d+ rows without carrier:"),
        (looks_ahead, r"looks into the future: without what came after 2024"),
        (breaks, r"breaks failed in line \d+: KeyError"),
        (gives_a_number, "gave int, not a table"),
    ],
)
def test_a_function_that_cannot_be_a_feature_is_refused_with_its_rows(
    saved: Workspace, function: Any, said: str
) -> None:
    with pytest.raises(InvalidError, match=said) as error:
        saved.feature.define(function, **SAID)
    assert error.value.hint
    assert saved.feature.list() == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"entity": ()}, "has no entity"),
        ({"entity": "carrier,carrier"}, "names an entity twice"),
        ({"from_": ()}, r"takes 1 tables \(flights\), and 0 sources"),
        ({"ttl": "soon"}, "'soon' is no span of time"),
        ({"time": None}, "has a ttl and no time"),
        ({"inputs": "a"}, "has no entity"),
    ],
)
def test_what_is_said_of_a_view_must_fit(saved: Workspace, more: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        saved.feature.define(carrier_delay, **{**SAID, **more})


def test_a_source_that_is_not_there_or_no_table_is_named(saved: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="flihgts"):
        saved.feature.define(carrier_delay, **{**SAID, "from_": "flihgts"})
    (tmp_path / "note.txt").write_text("x")
    saved.data.save(tmp_path / "note.txt", "note")
    with pytest.raises(InvalidError, match="note@v1 is no table"):
        saved.feature.define(carrier_delay, **{**SAID, "from_": "note"})


def corrected(flights: pd.DataFrame) -> pd.DataFrame:
    first = flights[["carrier", "dep_time", "dep_delay"]].assign(created=flights.dep_time)
    second = first.assign(dep_delay=0.0, created=first.created + pd.Timedelta(hours=1))
    return pd.concat([second, first])


def test_of_the_same_time_the_row_that_was_made_last_holds(saved: Workspace) -> None:
    saved.feature.define(corrected, **SAID)
    table = saved.data.load(saved.feature.table("corrected").ref)
    assert len(table) == len(flights())
    assert (table.dep_delay == 0.0).all()
    assert saved.feature.show("corrected").view.columns == ("dep_delay",)


def homes(flights: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"carrier": ["AA", "DL", "UA"], "home": ["DFW", "ATL", "ORD"]})


def test_a_view_without_a_time_holds_for_ever(saved: Workspace) -> None:
    saved.feature.define(homes, entity="carrier", from_="flights")
    spine = pd.DataFrame({"carrier": ["UA", "XX"], "at": pd.to_datetime(["1990-01-01", "2090-01-01"])})
    made = saved.data.load(saved.feature.training(spine, ["homes"], name="t").ref)
    assert made.home.tolist()[0] == "ORD"
    assert made.home.isna().tolist() == [False, True]


def test_on_demand_a_function_takes_columns(saved: Workspace) -> None:
    said = saved.feature.define(speed, on_demand=True, inputs="distance,air_time").view
    assert (said.on_demand, said.inputs, said.features) == (True, ("distance", "air_time"), (("speed", "double"),))
    with pytest.raises(InvalidError, match="is computed on the request and has no table"):
        saved.feature.compute("speed")
    with pytest.raises(InvalidError, match="has no ttl"):
        saved.feature.define(speed, on_demand=True, ttl="7d")
    with pytest.raises(InvalidError, match="takes distance, air_time, and its inputs are distance"):
        saved.feature.define(speed, inputs="distance")
    with pytest.raises(NotFoundError, match="flights has no column 'distanse'"):
        saved.feature.define(speed, inputs="distanse,air_time", from_="flights")


def test_the_decorator_defines_and_leaves_the_function_as_it_is(saved: Workspace) -> None:
    @saved.feature(name="speed_of", on_demand=True, inputs="distance,air_time")
    def faster(distance: Any, air_time: Any) -> Any:
        return distance / air_time

    assert faster(6, 3) == 2
    assert "saved.feature" not in saved.feature.show("speed_of").view.source


def test_versions_are_listed_searched_compared_and_renamed(saved: Workspace) -> None:
    feature = saved.feature
    feature.define(carrier_delay, **SAID, owner="delays")
    feature.define(speed, on_demand=True)
    feature.service("inputs", ["carrier_delay:mean_delay_7d", "speed"], description="for the model of delays")
    assert [(row.name, row.kind) for row in feature.list()] == [
        ("carrier_delay", "view"),
        ("inputs", "service"),
        ("speed", "on demand"),
    ]
    assert [row.name for row in feature.search("mean_delay")] == ["carrier_delay", "inputs"]
    assert [row.name for row in feature.search("model delays")] == ["inputs"]
    assert feature.search("nothing like it") == []
    with pytest.raises(InvalidError, match="nothing to look for"):
        feature.search(" ")
    hits = saved.search("mean_delay_7d", noun="feature").hits
    assert {hit.ref for hit in hits} == {"carrier_delay@v1", "inputs@v1"}
    feature.define(carrier_delay, **{**SAID, "ttl": "2d"}, owner="ops")
    found = feature.diff("carrier_delay")
    assert found.changed == (("owner", "delays", "ops"), ("ttl", "1w", "2d"))
    assert not found.code
    assert [one.ref for one in feature.history("carrier_delay")] == ["carrier_delay@v2", "carrier_delay@v1"]
    with pytest.raises(NotFoundError, match="is the first version of speed"):
        feature.diff("speed")
    with pytest.raises(RefusedError, match="the feature service inputs names it"):
        feature.rename("speed", "velocity")
    feature.delete("inputs")
    assert feature.rename("speed", "velocity").ref == "velocity@v1"
    with pytest.raises(ConflictError):
        feature.rename("velocity", "carrier_delay")


def test_code_is_compared_line_by_line(saved: Workspace) -> None:
    saved.feature.define(speed, "pace", on_demand=True)

    def other(distance: Any, air_time: Any) -> Any:
        return distance / air_time

    saved.feature.define(other, "pace", on_demand=True)
    lines = saved.feature.diff("pace").code
    assert any(line.startswith("-") and "* 60" in line for line in lines)


def test_a_view_and_a_service_share_one_space_of_names(saved: Workspace) -> None:
    saved.feature.define(speed, on_demand=True)
    with pytest.raises(InvalidError, match="there is a feature view named speed already"):
        saved.feature.service("speed", ["speed"])
    saved.feature.service("inputs", "speed")
    with pytest.raises(InvalidError, match="there is a feature service named inputs already"):
        saved.feature.define(speed, "inputs", on_demand=True)


def test_what_is_retired_or_deleted_serves_nothing_new_and_comes_back(saved: Workspace) -> None:
    feature = saved.feature
    feature.define(speed, on_demand=True)
    assert feature.retire("speed", message="too fast").retired == "too fast"
    with pytest.raises(RefusedError, match="speed@v1 is retired: too fast"):
        feature.service("inputs", ["speed"])
    assert feature.restore("speed")[0].retired is None
    feature.service("inputs", ["speed"])
    feature.delete("speed")
    with pytest.raises(NotFoundError):
        feature.show("speed")
    assert [row.ref for row in feature.list(deleted=True)] == ["speed@v1"]
    assert [row.ref for row in feature.restore("speed")] == ["speed@v1"]
    with pytest.raises(NotFoundError, match="nothing to restore"):
        feature.restore("speed")


def test_a_document_that_is_none_or_newer_is_refused() -> None:
    said = ServiceDefinition("inputs", ("speed",), "me", "")
    assert document_of(said.document()) == said
    assert isinstance(said, ServiceDefinition)
    assert not isinstance(said, Definition)
    with pytest.raises(CorruptError):
        document_of(b'{"protocol":1,"kind":"view","name":"a"}')
    with pytest.raises(CorruptError):
        document_of(b"[]")
    with pytest.raises(Exception, match="protocol 2"):
        document_of(said.document().replace(b'"protocol":1', b'"protocol":2'))
