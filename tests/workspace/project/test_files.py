"""What is written parses, whatever the columns are called."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core.settings import Settings
from nbmlops.workspace.project.files import METRICS, files_of
from nbmlops.workspace.project.records import Kind, Table

NASTY = ['"', "'''", "\\", "a\nb", "{{ x }}", "{% raw %}", "`", "#", "ü", "\x7f", "a: b", "%ml", "{1/0}"]
words = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))


def a_table(kind: Kind = "binary", **changed: Any) -> Table:
    values = {"numbers": ("x",), "categories": ("colour",), "times": ("seen",), "left_out": {"id": "it counts"}}
    return Table("y", kind, 100, 100, 0.6, **{**values, "suite": "x: number", **changed})


def written(table: Table, *, example: bool = False) -> dict[str, str]:
    return files_of("some-things", "some_things", "some_things.csv", table, example=example)


def parsed(files: dict[str, str]) -> dict[str, Any]:
    """Each file as what it is."""
    found: dict[str, Any] = {}
    for path, text in files.items():
        if path.endswith(".py"):
            found[path] = ast.parse(text)
        elif path.endswith(".toml"):
            found[path] = tomllib.loads(text)
        elif path.endswith((".yml", ".yaml")):
            found[path] = yaml.safe_load(text)
        elif path.endswith(".ipynb"):
            found[path] = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
            nbformat.validate(found[path])
    return found


@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize("example", [True, False])
def test_files_of_every_kind_parse(kind: Kind, example: bool) -> None:
    found = parsed(written(a_table(kind), example=example))
    settings_table = found["pyproject.toml"]["tool"]["nbmlops"]
    assert Settings.read(settings_table, {}).gates["some_things"]["metric"] == METRICS[kind]
    assert {path.split("/")[0] for path in found} >= {"notebooks", "src", "tests", "scripts", "deploy", ".github"}


@settings(max_examples=40)
@given(words, st.lists(words, unique=True, max_size=4), words)
def test_names_of_columns_are_literals_and_nothing_else(target: str, columns: list[str], why: str) -> None:
    table = a_table(numbers=tuple(columns), left_out={target: why})
    table = Table(target, *[getattr(table, name) for name in list(Table.__slots__)[1:]])
    files = written(table)
    found = parsed(files)
    assert found["pyproject.toml"]["tool"]["nbmlops"]["gates"]["some_things"]["target"] == target
    names: dict[str, Any] = {}
    exec(compile(found["src/some_things/columns.py"], "columns.py", "exec"), names)
    assert (names["TARGET"], names["NUMBERS"], names["LEFT_OUT"]) == (target, columns, {target: why})
    others = {
        path: text for path, text in files.items() if path not in {"src/some_things/columns.py", "pyproject.toml"}
    }
    plain = written(a_table(numbers=tuple(columns)))
    assert {path for path, text in others.items() if text != plain[path]} <= {"README.md"}


def test_what_others_read_is_of_their_schemas(tmp_path: Path) -> None:
    schemas = {".github/workflows/tests.yml": "vendor.github-workflows", "deploy/compose.yml": "vendor.compose-spec"}
    for path, schema in schemas.items():
        file = tmp_path / path.rsplit("/", maxsplit=1)[1]
        file.write_text(written(a_table())[path], encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_outputs_are_stripped_and_nothing_else_is_changed(tmp_path: Path) -> None:
    script = tmp_path / "strip.py"
    script.write_text(written(a_table())["scripts/strip_outputs.py"], encoding="utf-8")
    clean = json.loads(written(a_table())["notebooks/1_ingest.ipynb"])
    path = tmp_path / "1.ipynb"
    executed = json.loads(json.dumps(clean))
    for cell in executed["cells"]:
        if cell["cell_type"] == "code":
            cell.update(execution_count=3, outputs=[{"output_type": "stream", "name": "stdout", "text": ["secret"]}])
    path.write_text(json.dumps(executed), encoding="utf-8")

    def run() -> int:
        return subprocess.run([sys.executable, str(script), str(path)], check=False, capture_output=True).returncode

    assert run() == 1
    assert json.loads(path.read_text(encoding="utf-8")) == clean
    before = path.read_bytes()
    assert run() == 0
    assert path.read_bytes() == before
