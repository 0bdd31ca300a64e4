from __future__ import annotations

import ast
import json
import stat
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.__main__ import main
from nbmlops.core.errors import ConflictError, UnsupportedError
from nbmlops.pipelines.linting.fixing import Draft, Fixes
from nbmlops.pipelines.linting.lint import lint
from nbmlops.pipelines.linting.notebook_text import rewritten
from nbmlops.render.dispatch import text
from nbmlops.workspace import Workspace
from tests.pipelines.linting.test_lint import CLEAN, PLANTED

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}


def content(*sources: str, tags: tuple[str, ...] = ("parameters",), first: str = "") -> dict[str, Any]:
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate((first, *sources))
    ]
    cells[0]["metadata"] = {"tags": list(tags)} if tags else {}
    return {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}


def written(folder: Path, notebook: dict[str, Any], **style: Any) -> Path:
    path = folder / "n.ipynb"
    path.write_text(json.dumps(notebook, **{"indent": 1, "ensure_ascii": False, **style}) + "\n", encoding="utf-8")
    return path


def fixed(folder: Path, *sources: str, **options: Any) -> list[str]:
    """The sources of the cells after a fix, below the cell of parameters when that is empty."""
    path = written(folder, content(*sources, **options))
    Draft(path).write()
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    return cells if cells[0] else cells[1:]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from numpy.random import default_rng\nrng = default_rng()", "default_rng(0)"),
        ("from numpy.random import default_rng\nrng = default_rng(None)", "default_rng(0)"),
        ("from numpy.random import default_rng\nrng = default_rng(seed=None)", "default_rng(seed=0)"),
        ("import random\nr = random.Random()", "random.Random(0)"),
        ("import numpy as np\nx = np.random.rand(3)\ny = np.random.rand(3)", "np\nnp.random.seed(0)\nx = np.random"),
        ("import numpy as np\nx = '''\n'''; y = np.random.rand(3)", "np\nnp.random.seed(0)\nx = '''\n'''; y ="),
        ("import random as r\n@r.choice\ndef f(x): return r.random()", "r\nr.seed(0)\n@r.choice\ndef f"),
        ("import random as r\nfor i in [1]:\n    r.random()", "r\nr.seed(0)\nfor i in [1]:\n    r.random()"),
        ("from sklearn.manifold import TSNE\nt = TSNE()", "TSNE(random_state=0)"),
        ("from sklearn.manifold import TSNE\nt = TSNE(2)", "TSNE(2, random_state=0)"),
        ("from sklearn.manifold import TSNE\nt = TSNE((2))", "TSNE((2), random_state=0)"),
        ("from sklearn.manifold import TSNE\nt = TSNE(random_state=None)", "TSNE(random_state=0)"),
        ("from sklearn.manifold import TSNE\nt = TSNE(\n    2,\n)", "TSNE(\n    2, random_state=0,\n)"),
        ("from sklearn.manifold import TSNE\nt = TSNE(\n    2,  # two\n)", "TSNE(\n    2,  # two\n random_state=0)"),
        ("from sklearn.manifold import TSNE\nt = TSNE(\n    2  # (a, b\n)", "TSNE(\n    2  # (a, b\n, random_state=0)"),
        ("from sklearn.manifold import TSNE\né = 'ü'; t = TSNE(é)", "é = 'ü'; t = TSNE(é, random_state=0)"),
        ("import pandas as p\nx = p.DataFrame().sample(n=1)", "sample(n=1, random_state=0)"),
        ("import polars as p\nx = p.DataFrame().sample(n=1)", "sample(n=1, seed=0)"),
    ],
)
def test_a_draw_is_given_a_seed_and_nothing_else_changes(tmp_path: Path, before: str, after: str) -> None:
    (source,) = fixed(tmp_path, before)
    assert after in source
    assert "unseeded" not in [one.rule for one in lint(content(source), "n.ipynb")]


@pytest.mark.parametrize(
    "source",
    [
        "%%time\nimport numpy as np\nnp.random.rand(3)",
        "from numpy.random import rand\nrand(3)",
        "import pandas, polars\nx = object().sample(n=1)",
        "from sklearn.utils import shuffle\nx = shuffle(*[i for i in 'ab'] or x)",
        "x = f'/home/{1}/a'",
        "%cd /home/ann",
        "!cat /home/ann/a.csv",
        "import pandas as pd\ndf = pd.read_csv('a.csv', sep=';')",
        "import pandas as pd\ndf = pd.read_csv('nowhere.csv')",
        "match 'x':\n    case '/home/ann': pass",
    ],
)
def test_what_a_person_has_to_decide_is_left_or_still_python(tmp_path: Path, source: str) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    before = {one.message for one in lint(content(source), "n.ipynb") if one.severity == "error"}
    (result,) = fixed(tmp_path, source)
    after = {one.message for one in lint(content(result), "n.ipynb") if one.severity == "error"}
    assert after <= before
    assert result.startswith("%") is source.startswith("%")
    assert "/home" not in source or "/home" in result


