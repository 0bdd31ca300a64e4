"""With real kernels: secrets reach the cells that need them, and nothing that is kept."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.engines import papermill_engines

from nbmlops.core.errors import InvalidError, NotFoundError, StepFailedError
from nbmlops.core.signs import StepProgress
from nbmlops.pipelines.engine import NbmlopsEngine
from nbmlops.pipelines.secret_values import Secrets
from nbmlops.workspace import Workspace
from tests.pipelines.project import write

pytestmark = pytest.mark.notebook

PARAMETERS, VARIABLES, RAISED, SHOWN = (
    [f"{way}-geheim-{number}-\u00e4\"<b>'7f3a9c" for number in range(5)] for way in ("param", "env", "trace", "out")
)
CANARIES = [*PARAMETERS, *VARIABLES, *RAISED, *SHOWN]
TAKEN = "import os\n" + "\n".join(f"p{number}: str = 'secret:P{number}'" for number in range(5))
LENGTHS = "[len(x) for x in (p0, p1, p2, p3, p4)]"
SHOW = """
import sys
from IPython.display import HTML, JSON, display
print(p0, {"key": p1}, flush=True)
print(p2[:9], end="", flush=True)
print(p2[9:], flush=True)
display(HTML(f"<b>{p3}</b>"), JSON({"inner": [p4]}))
for number in range(5):
    print(os.environ[f"APP_{number}_TOKEN"], file=sys.stderr)
    display(HTML(f"<i>{os.environ[f'OUT_{number}_PASSWORD']}</i>"), {"repr": os.environ[f"OUT_{number}_PASSWORD"]})
"""
RAISE = """
class Refused(Exception):
    pass
try:
    raise Refused(os.environ["RAISED_0_SECRET"], os.environ["RAISED_1_SECRET"])
except Refused as error:
    values = [os.environ[f"RAISED_{number}_SECRET"] for number in range(5)]
    raise ConnectionError(f"{p0} at " + " ".join(values)) from error
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number in range(5):
        monkeypatch.setenv(f"P{number}", PARAMETERS[number])
        monkeypatch.setenv(f"APP_{number}_TOKEN", VARIABLES[number])
        monkeypatch.setenv(f"RAISED_{number}_SECRET", RAISED[number])
        monkeypatch.setenv(f"OUT_{number}_PASSWORD", SHOWN[number])
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nknow = ["notebooks/*.ipynb"]\n')
    return root


def found_in(folder: Path, *texts: str) -> list[tuple[str, str]]:
    """Canaries in the bytes of files and in texts, each by the part of it that no escaping changes."""
    held = [(str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file()]
    held += [("a text", text.encode()) for text in texts]
    parts = {canary.partition("\u00e4")[0] for canary in CANARIES}
    assert len(parts) == 20
    return [(name, part) for name, content in held for part in parts if part.encode() in content]


def test_of_twenty_secrets_none_is_in_what_is_kept(root: Path) -> None:
    write(root / "notebooks" / "1_know.ipynb", TAKEN, LENGTHS, SHOW, RAISE)
    signs: list[StepProgress] = []
    with Workspace.init(root) as workspace, pytest.raises(StepFailedError) as failed:
        workspace.pipeline.run("know", progress=signs.append)
    (output,) = (root / ".nbmlops" / "runs").rglob("1_know.ipynb")
    saved = nbformat.read(output, 4)
    lengths = [len(canary) for canary in PARAMETERS]
    assert saved.cells[3].outputs[0].data["text/plain"] == str(lengths)
    assert "ConnectionError: [secret] at [secret]" in str(failed.value)
    assert saved.cells[4].outputs
    assert found_in(root, str(failed.value), *[f"{sign.printed} {sign.why}" for sign in signs]) == []


def test_a_secret_that_is_asked_for_on_the_line_is_kept_as_its_name(root: Path) -> None:
    write(root / "notebooks" / "1_know.ipynb", "password: str = ''", "print(len(password), password)")
    with Workspace.init(root) as workspace:
        done = workspace.pipeline.run("know", {"password": "secret:P1"})
        assert workspace.run.show(done.run.name).params["password"] == "secret:P1"
    (output,) = (root / ".nbmlops" / "runs").rglob("1_know.ipynb")
    saved = nbformat.read(output, 4)
    assert saved.cells[2].source.endswith("password = 'secret:P1'")
    assert saved.cells[4].outputs[0].text == f"{len(PARAMETERS[1])} [secret]\n"
    assert found_in(root) == []


def test_papermill_with_this_engine_keeps_them_out_too(root: Path) -> None:
    papermill_engines.register("nbmlops", NbmlopsEngine)
    write(root / "in.ipynb", "password: str = ''", "print(len(password), password)")
    papermill.execute_notebook(
        root / "in.ipynb", root / "out.ipynb", {"password": "secret:P1"}, engine_name="nbmlops", progress_bar=False
    )
    assert nbformat.read(root / "out.ipynb", 4).cells[4].outputs[0].text == f"{len(PARAMETERS[1])} [secret]\n"
    assert found_in(root) == []


def test_a_secret_that_is_not_there_is_named_before_a_kernel_starts(root: Path) -> None:
    write(root / "notebooks" / "1_know.ipynb", "password: str = 'secret:NO_SUCH_ONE'", "password")
    with Workspace.init(root) as workspace, pytest.raises(NotFoundError, match="there is no secret NO_SUCH_ONE"):
        workspace.pipeline.run("know")
    assert list((root / ".nbmlops").rglob("1_know.ipynb")) == []


def test_a_secret_too_short_to_be_found_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIN", "123")
    with pytest.raises(InvalidError, match="PIN has fewer than 4 characters") as refused:
        Secrets.of({"pin": "secret:PIN"})
    assert "123" not in str(refused.value)


def test_secrets_are_not_in_their_own_representation(root: Path) -> None:
    assert "geheim" not in repr(Secrets.of({"password": "secret:P1"}))
