from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbmlops
from nbmlops import ml
from nbmlops.core.errors import NotFoundError
from nbmlops.render import text
from nbmlops.workspace.current import forget, workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    forget()


def test_the_current_workspace_is_the_one_around_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml.init()
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert workspace().marker.root == folder
    assert ml.marker.root == folder


def test_it_is_opened_once_and_again_when_its_settings_change(folder: Path) -> None:
    ml.init()
    first = workspace()
    assert workspace() is first
    (folder / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\ndelays = ["a.ipynb"]\n')
    assert workspace() is not first
    assert tuple(ml.settings.pipelines) == ("delays",)
    first.close()


def test_another_folder_is_another_workspace(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        ml.init(folder / name).close()
        monkeypatch.chdir(folder / name)
        assert ml.marker.name == name
    monkeypatch.chdir(folder / "one")
    assert ml.marker.name == "one"


def test_what_needs_no_workspace_does_not_ask_for_one(folder: Path) -> None:
    assert [each.seen for each in ml.doctor().observations if each.what == "workspace"] == ["none here"]
    with pytest.raises(NotFoundError, match="is not in a workspace"):
        _ = ml.data
    assert repr(ml).startswith("<nbmlops: ")


def test_it_says_what_it_is_and_offers_its_services(folder: Path) -> None:
    made = ml.init()
    assert repr(ml) == f"<nbmlops workspace {folder.name}>"
    assert {"data", "run", "check", "model", "pipeline", "store", "status", "doctor"} <= set(dir(ml))
    assert text(made).startswith(f"workspace {folder.name}   no git   no active run")
    assert not hasattr(ml, "_ipython_display_")
    made.close()


def test_the_package_gives_its_names_and_no_others() -> None:
    assert nbmlops.ml is ml
    assert nbmlops.Workspace.__name__ == "Workspace"
    assert nbmlops.Query.__name__ == "Query"
    assert set(nbmlops.__all__) == {"DataRef", "ModelRef", "Query", "Workspace", "__version__", "ml"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nbmlops.nothing


def test_a_forked_child_opens_its_own(folder: Path) -> None:
    script = (
        "import os\n"
        "from nbmlops.workspace.current import workspace\n"
        "first = workspace()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if workspace() is not first else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    ml.init().close()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=folder, env=environment).returncode == 0
