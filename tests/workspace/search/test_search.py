"""One word finds what is called so, tagged so, described so, or has such a column; in every noun, the best first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops import Workspace
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.render.dispatch import html, text
from nbmlops.store.audit import acting
from nbmlops.workspace.search.records import Found
from tests.workspace.search.crowd import crowd

FRAME = pd.DataFrame({"dep_delay": [1.0, 2.0, 3.0], "Carrier_Überblick": [1.0, 0.0, 1.0]})


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("searched")) as workspace:
        workspace.data.save(FRAME, "flights", message="all of January", tags={"region": "NYC"})
        workspace.data.save(FRAME.head(2), "flights", alias="golden")
        workspace.data.save(FRAME.rename(columns={"dep_delay": "wind"}), "weather", message="for 100% of the delays")
        inputs, target = FRAME[["dep_delay"]], FRAME["Carrier_Überblick"]
        workspace.model.save(LinearRegression().fit(inputs, target), "delay", example=inputs)
        workspace.model.describe("delay", owner="the delays team", limits="trained on winter flights")
        for number in range(12):
            with workspace.run("gbm", tags={"owner": "ada", "note": f"trial {number}"}) as run:
                run.log(auc=0.9)
        workspace.check.data(FRAME, "dep_delay: number")
        workspace.run.list()  # what was logged is in the catalog then
        yield workspace


def refs(found: Found, noun: str) -> list[str]:
    return [hit.ref for hit in found.of(noun)]


def test_a_name_goes_before_a_description_and_that_before_a_column(workspace: Workspace) -> None:
    found = workspace.search("delay")
    assert refs(found, "model") == ["delay@v1"]
    assert refs(found, "data") == ["flights@v2", "weather@v1"]
    model = found.of("model")[0]
    assert model.fields == ("name", "owner", "column")
    assert model.told == "delay; the delays team; dep_delay"
    assert found.of("data")[0].fields == ("column",)
    assert found.of("data")[1].fields == ("message",)


@pytest.mark.parametrize(
    ("words", "noun", "expected"),
    [
        ("NYC", "data", ["flights@v2"]),
        ("region=nyc", "data", ["flights@v2"]),
        ("golden", "data", ["flights@v2"]),
        ("FLIGHTS", "data", ["flights@v2"]),
        ("überblick", "data", []),
        ("Überblick", "data", ["flights@v2", "weather@v1"]),
        ("wind carrier", "data", ["weather@v1"]),
        ("wind dep_delay", "data", []),
        ("team", "model", ["delay@v1"]),
        ("LinearRegression", "model", ["delay@v1"]),
        ("winter", "model", ["delay@v1"]),
        ("gbm-7", "run", ["gbm-7"]),
        ("trial 3 owner=ada", "run", ["gbm-4"]),
        ("100%", "data", ["weather@v1"]),
        ("%", "data", ["weather@v1"]),
        ("_", "model", ["delay@v1"]),
    ],
)
def test_what_is_said_is_found(workspace: Workspace, words: str, noun: str, expected: list[str]) -> None:
    assert sorted(refs(workspace.search(words), noun)) == sorted(expected)


def test_of_many_the_newest_are_told_and_that_there_are_more(workspace: Workspace) -> None:
    found = workspace.search("gbm", limit=5)
    assert refs(found, "run") == [f"gbm-{number}" for number in (12, 11, 10, 9, 8)]
    assert found.more == ("run",)
    assert workspace.search("gbm", noun="data").hits == ()


def test_reports_are_found_by_what_they_judged(workspace: Workspace) -> None:
    (report,) = workspace.check.list()
    assert refs(workspace.search(report.suite or report.subject), "report") == [str(report.id)]


def test_where_nothing_is_found_the_nearest_names_are_told(workspace: Workspace) -> None:
    found = workspace.search("flihgts")
    assert (found.hits, found.near) == ((), ("flights",))
    assert text(found) == "nothing is known of 'flihgts'   did you mean flights?"
    assert text(workspace.search("zzz")) == "nothing is known of 'zzz'"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"owner": "DELAYS"}, ["delay@v1"]),
        ({"owner": "ada", "noun": "run", "limit": 1}, ["gbm-12"]),
        ({"tag": "region"}, []),  # the newest version of flights has none
        ({"tag": "note=trial 3"}, ["gbm-4"]),
        ({"tag": "note=trial", "noun": "run"}, []),
        ({"stale": "1d"}, []),
        ({"stale": "0", "noun": "model"}, ["delay@v1"]),
        ({"owner": "ada", "noun": "report"}, []),
        ({"fresh": "1d", "noun": "model"}, ["delay@v1"]),
        ({"fresh": "0", "noun": "model"}, []),
        ({"quality": "passed"}, ["1"]),
        ({"quality": "not judged", "noun": "model"}, ["delay@v1"]),
        ({"used": True}, []),
        ({"used": False, "noun": "run"}, []),
        ({"used": False, "noun": "report"}, []),
    ],
)
def test_filters_leave_what_they_say(workspace: Workspace, asked: dict[str, Any], expected: list[str]) -> None:
    assert [hit.ref for hit in workspace.search(**asked).hits] == expected


def test_of_each_hit_it_is_told_whose_it_is_how_good_and_who_reads_it(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as own:
        own.data.save(FRAME, "flights", tags={"owner": "ada", "region": "NYC"})
        own.data.save(FRAME, "calm")
        report = own.check.data("flights", "dep_delay: number, between(0, 1)")
        assert report.status == "failed"
        for _ in range(2):
            with own.run("gbm"):
                own.data.load("flights")
        own.run.list()
        found = own.search("flights")
        (hit,) = found.of("data")
        assert (hit.owner, hit.quality, hit.readers) == ("ada", (report.id, "failed"), 2)
        assert hit.read_at is not None
        assert [one.ref for one in own.search(failing=True).of("data")] == ["flights@v1"]
        facets = own.search(noun="data").facets
        assert facets["noun"] == (("data", 2),)
        assert dict(facets["quality"]) == {"failed": 1, "not judged": 1}
        assert dict(facets["tag"]) == {"owner=ada": 1, "region=NYC": 1}
        assert "failed, report" in text(found)
        own.search(noun="data", html=tmp_path / "catalog.html")
        assert "flights@v1" in (tmp_path / "catalog.html").read_text(encoding="utf-8")


def test_pages_hold_everything_once(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as own:
        for number in range(7):
            own.data.save(FRAME + number, f"part{number}")
        with own.run("gbm"):
            pass
        own.run.list()
        for text, rest in (("", ["gbm-1"]), ("part", [])):
            found, after, pages = list[str](), None, 0
            while pages == 0 or after is not None:
                hits, after = own.search.page(text, size=3, after=after)
                found, pages = [*found, *(hit.ref for hit in hits)], pages + 1
            assert found == [*(f"part{number}@v1" for number in range(6, -1, -1)), *rest]
            outline = own.search.outline(text, every=3)
            assert outline.total == len(found)
            begins = [own.search.page(text, size=1, after=after)[0] for after in outline.anchors]
            assert [hit.ref for hits in begins for hit in hits] == found[3::3]


def test_of_a_run_its_notebook_is_told_by_name(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as workspace:
        workspace.run.start("gbm", notebook=str(tmp_path / "notebooks" / "train.ipynb")).finish()
        workspace.run.list()
        (hit,) = workspace.search("", noun="run").of("run")
        assert hit.told == "train.ipynb"
        assert workspace.search("notebooks/train").of("run")[0].fields == ("notebook",)


def test_a_page_holds_still_while_things_come(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as own:
        for number in range(4):
            own.data.save(FRAME + number, f"part{number}")
        _, after = own.search.page(noun="data", size=2)
        own.data.save(FRAME + 9, "later")
        assert [hit.ref for hit in own.search.page(noun="data", after=after)[0]] == ["part1@v1", "part0@v1"]


def test_where_a_policy_was_adopted_a_viewer_may_page(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as own:
        own.data.save(FRAME, "flights")
        (tmp_path / "nbmlops-policy.toml").write_text('[roles]\nada = "admin"\nann = "viewer"')
        with acting("ada"):
            own.store.policy(tmp_path / "nbmlops-policy.toml")
        with acting("ann"):
            assert [hit.ref for hit in own.search.page()[0]] == ["flights@v1"]
            assert own.search.outline().total == 1
            assert own.search.facets()["noun"] == (("data", 1),)
            assert own.search("flights").of("data")
        with acting("zoe"), pytest.raises(RefusedError, match="search"):
            own.search.page()


def test_what_is_stored_but_said_of_nothing_is_no_hit(workspace: Workspace) -> None:
    assert workspace.search("cut_by").hits == ()
    assert workspace.search("'; drop table run; --").hits == ()


def test_what_is_deleted_is_not_found_until_it_is_back(workspace: Workspace) -> None:
    workspace.data.save(FRAME.head(1), "parked")
    workspace.data.delete("parked", unlock=True)
    assert refs(workspace.search("parked"), "data") == []
    workspace.data.restore("parked")
    assert refs(workspace.search("parked"), "data") == ["parked@v1"]


def test_hits_are_shown_by_noun_with_what_to_type_next(workspace: Workspace) -> None:
    told = text(workspace.search("delay"))
    assert told.index("Models") < told.index("Data")
    assert "`nbmlops model show delay@v1`" in told
    assert "the delays team" in html(workspace.search("delay"))


@pytest.mark.parametrize("words", ["", "  ", "a b c d e f g h i", "x" * 201])
def test_what_cannot_be_looked_for_is_said(workspace: Workspace, words: str) -> None:
    with pytest.raises(InvalidError, match=r"nothing to look for|the most"):
        workspace.search(words)


def test_a_noun_that_is_none_and_a_limit_of_nothing_are_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="noun cannot be 'dat'"):
        workspace.search("delay", noun="dat")
    with pytest.raises(InvalidError, match="a limit of 0"):
        workspace.search("delay", limit=0)


def test_of_a_hundred_thousand_runs_the_newest_are_found(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as workspace:
        crowd(workspace.catalog, runs=100_001)
        expected = {
            "trial": range(100_000, 99_990, -1),
            "trial7 person3": [n for n in range(100_000, 0, -1) if n % 50 == 7 and n % 7 == 3][:10],
            "nowhere": [],
        }
        for words, numbers in expected.items():
            began = time.perf_counter()
            found = workspace.search(words)
            print(f"{words!r} among 100,000 runs: {1000 * (time.perf_counter() - began):.0f} ms")
            assert [hit.ref for hit in found.hits] == [f"trial{n % 50}-{n}" for n in numbers]
            assert found.more == (("run",) if numbers else ())
