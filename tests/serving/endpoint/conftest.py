"""One endpoint for the tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbmlops import Workspace
from nbmlops.serving.endpoint.records import Endpoint
from tests.serving.endpoint.places import Client, flights, project


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with project(tmp_path_factory.mktemp("served")) as workspace:
        workspace.data.save(flights(60), "weather")
        yield workspace


@pytest.fixture(scope="module")
def endpoint(workspace: Workspace) -> Iterator[Endpoint]:
    endpoint = workspace.serve("delay@production", max_body=256 * 1024, background="weather@v1")
    assert isinstance(endpoint, Endpoint)
    yield endpoint
    workspace.serve(stop=True)


@pytest.fixture(scope="module")
def client(endpoint: Endpoint) -> Client:
    return Client.of(endpoint)
