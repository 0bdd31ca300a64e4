"""What happened in a workspace, as DataHub reads it: each aspect holds to DataHub's own schema of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nbmlops.workspace import Workspace
from tests.workspace.export.avro import faults
from tests.workspace.export.conftest import VALUES

ASPECTS = {
    schema["Aspect"]["name"]: schema
    for path in (Path(__file__).parent / "datahub" / "aspects").glob("*.avsc")
    for schema in [json.loads(path.read_text(encoding="utf-8"))]
}
PLATFORM = "urn:li:dataPlatform:nbmlops"


@pytest.fixture(scope="module")
def proposed(lived: Workspace, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    file = tmp_path_factory.mktemp("proposed") / "catalog.json"
    done = lived.store.export("datahub", file, namespace="nbmlops://team (a)")
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    assert (done.entries, done.runs, done.running) == (len(found), 10, ("still_running-1",))
    return found


def last(proposed: list[dict[str, Any]], urn: str) -> dict[str, Any]:
    """What is known of an entity in the end, by aspect."""
    return {one["aspectName"]: one["aspect"]["json"] for one in proposed if one["entityUrn"] == urn}


def dataset(name: str) -> str:
    return f"urn:li:dataset:({PLATFORM},team %28a%29/{name},PROD)"


def named(proposed: list[dict[str, Any]], name: str) -> list[str]:
    """Urns of the runs of that name."""
    about = [one for one in proposed if one["aspectName"] == "dataProcessInstanceProperties"]
    return [one["entityUrn"] for one in about if one["aspect"]["json"]["name"] == name]


def test_each_aspect_holds_to_the_schema_of_datahub(proposed: list[dict[str, Any]]) -> None:
    seen: Counter[str] = Counter()
    for one in proposed:
        assert set(one) == {"entityType", "entityUrn", "changeType", "aspectName", "aspect"}
        assert one["changeType"] == "UPSERT"
        assert re.match(rf"urn:li:{one['entityType']}:", one["entityUrn"])
        schema = ASPECTS[one["aspectName"]]
        assert faults(schema, one["aspect"]["json"], {}, one["aspectName"]) == []
        seen[one["aspectName"]] += 1
    assert set(seen) == set(ASPECTS)


@pytest.mark.parametrize(
    ("aspect", "value", "said"),
    [
        ("status", {"removed": "no"}, "status.removed is no boolean"),
        ("status", {"gone": True}, "status knows no gone"),
        ("subTypes", {}, "subTypes has no typeNames"),
        ("dataJobInfo", {"name": "a", "type": 7}, "dataJobInfo.type is none of the types"),
        ("dataProcessInstanceRunEvent", {"timestampMillis": 1, "status": "DONE"}, "is none of the symbols"),
    ],
)
def test_what_does_not_hold_is_found(aspect: str, value: dict[str, Any], said: str) -> None:
    assert said in faults(ASPECTS[aspect], value, {}, aspect)[0]


def test_a_name_of_data_is_a_dataset_with_columns_owner_and_counts(proposed: list[dict[str, Any]]) -> None:
    people = last(proposed, dataset("flüge"))
    fields = people["schemaMetadata"]["fields"]
    assert [one["fieldPath"] for one in fields] == ["Größe, in cm / Zoll", "email", "late"]
    assert fields[1]["globalTags"] == {"tags": [{"tag": "urn:li:tag:personal.e-mail address"}]}
    assert people["ownership"]["owners"] == [{"owner": "urn:li:corpuser:the delays team", "type": "DATAOWNER"}]
    assert people["datasetProperties"]["description"] == "all of January"
    assert people["datasetProperties"]["customProperties"]["aliases"] == "golden"
    profiles = {one["fieldPath"]: one for one in people["datasetProfile"]["fieldProfiles"]}
    assert profiles["email"] == {"fieldPath": "email", "nullCount": 0, "uniqueCount": 3}
    assert last(proposed, dataset("short"))["datasetProperties"]["customProperties"]["version"] == "short@v2"
    assert last(proposed, dataset("gone"))["status"] == {"removed": True}


def test_a_model_is_a_version_of_a_group_with_the_run_that_trained_it(proposed: list[dict[str, Any]]) -> None:
    model = last(proposed, f"urn:li:mlModel:({PLATFORM},team %28a%29/delay@v1,PROD)")
    told = model["mlModelProperties"]
    (run,) = named(proposed, "gbm-1")
    assert told["trainingJobs"] == [run]
    assert told["groups"] == [f"urn:li:mlModelGroup:({PLATFORM},team %28a%29/delay,PROD)"]
    assert {one["name"]: one["value"] for one in told["hyperParams"]} == {"depth": "4", "rate": "nan", "solver": "saga"}
    assert told["trainingMetrics"][0] == {"name": "auc", "value": "0.9"}
    assert told["customProperties"]["limits"] == "trained on winter, see https://…@wiki.example.org/winter"
    instance = last(proposed, run)
    assert {dataset("flüge"), dataset("wetter")} <= set(instance["dataProcessInstanceInput"]["inputs"])
    outputs = [dataset("clean"), f"urn:li:mlModel:({PLATFORM},team %28a%29/delay@v1,PROD)"]
    assert instance["dataProcessInstanceOutput"]["outputs"] == outputs


def test_a_view_is_a_feature_table_whose_features_come_from_its_data(proposed: list[dict[str, Any]]) -> None:
    table = last(proposed, f"urn:li:mlFeatureTable:({PLATFORM},team %28a%29/carrier_delay)")["mlFeatureTableProperties"]
    assert table["mlFeatures"] == ["urn:li:mlFeature:(team %28a%29/carrier_delay,n)"]
    assert table["mlPrimaryKeys"] == ["urn:li:mlPrimaryKey:(team %28a%29/carrier_delay,late)"]
    assert last(proposed, table["mlFeatures"][0])["mlFeatureProperties"]["sources"] == [dataset("flüge")]


def test_a_step_is_a_job_of_its_pipeline_and_its_run_a_part_of_the_pipeline_s(proposed: list[dict[str, Any]]) -> None:
    flow = "urn:li:dataFlow:(nbmlops,team %28a%29/pipeline/sums,PROD)"
    job = f"urn:li:dataJob:({flow},2_sum)"
    assert last(proposed, job)["dataJobInfo"]["flowUrn"] == flow
    done, failed = (last(proposed, one) for name in ("2_sum-1", "2_sum-2") for one in named(proposed, name))
    (first,) = named(proposed, "sums-1")
    assert done["dataProcessInstanceRelationships"]["parentTemplate"] == job
    assert done["dataProcessInstanceRelationships"]["parentInstance"] == first
    assert last(proposed, first)["dataProcessInstanceRelationships"]["parentTemplate"] == flow
    assert done["dataProcessInstanceRunEvent"]["result"] == {"type": "SUCCESS", "nativeResultType": "finished"}
    assert failed["dataProcessInstanceRunEvent"]["result"] == {"type": "FAILURE", "nativeResultType": "failed"}


def test_what_was_fetched_comes_from_where_it_was(proposed: list[dict[str, Any]]) -> None:
    (source,) = last(proposed, dataset("wetter"))["upstreamLineage"]["upstreams"]
    place = r"127\.0\.0\.1:\d+/in/weather%25201\.parquet"
    assert re.fullmatch(rf"urn:li:dataset:\(urn:li:dataPlatform:http,{place},PROD\)", source["dataset"])


def test_no_value_of_data_no_secret_and_no_folder_of_this_machine_is_in_it(
    lived: Workspace, proposed: list[dict[str, Any]]
) -> None:
    text = json.dumps(proposed, ensure_ascii=False)
    for value in (*VALUES, str(lived.marker.root)):
        assert value not in text


def test_a_second_export_is_the_same_to_the_byte(lived: Workspace, tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    lived.store.export("datahub", one)
    lived.store.export("datahub", other)
    assert one.read_bytes() == other.read_bytes()
