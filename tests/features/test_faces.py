"""Features in a shell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbmlops import ml
from nbmlops.__main__ import main
from nbmlops.workspace.current import forget
from tests.features.conftest import flights

FILE = '''"""Features of flights."""


def speed(distance, air_time):
    """Miles per hour."""
    return distance / air_time * 60
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    ml.init()
    ml.data.save(flights(), "flights")
    yield tmp_path
    forget()


def test_a_shell_defines_a_function_of_a_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def typed(line: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(line.split())
        assert end.value.code == 0, capsys.readouterr()
        return capsys.readouterr().out

    (project / "views.py").write_text(FILE)
    assert typed("feature define views.py:speed --on-demand --inputs distance,air_time").startswith("speed@v1")
    assert typed("feature service inputs speed").startswith("inputs@v1   service")
    flights().to_parquet(project / "spine.parquet")
    assert typed("feature training spine.parquet inputs").startswith("training.inputs@v1   400 rows")
    assert "dead: nobody uses it" not in typed("feature usage speed")
    assert "Miles per hour" in typed("feature show speed")
    assert typed("feature list").count("\n") == 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("feature define speed", "names no function of a file"),
        ("feature define nowhere.py:speed", "there is no file nowhere.py"),
        ("feature define views.py:sped --on-demand", "did you mean speed?"),
        ("feature define broken.py:speed --on-demand", "broken.py does not run: ZeroDivisionError"),
        ("feature shwo speed", "did you mean show?"),
    ],
)
def test_a_slip_in_a_shell_is_answered(project: Path, capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    (project / "views.py").write_text(FILE)
    (project / "broken.py").write_text("1 / 0\n")
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2
    assert said in capsys.readouterr().err
