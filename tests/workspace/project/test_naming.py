from __future__ import annotations

import pytest

from nbmlops.core.errors import InvalidError
from nbmlops.workspace.project.naming import package_of


@pytest.mark.parametrize(
    ("name", "package"), [("flights", "flights"), ("flights-late", "flights_late"), ("a_1-b", "a_1_b")]
)
def test_a_name_gives_a_package(name: str, package: str) -> None:
    assert package_of(name) == package


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Flights Late", "flights-late"),
        ("3flights", "project-3flights"),
        ("verspätet", "versp-tet"),
        ("../flights", "flights"),
        ("flights-", "flights"),
        ("", "project"),
    ],
)
def test_what_is_no_name_is_refused_with_the_nearest_that_is(name: str, nearest: str) -> None:
    with pytest.raises(InvalidError, match="is no name of a Python package") as error:
        package_of(name)
    assert error.value.hint == f"`nbmlops init --project {nearest}`"
    assert package_of(nearest)


@pytest.mark.parametrize("name", ["class", "json", "pandas", "nbmlops", "tests"])
def test_a_name_that_is_imported_as_something_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidError, match="imports") as error:
        package_of(name)
    assert error.value.hint == f"`nbmlops init --project my-{name}`"


@pytest.mark.parametrize("name", ["load", "list"])
def test_a_verb_is_no_name_of_data(name: str) -> None:
    with pytest.raises(InvalidError, match="is a verb"):
        package_of(name)


def test_a_very_long_name_is_refused() -> None:
    with pytest.raises(InvalidError, match="at most 40"):
        package_of("a" * 41)
