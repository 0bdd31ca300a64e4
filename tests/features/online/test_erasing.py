"""An erasure reaches what is online: keys and their bytes go, all else stays, and nothing brings them back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbmlops.core.errors import ConflictError, NotFoundError, RefusedError, UnavailableError
from nbmlops.core.signs import StepProgress
from nbmlops.data.erasure_records import Erasure
from nbmlops.features.online.sqlite_store import SqliteStore
from nbmlops.render.dispatch import text
from nbmlops.store import erasures
from nbmlops.workspace import Workspace

TAIL = "MARKER-7Q"
PLANES = [TAIL, "N10156", "N10157", "N10158"]


def trips(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Flights of four planes for two carriers; the marked one flies last, for UA."""
    random = np.random.default_rng(seed)
    tail = random.choice(PLANES, rows).astype(object)
    tail[-1] = TAIL
    return pd.DataFrame(
        {
            "tail": tail,
            "carrier": np.where(tail == "N10156", "AA", "UA"),
            "dep_time": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows) * 600, unit="s"),
            "delay": random.normal(10, 5, rows).round(3),
        }
    )


def worn(trips):  # type: ignore[no-untyped-def]
    return trips.assign(flown=trips.groupby("tail").cumcount())[["tail", "dep_time", "flown"]]


def last(trips):  # type: ignore[no-untyped-def]
    return trips.rename(columns={"tail": "plane"})[["carrier", "dep_time", "plane", "delay"]]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.chdir(tmp_path)
    with Workspace.init(tmp_path / "project") as made:
        made.data.save(trips(), "trips")
        made.feature.define(worn, entity="tail", from_="trips", time="dep_time")
        made.feature.define(last, entity="carrier", from_="trips", time="dep_time")
        made.feature.materialize()
        yield made


def erase(workspace: Workspace, condition: str, **said: object) -> Erasure:
    path = workspace.marker.root.parent / "where.txt"
    path.write_text(condition)
    asked: dict[str, object] = {"yes": True, "derived": True, **said}
    return workspace.data.erase("trips", where_file=path, **asked)  # type: ignore[arg-type]


def online(workspace: Workspace, view: str, keys: list[str]) -> dict[str, tuple[object, ...]]:
    """The first feature and its status, by key."""
    entity = {"worn": "tail", "last": "carrier"}[view]
    found = workspace.feature.online({entity: keys}, view)
    name = next(iter(found.values))
    return dict(zip(keys, zip(found.values[name], found.statuses[name], strict=True), strict=True))


def written(workspace: Workspace) -> list[str]:
    """Files of the online store in which the marker stands."""
    return [path.name for path in workspace.marker.state.glob("online.db*") if TAIL.encode() in path.read_bytes()]


def test_a_key_leaves_with_its_bytes_and_is_not_brought_back(workspace: Workspace) -> None:
    before = online(workspace, "worn", PLANES)
    assert written(workspace) == ["online.db"]
    planned = erase(workspace, f"tail = '{TAIL}'", dry_run=True)
    assert planned.records is not None
    assert planned.records["online keys of worn"] == 1
    assert planned.records["online keys of last"] == 1  # the last flight of UA was that of the plane
    assert online(workspace, "worn", PLANES) == before
    done = erase(workspace, f"tail = '{TAIL}'")
    assert (done.state, done.records) == ("done", planned.records)
    assert written(workspace) == []
    assert online(workspace, "worn", PLANES) == {**before, TAIL: (None, "missing")}
    assert all(fresh.waiting for fresh in workspace.feature.freshness())
    left = trips()[lambda frame: frame["tail"] != TAIL]
    for again in (False, True):
        workspace.feature.materialize(again=again)
        assert online(workspace, "worn", PLANES) == {**before, TAIL: (None, "missing")}
        # What is right still of a key that had to go is made again.
        newest = left[left["carrier"] == "UA"].iloc[-1]["tail"]
        assert online(workspace, "last", ["UA"]) == {"UA": (newest, "present")}
        assert written(workspace) == []
    assert not any(fresh.waiting for fresh in workspace.feature.freshness())
    assert len(workspace.feature.online_store().slots()) == 2


def test_the_certificate_counts_keys_and_names_none(workspace: Workspace, tmp_path: Path) -> None:
    done = erase(workspace, f"tail = '{TAIL}'", certificate=tmp_path / "erased.json")
    assert "taken out of 1 online keys of last, 1 online keys of worn" in text(done)
    made = workspace.store.verify_certificate(tmp_path / "erased.json")
    assert dict(made.records)["online keys of worn"] == 1
    assert not any("online store" in each for each in made.not_reached)
    assert TAIL not in (tmp_path / "erased.json").read_text()


def test_a_definition_is_told_to_keep_no_rows_and_is_listed_when_its_text_holds_a_value(workspace: Workspace) -> None:
    def marked(trips):  # type: ignore[no-untyped-def]
        return trips[trips["tail"] != "MARKER-7Q"][["tail", "dep_time", "delay"]]

    workspace.feature.define(marked, entity="tail", from_="trips", time="dep_time")
    for name in ("worn", "marked"):
        document = workspace.objects.read(workspace.versions("feature").resolve(name).root)
        assert (TAIL.encode() in document) == (name == "marked")
        assert b"N10156" not in document  # nothing of the rows that it was tried on
    done = erase(workspace, f"tail = '{TAIL}'", dry_run=True)
    assert {one.ref: one.state for one in done.descendants if one.kind == "feature"} == {
        "worn@v1": "code",
        "last@v1": "code",
        "marked@v1": "code",
    }
    assert "feature worn@v1 keeps code and no rows; its text was searched" in text(done)
    assert [each for each in done.listed if "feature" in each] == [
        "the feature marked@v1: `nbmlops feature delete marked@v1`"
    ]