def test_the_cell_of_defaults_is_tagged_and_without_one_a_cell_is_put_above_the_code(tmp_path: Path) -> None:
    path = written(tmp_path, content("month: int = 5\nname = 'x'", "print(month, name)", tags=(), first="import os"))
    Draft(path).write()
    notebook = nbformat.read(path, 4)
    assert [cell.metadata.get("tags") for cell in notebook.cells] == [None, ["parameters"], None]
    path = written(tmp_path, content("x = 1", tags=(), first="print(1)"))
    Draft(path).write()
    notebook = nbformat.read(path, 4)
    assert [cell.metadata.get("tags") for cell in notebook.cells] == [["parameters"], None, None]
    assert notebook.cells[0].source == "# Values that a run can set: name: type = default"
    nbformat.validate(notebook)


def test_paths_become_relative_or_parameters(tmp_path: Path) -> None:
    inside = str(tmp_path / "data" / "a.csv")
    cells = fixed(
        tmp_path, f"open({inside!r})", "raw_path = 1\nopen('/mnt/raw.csv')\nopen('/mnt/raw.csv')", first="x = 1"
    )
    assert cells == [
        "x = 1\nraw_path_2 = '/mnt/raw.csv'",
        "open('data/a.csv')",
        "raw_path = 1\nopen(raw_path_2)\nopen(raw_path_2)",
    ]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    return Workspace.init(tmp_path)


READER = "import pandas as pd\ndf = pd.read_csv('flights.csv')"


def test_a_table_is_saved_and_the_notebook_loads_the_same_by_name(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "flights.csv").write_text("carrier,delay\nUA,1.5\n,\n")
    path = written(tmp_path, content(READER, "df"))
    fixes = workspace.pipeline.fix(str(path), yes=True)
    assert fixes.saves == ("flights",)
    source = "".join(json.loads(path.read_text())["cells"][1]["source"])
    assert source == 'import pandas as pd\nfrom nbmlops import ml\ndf = ml.data.load("flights")'
    pd.testing.assert_frame_equal(workspace.data.load("flights"), pd.read_csv(tmp_path / "flights.csv"))
    again = written(tmp_path, content(READER, "df"))
    assert not workspace.pipeline.fix(str(again)).saves, "the name means something already"


def test_without_an_answer_the_diff_is_given_and_nothing_is_written(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content(READER, tags=()))
    (tmp_path / "flights.csv").write_text("a\n1\n")
    before = path.read_bytes()
    fixes = workspace.pipeline.fix(str(path))
    assert isinstance(fixes, Fixes)
    assert not fixes.written
    assert path.read_bytes() == before
    assert not workspace.data.list()
    shown = text(fixes)
    assert "not written: --yes writes it" in shown
    assert '+df = ml.data.load("flights")' in shown
    assert "+# tags: parameters" in shown


def exit_code(*words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return ended.value.code


def test_a_shell_writes_it_with_yes_and_its_exit_code_tells_of_what_is_left(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content("import random\nrandom.random()\nopen('/mnt/raw.csv')"))
    assert exit_code("lint", str(path)) == 1
    assert exit_code("lint", str(path), "--fix", "--yes") == 0
    assert "2 findings fixed, 1 left   written" in capsys.readouterr().out
    assert exit_code("lint", str(path), "--fix", "--yes") == 0
    assert "0 findings fixed, 1 left" in capsys.readouterr().out


def test_a_file_that_changed_since_it_was_read_is_not_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path, content("import random\nrandom.random()"))
    draft = Draft(path)
    written(tmp_path, content("x = 1"))
    with pytest.raises(ConflictError, match="has changed in the meantime"):
        draft.write()
    assert "x = 1" in path.read_text()


STYLES: tuple[dict[str, Any], ...] = (
    {},
    {"indent": 4},
    {"indent": "\t"},
    {"indent": None},
    {"indent": None, "separators": (",", ":")},
    {"ensure_ascii": True},
    {"indent": 2, "sort_keys": True},
)
FAULTS = ["month = 1", "import numpy as np", "x = np.random.rand(3)  # é 😀", "open('/mnt/ü.csv')", "print(x, month)"]


