"""A real Feast joins the same features to the same rows."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbmlops.workspace import Workspace

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-feast" / "bin" / "python"
START = pd.Timestamp("2024-03-30", tz="UTC")


def fast(source: pd.DataFrame) -> pd.DataFrame:
    return source[["driver", "at", "speed"]]


def made_again(source: pd.DataFrame) -> pd.DataFrame:
    return source[["driver", "gate", "at", "created", "wait"]]


def rows(count: int, seed: int, *, ties: bool = False) -> pd.DataFrame:
    """Rows of some drivers and gates over three days, late and out of order; with `ties` several of one time."""
    random = np.random.default_rng(seed)
    step = 3_600 if ties else 7
    frame = pd.DataFrame(
        {
            "driver": random.integers(0, 40, count),
            "gate": random.choice(["A", "B", "C"], count),
            "at": START + pd.to_timedelta(random.integers(0, 3 * 86_400 // step, count) * step, unit="s"),
            "speed": random.normal(size=count),
            "wait": random.normal(size=count),
        }
    )
    made = START - pd.Timedelta(days=9) + pd.to_timedelta(random.permutation(count), unit="s")
    return frame.assign(created=made)


def of_feast(folder: Path, spine: pd.DataFrame, tables: dict[str, pd.DataFrame], asked: dict[str, Any]) -> pd.DataFrame:
    assert PYTHON.exists(), "there is no environment with Feast: make test-system makes it"
    folder.mkdir()
    spine.rename(columns={"event": "event_timestamp"}).to_parquet(folder / "spine.parquet")
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    (folder / "asked.json").write_text(json.dumps(asked))
    client = ROOT / "tests" / "system" / "feast_client.py"
    done = subprocess.run([PYTHON, client, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(folder / "answer.parquet").rename(columns={"event_timestamp": "event"})


@pytest.mark.parametrize("ttl", [None, 3_600, 6 * 3_600])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_training_set_is_what_feast_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ttl: int | None, zone: str
) -> None:
    monkeypatch.chdir(tmp_path)
    spine = rows(2_000, 1).drop_duplicates(["driver", "gate", "at"])[["driver", "gate", "at"]]
    spine = spine.rename(columns={"at": "event"}).reset_index(drop=True)
    spine["row"] = range(len(spine))
    plain, tied = rows(3_000, 2).drop_duplicates(["driver", "at"]), rows(6_000, 3, ties=True)
    tied = tied.drop_duplicates(["driver", "gate", "at"])
    span = f"{ttl}s" if ttl else None
    views = [
        {"name": "fast", "entities": ["driver"], "time": "at", "ttl": ttl, "features": ["speed"]},
        {"name": "made_again", "entities": ["driver", "gate"], "time": "at", "ttl": ttl, "features": ["wait"]},
    ]
    views[1]["created"] = "created"
    tables = {"fast": fast(plain), "made_again": made_again(tied)}
    theirs = of_feast(tmp_path / "theirs", spine, tables, {"views": views})
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(plain.assign(at=plain["at"].dt.tz_convert(zone)), "plain")
        workspace.data.save(tied.assign(at=tied["at"].dt.tz_convert(zone)), "tied")
        workspace.feature.define(fast, entity="driver", from_="plain", time="at", ttl=span)
        workspace.feature.define(made_again, entity="driver,gate", from_="tied", time="at", ttl=span)
        made = workspace.feature.training(spine, ["fast", "made_again"], time="event", name="ours")
        ours = workspace.data.load(made.ref).set_index("row")
    # Feast leaves out rows of the spine all of whose candidates are too old; here they are there, without a value.
    theirs = theirs.set_index("row").sort_index()
    assert len(ours) == len(spine)
    assert 0.2 * len(spine) < len(theirs) <= len(spine)
    for feature in ("speed", "wait"):
        pd.testing.assert_series_equal(ours.loc[theirs.index, feature], theirs[feature], check_index_type=False)
        assert theirs[feature].notna().sum() > 300


def test_of_several_rows_of_one_time_feast_takes_one_and_we_the_one_that_was_made_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Feast 0.67 sorts by the time of making and then by the event time, but by a sort that is not stable.
    monkeypatch.chdir(tmp_path)
    spine = rows(500, 1).drop_duplicates(["driver", "gate", "at"])[["driver", "gate", "at"]]
    spine = spine.rename(columns={"at": "event"}).assign(row=range(len(spine)))
    tied = rows(6_000, 3, ties=True)
    asked = {"name": "made_again", "entities": ["driver", "gate"], "time": "at", "ttl": None, "features": ["wait"]}
    given = {"views": [{**asked, "created": "created"}]}
    theirs = of_feast(tmp_path / "theirs", spine, {"made_again": made_again(tied)}, given).set_index("row")
    with Workspace.init(tmp_path) as workspace:
        workspace.data.save(tied, "tied")
        workspace.feature.define(made_again, entity="driver,gate", from_="tied", time="at")
        made = workspace.feature.training(spine, ["made_again"], time="event", name="ours")
        ours = workspace.data.load(made.ref).set_index("row")
    several = 0
    for row in theirs.itertuples():
        same = tied[(tied.driver == row.driver) & (tied.gate == row.gate) & (tied["at"] <= row.event)]
        same = same[same["at"] == same["at"].max()].sort_values("created")
        several += len(same) > 1
        if len(same):
            assert ours.wait[row.Index] == same.wait.iloc[-1]
            assert row.wait in set(same.wait)
    assert several > 100
