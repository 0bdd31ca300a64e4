"""Files and folders are saved from S3, also through a network that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from nbmlops.core.errors import ConflictError, NotFoundError, UnavailableError
from nbmlops.workspace import Workspace
from tests.contracts.conftest import FAULTS
from tests.contracts.fault_proxy import FaultProxy, Faults

FRAME = pd.DataFrame({"id": range(300_000), "x": np.random.default_rng(0).normal(size=300_000)})


def put(bucket: str, key: str, content: bytes) -> None:
    boto3.client("s3").put_object(Bucket=bucket.removeprefix("s3://"), Key=key, Body=content)


@pytest.mark.parametrize("faults", [Faults(), FAULTS])
def test_a_table_and_a_folder_come_whole(bucket: str, proxy: FaultProxy, faults: Faults, tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "flights.parquet")
    put(bucket, "in/flights.parquet", (tmp_path / "flights.parquet").read_bytes())
    for number in range(60):
        put(bucket, f"many/{number % 5}/{number}.txt", f"{number}".encode())
    put(bucket, "many/", b"")  # as consoles mark a folder
    proxy.faults = faults
    with Workspace.init(tmp_path / "project") as workspace:
        saved = workspace.data.save(f"{bucket}/in/flights.parquet")
        assert (saved.format, saved.source) == ("table", f"{bucket}/in/flights.parquet")
        pd.testing.assert_frame_equal(workspace.data.load("flights"), FRAME)
        folder = workspace.data.save(f"{bucket}/many/")
        assert (folder.ref, folder.format) == ("many@v1", "folder")
        at = workspace.data.load("many")
        found = {path.name: path.read_text() for path in at.rglob("*.txt")}
        assert found == {f"{number}.txt": f"{number}" for number in range(60)}


def test_what_s3_refuses_is_told(bucket: str, proxy: FaultProxy, tmp_path: Path) -> None:
    put(bucket, "x.csv", b"a\n1\n")
    with Workspace.init(tmp_path / "project") as workspace:
        with pytest.raises(NotFoundError, match=r"there is nothing at s3://.*/y\.csv"):
            workspace.data.save(f"{bucket}/y.csv")
        with pytest.raises(UnavailableError, match=r"the bucket of s3://no-such-bucket/y\.csv does not exist"):
            workspace.data.save("s3://no-such-bucket/y.csv")
        proxy.faults = Faults(denials=1.0)
        with pytest.raises(UnavailableError, match="does not let you in"):
            workspace.data.save(f"{bucket}/x.csv")
        assert workspace.data.list() == []


def test_a_shell_saves_from_a_bucket(bucket: str, tmp_path: Path) -> None:
    put(bucket, "x.csv", b"a\n1\n")
    with Workspace.init(tmp_path) as workspace:
        line = [sys.executable, "-m", "nbmlops", "data", "save", f"{bucket}/x.csv", "flights", "--as", "table"]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "flights@v1" in done.stdout, done.stderr
        assert workspace.data.load("flights").a.tolist() == [1]


def test_what_stays_in_a_bucket_is_read_there_while_it_is_the_same(bucket: str, tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "flights.parquet")
    put(bucket, "in/flights.parquet", (tmp_path / "flights.parquet").read_bytes())
    with Workspace.init(tmp_path / "project") as workspace:
        tracked = workspace.data.track(f"{bucket}/in/flights.parquet")
        assert tracked.etag is not None
        pd.testing.assert_frame_equal(workspace.data.load("flights", where="id < 9"), FRAME.head(9))
        assert workspace.data.track(f"{bucket}/in/", "folder").tracked == "folder"
        put(bucket, "in/flights.parquet", b"x")
        said = r'1 bytes, etag "\w+" → "\w+"'
        with pytest.raises(ConflictError, match=f"has changed since flights@v1 was tracked: .* → {said}"):
            workspace.data.load("flights")
        with pytest.raises(ConflictError, match="has changed since folder@v1 was tracked"):
            workspace.data.load("folder")


def test_a_delta_table_in_a_bucket_is_read_at_its_version(bucket: str, tmp_path: Path) -> None:
    table = pa.Table.from_pandas(FRAME.head(100))
    options = {"allow_http": "true", "aws_conditional_put": "etag"}
    write_deltalake(f"{bucket}/delta", table, storage_options=options)
    with Workspace.init(tmp_path / "project") as workspace:
        tracked = workspace.data.track(f"{bucket}/delta", "ext")
        assert (tracked.tracked, tracked.rows) == ("delta", 100)
        write_deltalake(f"{bucket}/delta", table, storage_options=options, mode="overwrite")
        pd.testing.assert_frame_equal(workspace.data.load("ext"), FRAME.head(100))
