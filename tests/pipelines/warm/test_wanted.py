from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nbmlops.pipelines.warm.wanted import Wanted, leading_imports

if TYPE_CHECKING:
    from nbformat import NotebookNode


def notebook_of(*sources: str, kernel: str = "python3") -> NotebookNode:
    cells = [new_markdown_cell("# A step"), *map(new_code_cell, sources)]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": kernel, "display_name": kernel}})


def found(*sources: str, places: tuple[Path, ...] = ()) -> list[str]:
    return [line for line in leading_imports(notebook_of(*sources), places) if "nbmlops" not in line]


def test_imports_are_made_ahead_until_the_notebook_does_something_else() -> None:
    assert found(
        "'''Months'''\nfrom __future__ import annotations\nmonth: int = 1\nbig = -1e9", "import pandas as pd"
    ) == ["import pandas as pd"]
    assert found("import os\nos.environ['OMP_NUM_THREADS'] = '1'\nimport numpy") == ["import os"]
    assert found("import warnings\nwarnings.filterwarnings('ignore')", "import sklearn") == ["import warnings"]
    assert found("%env MPLBACKEND=agg\nimport matplotlib") == []
    assert found("!pip install x\nimport x") == []
    assert found("try:\n    import polars\nexcept ImportError:\n    pass\nimport pandas") == []
    assert found("from . import x", "import pandas") == []
    assert found("x = f()", "import pandas") == []
    assert found("import pandas", "this is no Python", "import numpy") == ["import pandas"]


def test_what_nbmlops_itself_imports_is_made_ahead_once_where_a_notebook_uses_it() -> None:
    ours = list(leading_imports(notebook_of("%load_ext nbmlops", "from nbmlops import ml\nimport pandas"), ()))
    assert ours[-1] == "import pandas"
    assert len(set(ours)) == len(ours)
    assert all("nbmlops" in line for line in ours[:-1])
    for line in ours:
        exec(line, {})
    assert found("%load_ext nbmlops", "%%ml step\nretries: 2", "import pandas") == ["import pandas"]
    assert found("%load_ext nbmlops", "%ml data load flights", "import pandas") == []
    assert found("%load_ext autoreload", "import pandas") == []


def test_a_module_of_the_project_ends_the_list(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").touch()
    (tmp_path / "space").mkdir()
    assert found("import pandas\nimport helpers\nimport numpy", places=(tmp_path,)) == ["import pandas"]
    assert found("import pandas\nfrom space.deep import x\nimport numpy", places=(tmp_path,)) == ["import pandas"]


def test_another_folder_or_variable_or_kernel_is_another_wish(tmp_path: Path) -> None:
    notebook = notebook_of("import json")
    one = Wanted.of(notebook, tmp_path, tmp_path)
    assert one is not None
    assert one == Wanted.of(notebook_of("import json", "1"), tmp_path, tmp_path)
    assert one != Wanted.of(notebook_of("import csv"), tmp_path, tmp_path)
    assert one != Wanted.of(notebook, tmp_path.parent, tmp_path)
    assert Wanted.of(notebook, tmp_path / "gone", tmp_path) is None
    assert Wanted.of(notebook_of("1", kernel="julia-9"), tmp_path, tmp_path) is None
