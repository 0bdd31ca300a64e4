"""Which files of the project a notebook's imports execute."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from nbmlops.pipelines.local_modules import local_code, search_path


def found(root: Path, code: str, folder: str = "notebooks") -> list[str]:
    return list(local_code([ast.parse(code)], search_path(root / folder, root), root).files)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "notebooks/helpers.py": "import shared.text\nimport json, numpy",
        "shared/__init__.py": "",
        "shared/text.py": "from . import words\nfrom .deep import *",
        "shared/words.py": "from ..beyond import nothing",
        "shared/deep/__init__.py": "from ..words import x",
        "shared/deep/one.py": "",
        "space/inner/part.py": "import helpers",
        "src/library.py": "import library",
        "broken.py": "def (",
        "unused.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


TEXT = ["shared/__init__.py", "shared/deep/__init__.py", "shared/deep/one.py", "shared/text.py", "shared/words.py"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import helpers", ["notebooks/helpers.py", *TEXT]),
        ("def late():\n    from helpers import something", ["notebooks/helpers.py", *TEXT]),
        ("import shared", ["shared/__init__.py"]),
        ("from shared import words", ["shared/__init__.py", "shared/words.py"]),
        ("from shared import absent", ["shared/__init__.py"]),
        ("import shared.words as w", ["shared/__init__.py", "shared/words.py"]),
        ("from shared.deep import one", ["shared/__init__.py", "shared/deep/__init__.py", "shared/deep/one.py"]),
        ("import space.inner.part", ["notebooks/helpers.py", *TEXT, "space/inner/part.py"]),
        ("import space", []),
        ("import broken", ["broken.py"]),
        ("import json, numpy.linalg, library", ["src/library.py"]),
        ("from . import helpers", []),
    ],
)
def test_imports_lead_to_the_files_that_they_execute(root: Path, code: str, expected: list[str]) -> None:
    names = found(root, code)
    if "shared.deep import one" in code:
        expected = [*expected, "shared/words.py"]
    assert names == sorted(expected)


def test_folders_of_the_path_inside_the_project_count_but_what_is_installed_there_does_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "lib").mkdir()
    (root / "lib" / "own.py").write_text("")
    installed = root / ".venv" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "unheard.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(root / "lib"), str(installed)])
    assert found(root, "import library, own, unheard") == ["lib/own.py", "src/library.py"]


def test_a_package_hides_a_module_and_a_namespace_of_its_name(root: Path) -> None:
    (root / "shared.py").write_text("")
    (root / "notebooks" / "shared").mkdir()
    assert found(root, "import shared") == ["shared/__init__.py"]


def test_the_content_is_what_counts(root: Path) -> None:
    tree = [ast.parse("import unused")]
    before = local_code(tree, search_path(root, root), root).files
    (root / "unused.py").write_text("x = 1")
    after = local_code(tree, search_path(root, root), root).files
    assert before.keys() == after.keys() == {"unused.py"}
    assert before != after


def test_a_chain_of_modules_may_be_long_and_closed(tmp_path: Path) -> None:
    for number in range(1_500):
        (tmp_path / f"m{number}.py").write_text(f"import m{(number + 1) % 1_500}")
    assert len(found(tmp_path, "import m0", ".")) == 1_500


def test_what_the_projects_modules_import_counts_as_imported(root: Path) -> None:
    code = local_code([ast.parse("import helpers")], search_path(root / "notebooks", root), root)
    assert code.imports >= {"helpers", "json", "numpy"}
