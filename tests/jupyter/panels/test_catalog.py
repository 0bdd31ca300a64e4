"""The panel of the catalog without a browser: what is found, what narrows it, and what is told of each thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops import ml
from nbmlops.jupyter.panels.catalog import panel
from nbmlops.render.dispatch import html
from nbmlops.workspace.current import workspace
from tests.jupyter.panels.filled import a_report, sums
from tests.jupyter.panels.talk import act, ask, line, refused

FRAME = pd.DataFrame({"dep_delay": [1.0, 2.0, 3.0], "late": [0.0, 1.0, 1.0]})


@pytest.fixture
def catalog(project: Path) -> None:
    """Two tables, a model of one of them, a run that reads and writes, and a report."""
    ml.data.save(FRAME, "flights", message="all of January", tags={"owner": "ada", "region": "NYC"})
    ml.data.save(FRAME.head(2), "weather")
    with ml.run("gbm", {"depth": 3}, tags={"owner": "the team"}) as run:
        flights = ml.data.load("flights")
        ml.model.save(
            LinearRegression().fit(flights[["dep_delay"]], flights["late"]), "delay", example=flights[["dep_delay"]]
        )
        run.log(auc=0.9)
    ml.check.data("flights", "dep_delay: between(0, 1)")


def refs(text: str = "") -> list[str]:
    return [row["ref"] for row in ask("catalog", "page", text=text)["rows"]]


def offered(text: str = "") -> dict[str, dict[str, dict[str, Any]]]:
    return {
        one["facet"]: {each["value"]: each for each in one["values"]} for one in ask("catalog", "facets", text=text)
    }


def test_everything_is_told_by_kind_with_whose_it_is_how_good_and_who_uses_it(catalog: None) -> None:
    assert refs() == ["delay@v1", "weather@v1", "flights@v1", "gbm-1", "1"]
    flights = ask("catalog", "page", text="january")["rows"][0]
    assert (flights["owner"], flights["status"], flights["report"], flights["readers"]) == ("ada", "failed", 1, 1)
    assert flights["told"] == "all of January"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dep_delay", ["delay@v1", "weather@v1", "flights@v1"]),
        ("--noun data --used", ["flights@v1"]),
        ("dep_delay --unused", ["delay@v1", "weather@v1"]),
        ('--owner "the team"', ["gbm-1"]),
        ("--failing", ["flights@v1", "1"]),
        ('--quality "not judged" --noun=data', ["weather@v1"]),
        ("--quality finished", ["gbm-1"]),
        ("--stale 1d", []),
        ("--fresh 1d --tag region", ["flights@v1"]),
        ("flights  # of these", ["flights@v1", "1"]),
    ],
)
def test_the_text_is_what_is_typed_behind_search(catalog: None, text: str, expected: list[str]) -> None:
    assert refs(text) == expected
    assert ask("catalog", "outline", text=text)["total"] == len(expected)
    assert ask("catalog", "page", text=text)["line"].startswith("%ml search ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--ownr ada", "did you mean --owner"),
        ("--owner", "requires an argument"),
        ("--noun dat", "noun cannot be 'dat'"),
        ("--quality god", "quality cannot be 'god'"),
        ("--stale soon", "no span of time"),
        ("--html x.html", "no option --html"),
        ("--help", "no option --help"),
        ("-o x", "no option -o"),
        ("a b c d e f g h i", "the most"),
    ],
)
def test_a_text_that_is_no_search_is_refused_with_what_to_type(catalog: None, text: str, expected: str) -> None:
    for question in ("page", "outline", "facets"):
        said = refused("catalog", question, asks=True, text=text)
        assert expected in f"{said['message']} {said['hint']}"


def test_a_place_that_no_page_gave_is_refused(catalog: None) -> None:
    for after in ("", "data", "data:0.0", "dat:0.0:1", "data:x:1", "data:0.0:1:1", "data:nan:1"):
        assert "no place" in refused("catalog", "page", asks=True, after=after)["message"]


def chosen(text: str, facet: str, value: str) -> str:
    return str(ask("catalog", "chosen", text=text, facet=facet, value=value))


def test_to_choose_is_to_write_an_option_more_or_one_less(catalog: None) -> None:
    found = offered("late")
    assert {value: one["count"] for value, one in found["noun"].items()} == {"data": 2}
    assert found["owner"]["ada"] == {"value": "ada", "count": 1, "on": False}
    assert chosen("late", "owner", "ada") == "--owner ada late"
    assert refs("--owner ada late") == ["flights@v1"]
    assert chosen("--owner ada late", "owner", "ada") == "late"
    narrowed = offered("--owner ada late")["owner"]
    assert narrowed["ada"]["on"]
    assert len(narrowed) == 2, "what else could be chosen is offered still"
    assert chosen("--stale 30d", "age", "1d") == "--fresh 1d"
    assert chosen('--owner "the team"', "use", "unused") == '--owner "the team" --unused'
    assert chosen("-- -x", "noun", "data") == "--noun data -- -x"
    assert "no facet" in refused("catalog", "chosen", asks=True, text="", facet="x", value="y")["message"]


def test_every_value_that_is_offered_finds_as_many_as_it_says(catalog: None) -> None:
    for text in ("", "dep_delay", "--noun data", "--quality failed", "--used"):
        for facet, values in offered(text).items():
            for value, one in values.items():
                if not one["on"]:
                    other = chosen(text, facet, value)
                    assert ask("catalog", "outline", text=other)["total"] == one["count"], other


def test_what_was_chosen_and_nothing_has_can_be_given_up(catalog: None) -> None:
    errored = offered("weather --quality errored")["quality"]["errored"]
    assert (errored["count"], errored["on"]) == (0, True)
    assert chosen("weather --quality errored", "quality", "errored") == "weather"
    assert offered("--stale 30d")["age"]["older"]["on"]
    assert chosen("--stale 30d", "age", "older") == ""


def test_where_nothing_is_found_the_nearest_names_are_offered(catalog: None) -> None:
    assert ask("catalog", "page", text="flihgts")["near"] == ["flights"]


def test_pages_begin_where_the_outline_says_and_hold_everything_once(project: Path) -> None:
    checks = workspace().check
    for number in range(150):
        ml.data.save(pd.DataFrame({"a": [number]}), f"part{number}")
        checks.save(a_report("strict", number))
    for text, names in (("", 300), ("part", 150), ("--noun report", 150)):
        found = ask("catalog", "outline", text=text)
        assert found["total"] == names
        pages = [ask("catalog", "page", text=text, after=after)["rows"] for after in (None, *found["anchors"])]
        told = [row["ref"] for page in pages for row in page]
        assert len(told) == len(set(told)) == names
        assert [len(page) for page in pages[:-1]] == [100] * (len(pages) - 1)


def test_of_each_kind_it_is_told_what_it_holds_and_where_it_came_from(catalog: None) -> None:
    flights = ask("catalog", "thing", noun="data", ref="flights@v1")
    assert ["holds", "3 rows, 2 columns"] in flights["facts"]
    assert flights["columns"]["rows"] == [["dep_delay", "double"], ["late", "double"]]
    assert flights["panel"] == "data"
    model = ask("catalog", "thing", noun="model", ref="delay@v1")
    assert model["metrics"] == {"auc": 0.9}
    assert model["columns"]["title"] == "Takes"
    run = ask("catalog", "thing", noun="run", ref="gbm-1")
    assert (run["inputs"], run["outputs"], run["metrics"]) == (["flights@v1"], ["delay@v1"], {"auc": 0.9})
    report = ask("catalog", "thing", noun="report", ref="1")
    assert report["inputs"] == ["flights@v1"]
    assert report["columns"]["rows"][0][1].startswith("failed")


def test_a_link_of_which_only_the_reference_is_known_finds_its_kind(catalog: None) -> None:
    assert ask("catalog", "thing", ref="delay@v1")["noun"] == "model"
    assert ask("catalog", "thing", ref="flights@v1")["noun"] == "data"
    assert "any more" in refused("catalog", "thing", asks=True, ref="nothing@v1")["message"]
    assert "nothing that is found" in refused("catalog", "thing", asks=True, ref="x", noun="dat")["message"]


def test_features_and_pipelines_are_told_too(folder: Path) -> None:
    sums(folder)
    ml.pipeline.run("sums")
    ml.pipeline.promote("sums")
    ml.data.save(pd.DataFrame({"carrier": ["AA"], "at": pd.to_datetime(["2026-01-01"], utc=True)}), "trips")

    def trips_of(trips: pd.DataFrame) -> pd.DataFrame:
        return trips.assign(trips=1)

    ml.feature.define(trips_of, entity="carrier", from_="trips", time="at")
    (feature,) = ask("catalog", "page", text="--noun feature")["rows"]
    told = ask("catalog", "thing", noun="feature", ref=feature["ref"])
    assert told["columns"]["rows"] == [["trips", "int64"]]
    assert [one.partition("@")[0] for one in told["inputs"]] == ["trips"]
    (pipeline,) = ask("catalog", "page", text="--noun pipeline")["rows"]
    told = ask("catalog", "thing", noun="pipeline", ref=pipeline["ref"])
    assert [step for step, _ in told["columns"]["rows"]] == ["1_make", "2_sum"]


def test_a_lineage_leads_to_runs_and_versions(catalog: None) -> None:
    found = ask("catalog", "lineage", noun="model", ref="delay@v1")
    assert {box["ref"] for box in found["boxes"]} >= {"flights@v1", "delay@v1", "gbm-1"}


def test_a_line_is_what_is_typed(catalog: None) -> None:
    assert line("catalog", "search", text="delay --owner 'the team'") == '%ml search delay --owner "the team"'
    assert line("catalog", "show", noun="report", ref="1") == "%ml check show 1"
    assert line("catalog", "load", noun="data", ref="flights@v1") == "%ml data load flights@v1"
    assert act("catalog", "lineage", noun="data", ref="flights@v1")["good"]
    assert act("catalog", "search", text="delay")["text"].startswith("search delay")


def test_where_nothing_draws_it_it_is_a_table_or_says_what_to_type(catalog: None) -> None:
    shown = html(panel.static(workspace()))
    assert "flights@v1" in shown
    assert "the team" in shown


def test_an_empty_catalog_says_what_to_type(project: Path) -> None:
    assert refs() == []
    assert ask("catalog", "facets") == []
    assert "data save" in repr(ml.panel("catalog")._repr_mimebundle_()[0]["text/plain"])
