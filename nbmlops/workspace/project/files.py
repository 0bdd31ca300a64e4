"""The files of a new project, from templates; what comes from the user's table is written as literals only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbmlops.core.version import __version__
from nbmlops.workspace.project.notebooks import notebook
from nbmlops.workspace.project.records import Table

__all__ = ["METRICS", "files_of"]

METRICS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "r2"}
"""What a model of each kind is judged by."""
_WORDS = {"binary": "one of two classes", "multiclass": "one of several classes", "regression": "a number"}
_MADE_UP = {"binary": [0, 1], "multiclass": [0, 1, 2], "regression": []}
_FEW = 1_000
_TEMPLATES = Path(__file__).parent / "templates"


def files_of(name: str, package: str, file: str, table: Table, *, example: bool) -> dict[str, str]:
    """Give the files of a project, by their path from its folder.

    Parameters
    ----------
    name, package : str
        Its name, and that of its package.
    file : str
        What the table is called in ``data/raw``.
    table : Table
        What was found of it.
    example : bool
        Whether it is the one that scikit-learn carries.
    """
    environment = _environment()
    values = _values(name, package, file, table, example=example)
    found = {}
    for template in environment.list_templates():
        text = environment.get_template(template).render(values)
        path = _place(template.removesuffix(".j2"), package, name)
        found[path] = notebook(text) if path.endswith(".ipynb") else text
    found[f"checks/{package}.suite"] = f"{table.suite}\n"
    return found | dict.fromkeys(("data/raw/.gitkeep", "data/processed/.gitkeep"), "")


def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701 - it writes Python and TOML, and no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _place(template: str, package: str, name: str) -> str:
    hidden = {"gitignore": ".gitignore", "dockerignore": ".dockerignore", "tests.yml": ".github/workflows/tests.yml"}
    hidden |= {"pre-commit-config.yaml": ".pre-commit-config.yaml", "src/init.py": f"src/{package}/__init__.py"}
    hidden |= {"deploy/serve.service": f"deploy/{name}-serve.service"}
    return hidden.get(template, template.replace("src/", f"src/{package}/", 1))


def _values(name: str, package: str, file: str, table: Table, *, example: bool) -> dict[str, Any]:
    metric = METRICS[table.kind]
    floors = {"roc_auc": 0.55, "accuracy": min(0.99, round(table.common + 0.01, 2)), "r2": 0.05}
    return {
        "name": name,
        "package": package,
        "file": file,
        "raw_path": f"data/raw/{package}.csv",
        "example": example,
        "kind": table.kind,
        "kind_words": _WORDS[table.kind],
        "metric": metric,
        "floor": floors[metric],
        # Trees learn a small table by heart, unless they are held back.
        "rate": 0.1 if table.known >= _FEW else 0.05,
        "leaves": 15 if table.known >= _FEW else 4,
        "rows_in_leaf": min(20, max(3, table.known // 20)),
        "inputs": len(table.numbers) + len(table.categories) + len(table.times),
        "classes": _MADE_UP[table.kind],
        "target_literal": _literal(table.target),
        "target_toml": _literal(table.target).replace("\x7f", "\\u007f"),
        "target_shown": _in_backticks(table.target),
        "file_shown": _in_backticks(file),
        "numbers": _listed(table.numbers),
        "categories": _listed(table.categories),
        "times": _listed(table.times),
        "left_out": _mapped(table.left_out),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "version": __version__,
    }


def _literal(text: str) -> str:
    """A text as Python and TOML write it: what JSON escapes, both read."""
    return json.dumps(text, ensure_ascii=False)


def _in_backticks(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def _listed(names: Iterable[str]) -> str:
    lines = [f"    {_literal(name)},\n" for name in names]
    return f"[\n{''.join(lines)}]" if lines else "[]"


def _mapped(reasons: Mapping[str, str]) -> str:
    lines = [f"    {_literal(name)}: {_literal(why)},\n" for name, why in reasons.items()]
    return f"{{\n{''.join(lines)}}}" if lines else "{}"
