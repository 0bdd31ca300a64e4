"""The places that an object store may lie in: a disk, memory, S3, and S3 behind a proxy that fails."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from nbmlops.core.clock import SystemClock
from nbmlops.store.catalog import Catalog
from nbmlops.store.objects import ObjectStore
from tests.contracts.fault_proxy import FaultProxy, Faults

PLACES = ("folder", "memory", "s3", "s3 that fails")
FAULTS = Faults(errors=0.10, stalls=0.05, truncations=0.02, resets=0.02, stall=0.4)
_numbers = itertools.count()


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """Port of an S3 server on this machine."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def bucket(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, and an environment that leads to its server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_port}")
    monkeypatch.setenv("NBMLOPS_REMOTE_TIMEOUT", "0.3")
    name = f"bucket-{next(_numbers)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return f"s3://{name}"


@pytest.fixture
def proxy(bucket: str, s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A proxy before the bucket's server, through which all requests go; it fails when its faults are set."""
    with FaultProxy(s3_port, Faults(), seed=int(os.environ.get("NBMLOPS_SOAK_SEED", "3"))) as one:
        monkeypatch.setenv("AWS_ENDPOINT_URL", one.url)
        yield one


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store may lie."""
    match request.param:
        case "folder":
            return str(tmp_path / "place")
        case "memory":
            return f"memory://place-{os.getpid()}-{next(_numbers)}"
        case "s3":
            return f"{request.getfixturevalue('bucket')}/prefix"
        case _:
            bucket = request.getfixturevalue("bucket")
            request.getfixturevalue("proxy").faults = FAULTS
            return f"{bucket}/prefix"


@pytest.fixture
def store_at(tmp_path: Path) -> Iterator[Callable[[str], ObjectStore]]:
    """Opens a store at a place, with a new catalog for each call."""
    catalogs = []

    def open_(place: str) -> ObjectStore:
        catalog = Catalog(f"sqlite:///{tmp_path / f'{len(catalogs)}.db'}")
        catalog.create()
        catalogs.append(catalog)
        return ObjectStore(place, catalog, SystemClock())

    yield open_
    for catalog in catalogs:
        catalog.close()
