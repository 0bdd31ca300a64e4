"""What happened in a workspace, as events: each holds to the published schema, and the same is told the same twice."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nbmlops.store.records import CatalogExport
from nbmlops.workspace import Workspace
from nbmlops.workspace.export.names import run_uuid
from tests.workspace.export.conftest import VALUES

Hold = Callable[[str, Any], None]
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


@pytest.fixture(scope="module")
def exported(lived: Workspace, tmp_path_factory: pytest.TempPathFactory) -> tuple[CatalogExport, list[dict[str, Any]]]:
    file = tmp_path_factory.mktemp("exported") / "events.jsonl"
    done = lived.store.export("openlineage", file)
    return done, [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def events(exported: tuple[CatalogExport, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return exported[1]


def facets(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """All facets of an event, with their keys."""
    if isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, dict) and "_schemaURL" in one:
                yield key, one
            yield from facets(one)
    elif isinstance(value, list):
        for one in value:
            yield from facets(one)


def ends(events: list[dict[str, Any]], job: str) -> list[dict[str, Any]]:
    found = [one for one in events if one.get("job", {}).get("name") == job]
    return [one for one in found if one.get("eventType") not in {None, "START"}]


def names(datasets: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in datasets]


def test_each_event_and_each_facet_holds_to_the_published_schema(events: list[dict[str, Any]], hold: Hold) -> None:
    seen: Counter[str] = Counter()
    for event in events:
        hold(SPEC, event)
        hold(event["schemaURL"], event)
        for key, one in facets(event):
            hold(one["_schemaURL"], one)
            published = not one["_schemaURL"].startswith(SPEC)
            assert published != key.startswith("nbmlops_")
            if published:  # the file says under which key it is told
                hold(one["_schemaURL"].partition("#")[0], {key: one})
            seen[key] += 1
    every = "version schema dataSource ownership documentation tags dataQualityMetrics dataQualityAssertions lineage "
    every += "outputStatistics lifecycleStateChange datasetType parent nominalTime processing_engine errorMessage "
    every += "executionParameters jobType sourceCodeLocation nbmlops_run nbmlops_model nbmlops_feature nbmlops_version"
    assert set(every.split()) <= set(seen)


def test_each_run_that_has_ended_has_one_start_and_one_end_under_its_own_id(
    lived: Workspace, events: list[dict[str, Any]]
) -> None:
    expected: dict[str, list[str]] = {}
    end = {"finished": "COMPLETE", "failed": "FAIL", "killed": "ABORT"}
    for run in lived.run.list(100):
        if run.status != "running":
            expected[str(uuid.UUID(run.id))] = ["START", end[run.status]]
    told: dict[str, list[str]] = {}
    for event in events:
        if "run" in event:
            told.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert told == expected
    assert Counter(types[1] for types in told.values()) == {"COMPLETE": 6, "FAIL": 3, "ABORT": 1}


def test_what_has_not_ended_is_left_out_and_named(exported: tuple[CatalogExport, list[dict[str, Any]]]) -> None:
    done, events = exported
    assert done.running == ("still_running-1",)
    assert "still_running" not in json.dumps(events)
    assert (done.runs, done.entries) == (10, len(events))


def test_a_run_tells_what_it_read_and_wrote_and_what_came_of_what(events: list[dict[str, Any]]) -> None:
    (end,) = (one for one in ends(events, "run/gbm") if one["eventType"] == "COMPLETE")
    # A script has no cells: all that it has loaded before counts too.
    assert {"data/flüge", "data/wetter"} <= set(names(end["inputs"]))
    assert names(end["outputs"]) == ["data/clean", "model/delay"]
    assert end["run"]["facets"]["nbmlops_run"]["metrics"] == {"auc": 0.9}
    given = {one["key"]: one["value"] for one in end["run"]["facets"]["executionParameters"]["parameters"]}
    assert given == {"depth": "4", "rate": "nan", "solver": "saga"}
    flows = {one["name"]: names(one["inputs"]) for one in end["job"]["facets"]["lineage"]["entries"]}
    assert flows.keys() == {"data/clean", "model/delay"}
    assert all({"data/flüge", "data/wetter"} <= set(sources) for sources in flows.values())
    taken = next(one for one in end["inputs"] if one["name"] == "data/flüge")
    people, model = taken["facets"], end["outputs"][1]["facets"]
    assert people["version"]["datasetVersion"] == "flüge@v1"
    assert [one["name"] for one in people["schema"]["fields"]] == ["Größe, in cm / Zoll", "email", "late"]
    assert people["dataQualityMetrics"]["columnMetrics"]["email"] == {"nullCount": 0, "distinctCount": 3}
    assert {"key": "personal", "value": "e-mail address", "source": "NBMLOPS", "field": "email"} in people["tags"][
        "tags"
    ]
    assert taken["inputFacets"]["dataQualityAssertions"]["assertions"][0]["success"] is True
    assert model["ownership"]["owners"] == [{"name": "the model team", "type": "OWNER"}]
    assert model["documentation"]["description"] == "Who is late."
    assert [one["name"] for one in model["nbmlops_model"]["inputs"]] == ["late"]


def test_a_step_names_its_pipeline_as_its_parent_and_the_failed_one_the_kind_of_error(
    events: list[dict[str, Any]],
) -> None:
    whole = {one["run"]["runId"]: one for one in ends(events, "pipeline/sums")}
    done, failed = ends(events, "step/sums/2_sum")
    assert (done["eventType"], failed["eventType"]) == ("COMPLETE", "FAIL")
    for step in (done, failed):
        parent = step["run"]["facets"]["parent"]
        assert parent["job"]["name"] == parent["root"]["job"]["name"] == "pipeline/sums"
        assert whole[parent["run"]["runId"]]["eventType"] == step["eventType"]
    assert done["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-01-01T06:00:00+00:00"
    assert (names(done["inputs"]), names(done["outputs"])) == (["data/raw"], ["data/total"])
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("ZeroDivisionError; ")


def test_a_run_within_a_run_has_it_as_its_parent(events: list[dict[str, Any]]) -> None:
    (inner,) = ends(events, "run/inner")
    assert inner["run"]["facets"]["parent"]["job"]["name"] == "run/gbm"


def test_code_is_where_the_team_finds_it_without_a_login(lived: Workspace, events: list[dict[str, Any]]) -> None:
    place = ends(events, "step/sums/2_sum")[0]["job"]["facets"]["sourceCodeLocation"]
    commit = lived.run.list(1)[0].git["commit"]  # type: ignore[index]
    assert place["url"] == f"https://github.com/team/delays/blob/{commit}/notebooks/2_sum.ipynb"
    assert (place["repoUrl"], place["branch"]) == ("https://github.com/team/delays.git", "main")


def test_what_was_saved_without_a_run_is_told_with_where_it_came_from(events: list[dict[str, Any]]) -> None:
    static = [one["dataset"] for one in events if "dataset" in one]
    weather = next(one for one in static if one["name"] == "data/wetter")
    (source,) = weather["facets"]["lineage"]["inputs"]
    assert source["name"] == "in/weather%201.parquet"
    assert source["namespace"].startswith("http://127.0.0.1:")
    view = next(one for one in static if one["name"] == "feature/carrier_delay")
    assert "data/flüge" in names(view["facets"]["lineage"]["inputs"])
    assert view["facets"]["nbmlops_feature"]["entities"] == ["late"]


def test_a_script_is_one_job_with_all_that_it_made(events: list[dict[str, Any]]) -> None:
    (job,) = (one for one in events if one["schemaURL"].endswith("JobEvent"))
    assert job["job"]["name"].startswith("script/")
    assert {"data/flüge", "data/short", "data/erased", "feature/carrier_delay"} <= set(names(job["outputs"]))


def test_what_was_deleted_says_so_and_a_name_without_versions_is_dropped(events: list[dict[str, Any]]) -> None:
    static = [one["dataset"] for one in events if "dataset" in one]
    told = {one["facets"]["version"]["datasetVersion"]: one["facets"] for one in static if "version" in one["facets"]}
    assert "deletedAt" in told["short@v1"]["nbmlops_version"]
    assert "deletedAt" not in told["short@v2"]["nbmlops_version"]
    dropped = [one["name"] for one in static if "lifecycleStateChange" in one["facets"]]
    assert dropped == ["data/gone"]


def test_no_value_of_data_no_secret_and_no_folder_of_this_machine_is_in_it(
    lived: Workspace, events: list[dict[str, Any]]
) -> None:
    text = json.dumps(events, ensure_ascii=False)
    for value in (*VALUES, str(lived.marker.root)):
        assert value not in text


def test_events_come_in_the_order_in_which_what_they_tell_was_over(events: list[dict[str, Any]]) -> None:
    over = [datetime.fromisoformat(one["eventTime"]) for one in events if one.get("eventType") != "START"]
    assert over == sorted(over)


def test_a_second_export_is_the_same_to_the_byte(lived: Workspace, tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    lived.store.export("openlineage", one)
    lived.store.export("openlineage", other)
    assert one.read_bytes() == other.read_bytes()


def test_increments_together_are_the_whole(lived: Workspace, events: list[dict[str, Any]], tmp_path: Path) -> None:
    middle = sorted(one["eventTime"] for one in events if one.get("eventType") != "START")[len(events) // 3]
    lived.store.export("openlineage", tmp_path / "late.jsonl", since=middle, namespace=None)
    late = [json.loads(line) for line in (tmp_path / "late.jsonl").read_text().splitlines()]
    assert 0 < len(late) < len(events)
    assert late == events[-len(late) :]
    assert events[-len(late) - 1]["eventTime"] < middle
    done = lived.store.export("openlineage", tmp_path / "none.jsonl", since=lived.clock.now())
    assert (done.entries, done.runs, done.names) == (0, 0, 0)


def test_a_namespace_of_ones_own_is_that_of_jobs_and_datasets(lived: Workspace, tmp_path: Path, hold: Hold) -> None:
    done = lived.store.export("openlineage", tmp_path / "own.jsonl", namespace="our team")
    assert done.namespace == "our team"
    for line in (tmp_path / "own.jsonl").read_text().splitlines():
        event = json.loads(line)
        for _, one in facets(event):
            hold(one["_schemaURL"], one)
        told = event.get("job") or event.get("dataset")
        assert told["namespace"] == "our team"


@pytest.mark.parametrize("run_id", ["gbm-12", "", "ü" * 40, "0" * 31])
def test_a_run_whose_id_is_no_uuid_gets_one_that_stays(run_id: str) -> None:
    assert run_uuid(run_id) == run_uuid(run_id) == str(uuid.UUID(run_uuid(run_id)))
    assert run_uuid(run_id) != run_uuid(run_id + "0")
