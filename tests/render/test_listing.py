from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nbmlops import render
from nbmlops.checks.records import Report
from nbmlops.data.records import DataVersion
from nbmlops.features.records import FeatureVersion
from nbmlops.models.records import ModelVersion
from nbmlops.pipelines.linting.finding import Finding
from nbmlops.pipelines.records import Pipeline, PipelineVersion
from nbmlops.tracking.records import Run
from tests.render.samples import NOW, every_record, run, table_version

ROOT = Path(__file__).parents[2]
LISTED = (DataVersion, FeatureVersion, Finding, ModelVersion, Pipeline, PipelineVersion, Report, Run)


def test_a_listing_is_a_sequence_of_its_records() -> None:
    records = [table_version("a"), table_version("b")]
    listing = render.Listing(records, DataVersion)
    assert list(listing) == records
    assert listing[1].name == "b"
    assert listing[:1] == [records[0]]
    assert isinstance(listing[:1], render.Listing)
    assert listing == records
    assert hash(listing) == hash(listing[:])


def test_a_listing_shows_a_table_without_columns_that_say_nothing() -> None:
    shown = str(render.Listing([table_version(message=None, aliases=())], DataVersion))
    head, row = shown.splitlines()
    assert "message" not in head
    assert "aliases" not in head
    assert row.startswith("flights@v4  80,789")


@pytest.mark.parametrize("cls", LISTED, ids=lambda cls: cls.__name__)
def test_an_empty_listing_says_what_to_type(cls: type) -> None:
    empty = render.Listing([], cls)
    assert len(render.text(empty).splitlines()) == 1
    assert render.json(empty) == []
    assert render.html(empty).count("<table") == 0


@pytest.mark.parametrize("cls", LISTED, ids=lambda cls: cls.__name__)
def test_a_listing_gives_values_to_pandas_and_documents_to_programs(cls: type) -> None:
    records = [record for record in every_record("plain") if isinstance(record, cls)]
    listing = render.Listing(records, cls)
    frame = listing.to_pandas()
    assert len(frame) == len(records) > 0
    assert list(frame.columns) == [field.header for field in listing.fields]
    assert len(json.loads(json.dumps(render.json(listing), allow_nan=False))) == len(records)


def test_pandas_gets_numbers_and_times_and_not_their_text() -> None:
    frame = render.Listing([table_version()], DataVersion).to_pandas()
    assert frame["rows"].tolist() == [80_789]
    assert frame["saved"].tolist() == [NOW]


def test_json_has_no_nan_and_no_digits_lost() -> None:
    document = render.json(run(metrics={"auc": float("nan"), "n": 2**60}))
    assert document["metrics"] == {"auc": "nan", "n": 2**60}
    assert document["name"] == "gbm-12"
    assert document["seconds"] == pytest.approx(4.13)
    assert document["started_at"] == NOW.isoformat()


def test_json_takes_what_python_has() -> None:
    import numpy as np

    value = {"a": {3, 1}, "b": b"\xff", "c": Path("x"), "d": np.float64(0.5), "e": np.int64(3), "f": object}
    found = render.json(value)
    assert found | {"f": ""} == {"a": [1, 3], "b": "ff", "c": "x", "d": 0.5, "e": 3, "f": ""}


def test_records_are_made_without_their_looks_and_shown_without_jinja() -> None:
    script = (
        "import sys\n"
        "from nbmlops import render\n"
        "from nbmlops.store.records import Transfer\n"
        "one = Transfer(1, 2, 3, 4)\n"
        "print('nbmlops.render.store_views' in sys.modules)\n"
        "render.text(one)\n"
        "print('nbmlops.render.store_views' in sys.modules, 'jinja2' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "True", "False"]