@pytest.mark.parametrize(
    ("condition", "worn_gone", "last_gone"),
    [
        # All columns are there: exactly what meets it.
        ("tail = 'N10156'", {"N10156"}, {"AA"}),
        ("dep_time >= date('2024-01-02')", {TAIL, "N10156", "N10157", "N10158"}, {"AA", "UA"}),
        ("dep_time > date('2025-01-01')", set(), set()),
        ("carrier = 'AA' and delay > 1000", set(), set()),
        # A column is lacking: keys that the condition names, and texts that hold a value.
        ("tail = 'N10156' and delay > 1000", {"N10156"}, {"AA"}),
        ("carrier = 'UA' and tail = 'N10157'", {"N10157"}, {"UA"}),
        ("carrier = 'UA' and tail = 'N1015'", set(), {"AA", "UA"}),  # a text of AA has it inside
        ("delay > 1000", set(), set()),
    ],
)
def test_what_goes_meets_the_condition_or_is_named_by_it(
    workspace: Workspace, condition: str, worn_gone: set[str], last_gone: set[str]
) -> None:
    done = erase(workspace, condition, dry_run=True, derived=False)
    counts = {"online keys of worn": len(worn_gone), "online keys of last": len(last_gone)}
    assert {what: rows for what, rows in (done.records or {}).items() if rows and "online" in what} == {
        what: rows for what, rows in counts.items() if rows
    }
    unsure = [each for each in done.listed if "worn online" in each]
    assert bool(unsure) == ("delay" in condition or "UA" in condition)  # two letters are not searched for
    erase(workspace, condition, derived=False)
    assert {key for key, (_, said) in online(workspace, "worn", PLANES).items() if said == "missing"} == worn_gone
    assert {key for key, (_, said) in online(workspace, "last", ["AA", "UA"]).items() if said == "missing"} == last_gone


def test_a_materializer_under_way_writes_nothing_more(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbmlops.features.online.filling._BATCH", 1)

    def meanwhile(sign: StepProgress) -> None:
        if sign.done == 1:
            erase(workspace, f"tail = '{TAIL}'")

    with pytest.raises(ConflictError, match="keys of worn were erased meanwhile"):
        workspace.feature.materialize("worn", again=True, progress=meanwhile)
    assert written(workspace) == []
    workspace.feature.materialize("worn")
    said = {key: status for key, (_, status) in online(workspace, "worn", PLANES).items()}
    assert said == {TAIL: "missing", "N10156": "present", "N10157": "present", "N10158": "present"}
    assert len([slot for slot in workspace.feature.online_store().slots() if slot.name == "worn"]) == 1


def test_nothing_is_brought_online_while_rows_are_being_erased(workspace: Workspace) -> None:
    begun = erasures.begin(workspace.catalog, workspace.clock, ("trips",), f"tail = '{TAIL}'")
    with pytest.raises(ConflictError, match="rows of trips are being erased, or that was cut off"):
        workspace.feature.materialize("worn", again=True)
    with pytest.raises(ConflictError, match="rows of trips"):
        workspace.feature.materialize("worn", since="2024-01-01")
    with pytest.raises(RefusedError, match="was cut off before any row left"):
        workspace.data.erase(resume=True)
    workspace.feature.materialize("worn", again=True)
    assert begun


def test_a_store_that_is_down_loses_nothing(workspace: Workspace) -> None:
    store = workspace.feature.online_store()
    assert isinstance(store, SqliteStore)
    store.close()
    whole = store.path.read_bytes()
    store.path.write_bytes(b"spoilt" * 1000)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        erase(workspace, f"tail = '{TAIL}'")
    assert (workspace.data.load("trips")["tail"] == TAIL).any()
    assert erasures.unfinished(workspace.catalog) == []
    store.close()
    store.path.write_bytes(whole)
    assert erase(workspace, f"tail = '{TAIL}'").state == "done"
    assert written(workspace) == []


def test_a_store_that_goes_down_is_taken_up_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(_store: SqliteStore) -> None:
        raise UnavailableError("the online store cannot be reached")

    with monkeypatch.context() as away:
        away.setattr(SqliteStore, "scrub", down)
        with pytest.raises(UnavailableError):
            erase(workspace, f"tail = '{TAIL}'")
    assert not workspace.doctor().ok
    assert workspace.data.erase(resume=True).state == "done"
    assert written(workspace) == []


def test_a_hold_on_the_view_refuses_and_nothing_changes(workspace: Workspace) -> None:
    workspace.store.hold("worn", kind="feature", reason="case 12")
    before = online(workspace, "worn", PLANES)
    with pytest.raises(RefusedError, match=r"what is online of worn cannot be erased: .* case 12"):
        erase(workspace, f"tail = '{TAIL}'")
    assert online(workspace, "worn", PLANES) == before
    assert (workspace.data.load("trips")["tail"] == TAIL).any()


def test_without_an_online_store_none_is_made(tmp_path: Path) -> None:
    with Workspace.init(tmp_path / "project") as made:
        made.data.save(trips(), "trips")
        assert erase(made, f"tail = '{TAIL}'").state == "done"
        assert written(made) == []
        assert not list(made.marker.state.glob("online.db*"))
        with pytest.raises(NotFoundError):
            made.feature.online("tail=N1", "worn")