@pytest.mark.parametrize("style", STYLES, ids=map(str, STYLES))
@pytest.mark.parametrize("as_lines", [True, False])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_lines_that_change_differ_in_the_file(
    tmp_path: Path, style: dict[str, Any], as_lines: bool, newline: str
) -> None:
    notebook = content(*FAULTS, tags=(), first="'''kept as it is'''\n\n\n")
    notebook["metadata"]["own"] = {"z": 1, "a": [1.50, 1e3, "\u2028"]}
    notebook["cells"][3]["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["é\n", "x"]}]
    if as_lines:
        for cell in notebook["cells"]:
            cell["source"] = cell["source"].splitlines(keepends=True)
    path = written(tmp_path, notebook, **style)
    path.write_bytes(path.read_bytes().replace(b"\n", newline.encode()))
    path.chmod(0o640)
    before = path.read_bytes()
    draft = Draft(path)
    draft.write()
    after = path.read_bytes()
    nbformat.validate(nbformat.reads(after.decode(), 4))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.rule for one in draft.change.left] == ["absolute-path"]
    assert json.loads(after)["metadata"] == notebook["metadata"]
    assert json.loads(after)["cells"][4]["outputs"] == notebook["cells"][3]["outputs"]
    assert after.isascii() == before.isascii()
    assert (b"\r\n" in after) == (b"\r\n" in before)
    if style.get("indent", 1) is not None and as_lines:
        gone = set(before.splitlines()) - set(after.splitlines())
        assert len(gone) <= 4, gone
    assert Draft(path).change.diff == ""


@given(
    st.lists(
        st.sampled_from([*CLEAN.values(), *(source for *_, cells in PLANTED.values() for source in cells)]), max_size=6
    ),
    st.booleans(),
    st.sampled_from([None, 1, 2]),
)
def test_whatever_is_fixed_no_error_is_new_and_only_sources_and_tags_change(
    tmp_path_factory: pytest.TempPathFactory, sources: list[str], tagged: bool, indent: int | None
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = written(folder, content(*sources, tags=("parameters",) if tagged else ()), indent=indent)
    before = json.loads(path.read_text(encoding="utf-8"))
    draft = Draft(path)
    draft.write()
    after = json.loads(path.read_text(encoding="utf-8"))
    found, left = lint(before, path), lint(after, path)
    assert len(left) <= len(found)
    assert sum(one.severity == "error" for one in left) <= sum(one.severity == "error" for one in found)
    kept = [cell for cell in after["cells"] if cell["id"] in {cell["id"] for cell in before["cells"]}]
    assert len(kept) == len(before["cells"])
    for old, new in zip(before["cells"], kept, strict=True):
        assert {**old, "source": 0, "metadata": 0} == {**new, "source": 0, "metadata": 0}
    assert {**before, "cells": 0} == {**after, "cells": 0}
    nbformat.validate(nbformat.reads(json.dumps(after), 4))


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT, min_size=1), st.data(), st.sampled_from([None, 1, 4]), st.booleans())
def test_any_source_can_be_written_in_place(
    sources: list[str], data: st.DataObject, indent: int | None, ascii_only: bool
) -> None:
    cells = [{"metadata": {"a": 1}, "source": source.splitlines(keepends=True)} for source in sources]
    file = json.dumps({"cells": cells, "x": "cells"}, indent=indent, ensure_ascii=ascii_only)
    before = [{"place": place, "metadata": {"a": 1}, "source": source} for place, source in enumerate(sources)]
    after = [{**cell, "source": data.draw(TEXT), "metadata": {"a": 1, "tags": ["t"]}} for cell in before]
    changed = json.loads(rewritten(file, before, after))
    assert [("".join(cell["source"]), cell["metadata"]) for cell in changed["cells"]] == [
        (cell["source"], cell["metadata"]) for cell in after
    ]
    assert rewritten(file, before, before) == file


def test_a_file_whose_cells_stand_twice_is_refused() -> None:
    cell: dict[str, Any] = {"place": 0, "metadata": {}, "source": "x"}
    file = '{"cells": [{"source": "x", "source": "x", "metadata": {"tags": ["a"], "tags": []}}]}'
    assert json.loads(rewritten(file, [cell], [{**cell, "source": "y"}]))["cells"][0]["source"] == "y"
    with pytest.raises(UnsupportedError, match="cannot be changed in place"):
        rewritten(file, [cell], [{**cell, "source": "y", "place": 0}, {**cell, "place": 0}])


def test_what_is_fixed_stays_the_same_program_but_for_the_seed(tmp_path: Path) -> None:
    (source,) = fixed(tmp_path, "from sklearn.manifold import TSNE\nmake = lambda: TSNE(n_components=2)")
    (call,) = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert [keyword.arg for keyword in call.keywords] == ["n_components", "random_state"]
