"""The panel of data without a browser: what it is told, and what each of its actions does to the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops import ml
from nbmlops.core.errors import NotFoundError
from nbmlops.jupyter.panels.data import panel
from nbmlops.render.dispatch import html
from nbmlops.store import schema
from nbmlops.workspace.current import workspace
from tests.jupyter.panels.talk import act, ask, line, refused

EVIL = "<img src=x onerror=alert(1)>"


def frame(rows: int = 4) -> pd.DataFrame:
    carriers = [("UA", "AA", "UA", "B6")[row % 4] for row in range(rows)]
    return pd.DataFrame({"delay": [float(row) for row in range(rows)], "carrier": carriers, "late": [True] * rows})


@pytest.fixture
def flights(project: Path) -> str:
    ml.data.save(frame(), "flights", message="first", tags={"region": "NYC"})
    ml.data.save(frame(6), "flights", message="second", alias="golden")
    return "flights"


def test_every_name_is_told_by_its_newest_version(flights: str) -> None:
    ml.data.save(frame(2), "airlines")
    found = ask("data", "names")
    assert [(one["ref"], one["rows"], one["columns"]) for one in found] == [("airlines@v1", 2, 3), ("flights@v2", 6, 3)]
    assert found[1]["aliases"] == ["golden"]
    ml.data.alias("flights@v1", "first")
    assert ask("data", "names")[1]["placed"] == {"first": "flights@v1", "golden": "flights@v2"}
    assert found[1]["new_bytes"] > 0


def test_a_store_without_data_has_no_names(project: Path) -> None:
    assert ask("data", "names") == []


def test_versions_are_told_newest_first_with_message_author_and_tags(flights: str) -> None:
    newest, first = ask("data", "versions", name=flights)
    assert (newest["ref"], first["ref"]) == ("flights@v2", "flights@v1")
    assert (first["message"], first["tags"]) == ("first", {"region": "NYC"})
    assert first["author"]


def test_versions_come_in_pages_that_begin_where_the_outline_says(flights: str) -> None:
    for row in range(3, 204):
        ml.data.save(pd.DataFrame({"a": [row]}), flights)
    found = ask("data", "outline", name=flights)
    assert found == {"total": 203, "size": 100, "anchors": ["flights@v104", "flights@v4"]}
    pages = [ask("data", "versions", name=flights, after=after) for after in (None, *found["anchors"])]
    assert [len(page) for page in pages] == [100, 100, 3]
    assert [one["number"] for page in pages for one in page] == list(range(203, 0, -1))


def test_a_page_holds_still_while_versions_come_and_go(flights: str) -> None:
    ml.data.delete("flights@v1")
    ml.data.save(frame(9), flights)
    assert [one["number"] for one in ask("data", "versions", name=flights, after="flights@v2")] == []
    ml.data.restore("flights@v1")
    assert [one["number"] for one in ask("data", "versions", name=flights, after="flights@v2")] == [1]


def test_a_version_is_told_whole_but_for_its_columns(flights: str) -> None:
    found = ask("data", "version", ref="flights@golden")
    assert (found["ref"], found["rows"], found["columns"], found["format"]) == ("flights@v2", 6, 3, "table")
    assert len(found["digest"]) == 64


def test_columns_are_told_at_once_and_charted_when_there_is_a_profile(flights: str) -> None:
    before = ask("data", "columns", ref="flights@v2")
    assert not before["profiled"]
    assert [one["name"] for one in before["columns"]] == ["delay", "carrier", "late"]
    assert "bars" not in before["columns"][0]
    act("data", "profile", ref="flights@v2")
    after = ask("data", "columns", ref="flights@v2")
    delay, carrier, late = after["columns"]
    assert after["profiled"]
    assert (delay["kind"], delay["least"], delay["most"]) == ("number", "0", "5")
    assert carrier["bars"] == [["UA", 3.0], ["AA", 2.0], ["B6", 1.0]] or dict(carrier["bars"])["UA"] == 3
    assert late["bars"] == [["true", 6.0]]


def test_columns_are_found_by_a_part_of_their_name_and_come_in_parts(project: Path) -> None:
    ml.data.save(pd.DataFrame({f"c{number}": [number] for number in range(150)}), "wide")
    first = ask("data", "columns", ref="wide")
    assert (first["total"], len(first["columns"])) == (150, 60)
    last = ask("data", "columns", ref="wide", start=120)
    assert [one["name"] for one in last["columns"]][-1] == "c149"
    assert [one["name"] for one in ask("data", "columns", ref="wide", find="C14")["columns"]] == [
        "c14",
        *(f"c{number}" for number in range(140, 150)),
    ]


def test_personal_data_stays_masked(project: Path) -> None:
    people = pd.DataFrame({"email": [f"ann{number}@example.org" for number in range(40)]})
    ml.data.save(people, "people")
    ml.data.profile("people")
    (column,) = ask("data", "columns", ref="people")["columns"]
    assert column["personal"]
    assert "ann" not in json.dumps(column)
    assert all("•" in value for value, _ in column["bars"])


def test_two_versions_are_compared_as_a_cell_compares_them(flights: str) -> None:
    found = ask("data", "diff", before="flights@v1", after="flights@v2")
    assert not found["same"]
    assert "4 → 6 rows" in found["text"]
    assert ask("data", "diff", before="flights@v2")["before"] == "flights@v1"
    assert ask("data", "diff", before="flights@v2", after="flights@v2")["same"]


def test_a_lineage_has_boxes_arrows_and_words(flights: str) -> None:
    ml.data.load("flights@v2")
    ml.data.save(frame(3), "late")
    found = ask("data", "lineage", ref="late")
    boxes = {box["label"]: box for box in found["boxes"]}
    assert boxes["late@v1"]["look"] == "root"
    assert boxes["flights@v2"]["ref"] == "flights@v2"
    assert len(found["wires"]) == 3
    assert "came from" in found["text"]


def test_looking_leaves_no_trace_in_the_lineage(flights: str) -> None:
    ml.data.profile("flights@v2")
    with ml.run("gbm"):
        before = _edges()
        ask("data", "columns", ref="flights@v2")
        ask("data", "diff", before="flights@v1", after="flights@v2")
        assert _edges() == before


def _edges() -> int:
    from sqlalchemy import func, select

    return int(
        workspace().catalog.read(lambda c: c.execute(select(func.count()).select_from(schema.edge)).scalar_one())
    )


def test_the_line_that_loads_is_the_grammars_own(flights: str) -> None:
    assert line("data", "load", ref="flights@v2") == "%ml data load flights@v2"


def test_labels_are_put_on_and_taken_off(flights: str) -> None:
    act("data", "tag", ref="flights@v1", key="owner", value="it's mine")
    assert ml.data.show("flights@v1").tags == {"region": "NYC", "owner": "it's mine"}
    act("data", "untag", ref="flights@v1", key="region")
    assert ml.data.show("flights@v1").tags == {"owner": "it's mine"}
    act("data", "alias", ref="flights@v1", alias="golden")
    assert ml.data.show("flights@golden").ref == "flights@v1"
    act("data", "unalias", ref="flights@v1", alias="golden")
    assert ml.data.show("flights@v1").aliases == ()


@pytest.mark.parametrize(("key", "value"), [("-k", "v"), ("--remove", "x"), ("k", "-v --json"), ("k", EVIL)])
def test_a_label_is_what_was_typed_whatever_it_looks_like(flights: str, key: str, value: str) -> None:
    act("data", "tag", ref="flights@v2", key=key, value=value)
    assert ml.data.show("flights@v2").tags == {key: value}


def test_a_label_that_a_cell_would_compute_is_refused(flights: str) -> None:
    assert "braces" in refused("data", "tag", ref="flights@v2", key="k", value="{1 + 1}")["message"]
    assert (
        "ml.data.tag('flights@v2', {'k': '{1 + 1}'})"
        in refused("data", "tag", ref="flights@v2", key="k", value="{1 + 1}")["hint"]
    )
    assert "no =" in refused("data", "tag", ref="flights@v2", key="a=b", value="c")["message"]


def test_what_is_deleted_is_told_and_comes_back(flights: str) -> None:
    act("data", "delete", ref="flights@v1")
    assert [one["ref"] for one in ask("data", "versions", name=flights)] == ["flights@v2"]
    (gone,) = ask("data", "deleted")
    assert gone["ref"] == "flights@v1"
    assert gone["deleted_at"]
    act("data", "restore", ref="flights@v1")
    assert ask("data", "deleted") == []
    assert ml.data.show("flights@v1").rows == 4


def test_what_is_held_is_not_deleted_and_the_reason_is_told(flights: str) -> None:
    error = refused("data", "delete", ref="flights@v2")
    assert "golden" in error["message"] or "nbmlops.lock" in error["message"]
    act("data", "unalias", ref="flights@v2", alias="golden")
    assert "--unlock" in refused("data", "delete", ref="flights@v2")["hint"]
    act("data", "delete", ref="flights@v2", unlock=True)
    assert ml.data.show("flights").ref == "flights@v1"


def test_a_name_is_changed(flights: str) -> None:
    act("data", "rename", old="flights", new="trips")
    assert ml.data.show("trips").ref == "trips@v2"
    with pytest.raises(NotFoundError):
        ml.data.show("flights")


def test_blame_and_history_are_shown_as_in_a_cell(flights: str) -> None:
    assert "delay" in act("data", "blame", ref="flights@v2")["text"]
    assert "flights@v1" in act("data", "history", ref="flights")["text"]
    assert "flights@v1" in act("data", "show", ref="flights@v1")["text"]
    assert line("data", "diff", before="flights@v1", after="flights@v2", key="a b") == (
        '%ml data diff "--key=a b" flights@v1 flights@v2'
    )


def test_a_push_is_run_apart(flights: str, tmp_path: Path) -> None:
    assert line("data", "push", ref=flights, to="origin") == "%ml data push --to=origin flights"
    assert "push" in panel.apart


def test_a_version_is_checked_apart_since_all_of_it_is_read(flights: str) -> None:
    assert line("data", "check", ref="flights@v2") == "%ml check data flights@v2"
    assert "check" in panel.apart


@pytest.mark.parametrize(
    ("name", "params", "why"),
    [
        ("version", {"ref": "flihgts"}, "no data named 'flihgts'"),
        ("version", {"ref": "flights@v9"}, "flights@v9"),
        ("version", {"ref": "../x"}, "not a reference"),
        ("versions", {"name": "nothing"}, "no data named"),
        ("versions", {"name": "flights", "after": "other@v1"}, "no version of flights"),
        ("diff", {"before": "flights@v1"}, "first version"),
        ("columns", {"ref": "flights", "start": "1"}, "is to be int"),
    ],
)
def test_what_cannot_be_told_is_an_error_with_a_reason(
    flights: str, name: str, params: dict[str, Any], why: str
) -> None:
    error = refused("data", name, asks=True, **params)
    assert why in error["message"]


def test_markup_in_messages_labels_and_columns_comes_through_as_text_and_is_escaped_as_html(project: Path) -> None:
    ml.data.save(pd.DataFrame({EVIL: [EVIL, "b"]}), "evil", message=EVIL, tags={"k": EVIL})
    ml.data.save(pd.DataFrame({EVIL: ["c", EVIL]}), "evil")
    ml.data.profile("evil@v1")
    assert ask("data", "version", ref="evil@v1")["message"] == EVIL
    assert ask("data", "columns", ref="evil@v1")["columns"][0]["name"] == EVIL
    assert "<img" not in ask("data", "diff", before="evil@v1", after="evil@v2")["html"]


def test_long_texts_are_cut_in_tables_and_whole_on_the_page_of_a_version(project: Path) -> None:
    ml.data.save(pd.DataFrame({"x" * 5_000: [1]}), "long", message="m" * 5_000)
    (row,) = ask("data", "versions", name="long")
    assert len(row["message"]) == 300
    assert len(ask("data", "version", ref="long")["message"]) == 5_000
    assert len(ask("data", "columns", ref="long")["columns"][0]["name"]) == 5_000


def test_where_nothing_draws_it_the_newest_versions_stand_in_words_and_stay_small(project: Path) -> None:
    for number in range(110):
        ml.data.save(pd.DataFrame({"x" * 5_000: [number]}), f"name_{number:03}", message=EVIL * 100)
    data, _ = ml.panel("data")._repr_mimebundle_()
    assert "name_000@v1" in data["text/plain"]
    assert "name_000@v1" in data["text/html"]
    assert "<img" not in data["text/html"]
    assert len(data["text/html"].encode()) < 100_000


def test_where_nothing_draws_it_the_aliases_of_all_versions_are_told(flights: str) -> None:
    ml.data.alias("flights@v1", "golden")
    ml.data.alias("flights@v2", "checked")
    assert "checked → v2, golden → v1" in html(panel.static(workspace()))


def test_where_nothing_draws_it_an_empty_store_says_what_to_type(project: Path) -> None:
    assert "data save" in repr(ml.panel("data")._repr_mimebundle_()[0]["text/plain"])
    assert "model save" in repr(ml.panel("models")._repr_mimebundle_()[0]["text/plain"])
