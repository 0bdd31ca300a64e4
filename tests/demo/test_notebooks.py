from __future__ import annotations

from pathlib import Path

import pytest

from nbmlops.core.errors import NotFoundError
from nbmlops.demo.notebooks import tutorials


def folder_with(parent: Path, name: str, *files: str) -> Path:
    (parent / name).mkdir(parents=True)
    for file in files:
        (parent / name / file).write_text("{}")
    return parent


def test_a_checkout_gives_its_own_notebooks_in_order() -> None:
    names = [file.name for file in tutorials()]
    assert names == sorted(names)
    assert {"1_ingest.ipynb", "5_evaluate.ipynb"} <= set(names)


def test_an_installed_package_gives_those_that_it_carries(tmp_path: Path) -> None:
    package = folder_with(tmp_path / "package", "tutorials", "2_b.ipynb", "1_a.ipynb", "picture.png")
    checkout = folder_with(tmp_path / "checkout", "notebooks", "9_other.ipynb")
    assert [file.name for file in tutorials(package, checkout)] == ["1_a.ipynb", "2_b.ipynb"]


def test_a_damaged_installation_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no tutorial notebooks") as error:
        tutorials(tmp_path, tmp_path)
    assert error.value.hint is not None
