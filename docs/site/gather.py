"""Puts the source of the site together: pages that are written, and those made from what the program says of itself."""

from __future__ import annotations

import re
import shutil
import tomllib
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from reference import api_pages, verb_pages

from nbmlops import Workspace
from nbmlops.workspace.current import forget

__all__ = ["gather"]

_SECTIONS = {
    "Begin": ("project",),
    "How to": ("how-to/*",),
    "Data": ("profiles", "erasure", "lineage", "policy"),
    "Runs": ("tracking", "autolog"),
    "Checks": ("checks", "*-checks", "learnt-suites", "drift", "reports"),
    "Features": ("features", "online"),
    "Models": ("registry", "model-formats", "scoring"),
    "Pipelines": ("pipelines", "running", "parameters", "lint", "promotion", "schedules", "ci"),
    "Clusters and other orchestrators": ("cluster", "orchestrators"),
    "Serving and monitoring": ("serving", "deployments", "capture", "monitoring", "estimation", "score", "story"),
    "In Jupyter": ("cells", "panels", "sidebar"),
    "Governance": ("audit", "retention", "access", "catalog", "transparency", "search", "teams"),
    "About": ("architecture", "layers", "security", "comparison"),
}
"""Headings of the sidebar, and which pages of `docs` stand below each; a page that fits none stands below the last."""
_LINK = re.compile(r"(?<![!`\w/])`(docs|notebooks)/([\w/.-]+)\.(md|ipynb)`")
_PICTURE = re.compile(r"docs/pictures/")


def gather(root: Path, notebooks: Path, into: Path) -> None:
    """Write all pages into a folder.

    Parameters
    ----------
    root : Path
        The checkout.
    notebooks : Path
        Folder of the notebooks to show.
    into : Path
        The folder; it is made.
    """
    into.mkdir(parents=True)
    shutil.copytree(root / "docs" / "pictures", into / "pictures")
    written = [path for path in sorted((root / "docs").rglob("*.md")) if "site" not in path.parts]
    names = [path.relative_to(root / "docs").with_suffix("").as_posix() for path in written]
    for path, name in zip(written, names, strict=True):
        _put(into, f"{name}.md", _linked(path.read_text(encoding="utf-8"), name, names, notebooks))
    _put(into, "layers.md", _layers(root))
    _put(into, "comparison.md", _comparison(root))
    tutorials = _tutorials(notebooks, into)
    with TemporaryDirectory() as folder, chdir(folder):
        # A verb's Python name is a method of the services of a workspace.
        Workspace.init(folder).close()
        reference = verb_pages(into)
        forget()
    api = api_pages(into)
    _put(into, "index.md", _index([*names, "layers", "comparison"], tutorials, reference, api))


def _put(into: Path, name: str, text: str) -> None:
    (into / name).parent.mkdir(parents=True, exist_ok=True)
    (into / name).write_text(text, encoding="utf-8")


def _linked(text: str, name: str, names: list[str], notebooks: Path) -> str:
    """The page with a link where it names another page or a tutorial."""
    up = "../" * name.count("/")

    def link(found: re.Match[str]) -> str:
        folder, other, ending = found.groups()
        if folder == "docs" and other in names:
            return f"[`{folder}/{other}.{ending}`]({up}{other}.md)"
        if folder == "notebooks" and (notebooks / f"{other}.ipynb").is_file():
            return f"[`{folder}/{other}.{ending}`]({up}tutorials/{other}.ipynb)"
        return found.group()

    return _LINK.sub(link, text)


def _tutorials(notebooks: Path, into: Path) -> list[str]:
    (into / "tutorials").mkdir()
    shown = []
    for path in sorted(notebooks.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for cell in notebook.cells:
            # Headings go one step at a time, whatever the notebook does; widgets are shown by their still view.
            for output in cell.get("outputs", ()):
                output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        notebook.metadata.pop("widgets", None)
        nbformat.write(notebook, into / "tutorials" / path.name)  # type: ignore[no-untyped-call]
        shown.append(f"tutorials/{path.stem}")
    return shown


def _layers(root: Path) -> str:
    """The layers, as the contract in ``pyproject.toml`` has them."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["id"] == "layers")
    rows = "\n".join(f"| {' · '.join(_packages(layer))} |" for layer in layers)
    others = "\n".join(f"- {each['name']}" for each in contracts if each["id"] != "layers")
    return f"""# Layers

Imports only point downward, and packages in one line never meet. Each test run enforces it. [](architecture.md) tells
what each package is for.

| from the top down |
|---|
{rows}

What is enforced besides:

{others}
"""


def _packages(layer: str) -> list[str]:
    return [f"`{one.strip(' ()')}`" for one in layer.split("|")]


def _comparison(root: Path) -> str:
    """What the README says was measured, with its tables."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    measured = readme.split("\n## Measured\n")[1].split("\n## ")[0]
    return f"# Beside the others\n\nThese are the tables of the README. `make bench` prints them.\n{measured}"


def _index(names: list[str], tutorials: list[str], reference: list[str], api: list[str]) -> str:
    left = [name for name in names if not name.startswith("formats/")]
    parts = {}
    for heading, patterns in _SECTIONS.items():
        fit = [name for pattern in patterns for name in left if Path(name).match(pattern)]
        parts[heading] = list(dict.fromkeys(fit))
        left = [name for name in left if name not in fit]
    parts["About"] += left
    formats = [name for name in names if name.startswith("formats/")]
    parts = {"Begin": parts.pop("Begin"), "Tutorials": tutorials, **parts}
    parts |= {"Verbs": reference, "Python": api, "Formats": formats}
    trees = "\n".join(_tree(heading, pages) for heading, pages in parts.items() if pages)
    return f"""# nbmlops

MLOps in notebook cells: one line versions data or a model, records a run, checks a table, or promotes the notebook to a
scheduled pipeline step. The same sentence works in Python, in a cell (`%ml`) and in a shell (`nbmlops`).

![Five cells in JupyterLab: a save, a check that finds two rows, a run with its metric](pictures/cells.png)

New here? [](tutorials/0_tour.ipynb) takes five minutes. You come from another tool? See *How to*. You look for a verb?
See *Verbs*. The search works offline.

{trees}
"""


def _tree(heading: str, pages: list[str]) -> str:
    depth = 1
    return "\n".join([f"```{{toctree}}\n:caption: {heading}\n:maxdepth: {depth}\n:hidden:\n", *pages, "```\n"])
