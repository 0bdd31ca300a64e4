"""Modules of the project that a notebook imports, found without importing anything.

A change in ``helpers.py`` beside a notebook changes what the notebook does, so its content is a part of the
step's key; only installed distributions go by version. The import system's order holds (Python reference,
5.4 and 5.5): in each folder a package before a module, and a folder without ``__init__`` only where no folder
has either.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.pipelines.cells import NotebookContent, code_cells

if TYPE_CHECKING:
    from nbmlops.pipelines.plan import Plan

__all__ = ["LocalCode", "circumstances", "code_of", "imported_by", "is_local", "local_code", "search_path"]

_SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES)
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class LocalCode:
    """What some code imports from the project, and from anywhere.

    Attributes
    ----------
    files : mapping of str to str
        Path below the project (or, outside of it, the whole path) -> digest of the file's content.
    imports : frozenset of str
        Top-level modules that the code and these files import.
    """

    files: Mapping[str, str]
    imports: frozenset[str]


def code_of(plan: Plan, step: str, root: Path) -> LocalCode:
    """What a step imports, from where its plan says that its code lies, else from the project; see `local_code`."""
    if plan.home is None:
        return imported_by(plan.notebooks[step], plan.folders[step], root)
    return imported_by(plan.notebooks[step], plan.folders[step], plan.home.root, plan.home.path)


def imported_by(notebook: NotebookContent, folder: Path, root: Path, more: Sequence[Path] = ()) -> LocalCode:
    """What a notebook imports that runs in a folder, looked for in `more` folders too; see `local_code`."""
    trees = (cell.tree for cell in code_cells(notebook))
    return local_code(trees, (*search_path(folder, root), *more), root)


def circumstances(notebook: NotebookContent, folder: Path, root: Path) -> dict[str, Any]:
    """What an executed notebook says of where it ran (``metadata.nbmlops``), for whoever executes it again."""
    inside = folder.resolve().is_relative_to(root.resolve())
    place = folder.resolve().relative_to(root.resolve()).as_posix() if inside else str(folder.resolve())
    return {"folder": place, "modules": dict(imported_by(notebook, folder, root).files)}


def search_path(folder: Path, root: Path) -> tuple[Path, ...]:
    """Where a notebook's own modules may lie: its folder, the project, and entries of the path inside it.

    Parameters
    ----------
    folder : Path
        Folder that the notebook runs in.
    root : Path
        The project's folder.
    """
    root = root.resolve()
    entries = (Path(entry or ".").resolve() for entry in sys.path)
    own = (entry for entry in entries if entry.is_relative_to(root) and not _INSTALLED & set(entry.parts))
    return tuple(dict.fromkeys((folder.resolve(), root, *(entry for entry in own if entry.is_dir()))))


def is_local(name: str, places: Sequence[Path]) -> bool:
    """Whether an import of the top-level module `name` finds it in `places`, or a folder of that name there."""
    file, below = _find(name, places)
    return file is not None or bool(below)


def local_code(trees: Iterable[ast.AST], places: Sequence[Path], root: Path) -> LocalCode:
    """Digest the files that some code imports from `places`, and those that they import in turn.

    Parameters
    ----------
    trees : iterable of ast.AST
        The code.
    places : sequence of Path
        Folders to search, as `search_path` gives them.
    root : Path
        The project's folder.
    """
    walk = _Walk(tuple(places))
    for tree in trees:
        walk.read(tree, ())
    base = root.resolve()
    named = {path.relative_to(base) if path.is_relative_to(base) else path: held for path, held in walk.found.items()}
    files = {path.as_posix(): digests.of_bytes(content) for path, content in sorted(named.items())}
    return LocalCode(files, frozenset(walk.imports))


@dataclass(slots=True)
class _Walk:
    places: tuple[Path, ...]
    found: dict[Path, bytes] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)

    def read(self, tree: ast.AST, package: tuple[str, ...]) -> None:
        """Follow what `tree`, in a module of `package`, imports."""
        # A list of what is still to be read: a long chain of modules would exceed the recursion limit.
        waiting = [(tree, package)]
        while waiting:
            code, holder = waiting.pop()
            for name in _imports(code, holder):
                self.imports.add(name[0])
                # Our own code goes by version, also where it is the project.
                if name[0] != "nbmlops":
                    waiting += self._take(name)

    def _take(self, name: tuple[str, ...]) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
        """Keep the files that an import of the dotted `name` executes; give the trees of the new ones."""
        everything = name[-1:] == ("*",)
        folders = self.places
        for depth in range(1, len(name) + 1 - everything):
            file, folders = _find(name[depth - 1], folders)
            if file is not None:
                is_package = file.stem == "__init__"
                yield from self._keep(file, name[:depth] if is_package else name[: depth - 1])
            if file is None and not folders:
                return
        if everything and len(name) > 1:
            # Its `__all__` may name any of them.
            for path in sorted(entry for folder in folders for entry in folder.glob("*.py")):
                yield from self._keep(path, name[:-1])

    def _keep(self, file: Path, package: tuple[str, ...]) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
        if file in self.found:
            return
        content = self.found[file] = file.read_bytes()
        if file.suffix in SOURCE_SUFFIXES:
            try:
                yield ast.parse(content), package
            except (SyntaxError, ValueError, RecursionError):
                return  # the step says so, in the cell that imports it


def _find(name: str, folders: Sequence[Path]) -> tuple[Path | None, tuple[Path, ...]]:
    """Find the file of a module in `folders`, and where its submodules lie; a namespace has no file."""
    namespace = []
    for folder in folders:
        inner = folder / name
        for stem, below in ((inner / "__init__", (inner,)), (inner, ())):
            for suffix in _SUFFIXES:
                file = stem.with_name(stem.name + suffix)
                if file.is_file():
                    return file, below
        if inner.is_dir():
            namespace.append(inner)
    return None, tuple(namespace)


def _imports(tree: ast.AST, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Dotted names that code imports; ``from a import b`` may mean a module b of a."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level > len(package):
                continue  # beyond the top: it fails when it runs
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            yield from ((*base, alias.name) for alias in node.names)
