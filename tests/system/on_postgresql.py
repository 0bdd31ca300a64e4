"""Lets tests run on PostgreSQL: each gets a catalog of its own, a schema of the database that the environment names.

A plugin of pytest: ``POSTGRESQL_FOR_TESTS=URL python -m pytest -p tests.system.on_postgresql TESTS``.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_numbers = itertools.count()


def _fresh(server: str) -> str:
    name = f"of_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create schema {name}".encode())
    return f"{server}?options=-csearch_path%3D{name}"


@pytest.fixture(scope="module", autouse=True)
def _catalog_of_a_module(home: Path) -> Iterator[str]:
    # `home` first: it takes the variables of whoever runs the tests away.
    with pytest.MonkeyPatch.context() as environment:
        url = _fresh(os.environ["POSTGRESQL_FOR_TESTS"])
        environment.setenv("NBMLOPS_CATALOG", url)
        yield url


@pytest.fixture(autouse=True)
def _catalog_of_a_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "filled" not in request.fixturenames:  # which is made once for a module
        monkeypatch.setenv("NBMLOPS_CATALOG", _fresh(os.environ["POSTGRESQL_FOR_TESTS"]))
