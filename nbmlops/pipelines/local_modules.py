"""Modules of the project that a notebook imports, found without importing anything.

A change in ``helpers.py`` beside a notebook changes what the notebook does, so its content is a part of the
step's key; only installed distributions go by version. The import system's order holds (Python reference,
5.4 and 5.5): in each folder a package before a module, and a folder without ``__init__`` only where no folder
has either.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.syntax import parsed
from nbmlops.pipelines.cells import NotebookContent, code_cells

if TYPE_CHECKING:
    from nbmlops.pipelines.plan import Home, Plan

__all__ = ["LocalCode", "Seen", "circumstances", "code_of", "imported_by", "is_local", "local_code", "search_path"]

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


@dataclass(slots=True)
class Seen:
    """What was looked at already, by whoever looks at many notebooks at one moment: each folder and file once.

    Attributes
    ----------
    paths : dict
        Folder, root -> where modules are searched for.
    places : dict
        Name, folders -> the file of a module, and where its submodules lie.
    files : dict
        File, package -> the digest of its content, and what it imports.
    """

    paths: dict[tuple[Path, Path], tuple[Path, ...]] = field(default_factory=dict)
    places: dict[tuple[str, tuple[Path, ...]], tuple[Path | None, tuple[Path, ...]]] = field(default_factory=dict)
    files: dict[tuple[Path, tuple[str, ...]], tuple[str, tuple[tuple[str, ...], ...]]] = field(default_factory=dict)


def code_of(plan: Plan, step: str, root: Path, seen: Seen | None = None) -> LocalCode:
    """What a step imports, from where its plan says that its code lies, else from the project; see `local_code`."""
    seen = seen or Seen()
    if plan.home is None:
        return imported_by(plan.notebooks[step], plan.folders[step], root, seen=seen)
    return imported_by(plan.notebooks[step], plan.folders[step], plan.home.root, plan.home.path, seen)


def imported_by(
    notebook: NotebookContent, folder: Path, root: Path, more: Sequence[Path] = (), seen: Seen | None = None
) -> LocalCode:
    """What a notebook imports that runs in a folder, looked for in `more` folders too; see `local_code`."""
    seen = seen or Seen()
    trees = (cell.tree for cell in code_cells(notebook))
    if (path := seen.paths.get((folder, root))) is None:
        path = seen.paths[folder, root] = search_path(folder, root)
    return local_code(trees, (*path, *more), root, seen)


def circumstances(notebook: NotebookContent, folder: Path, root: Path, home: Home | None = None) -> dict[str, Any]:
    """What an executed notebook says of where it ran (``metadata.nbmlops``), for whoever executes it again."""

    def place(path: Path) -> str:
        inside = path.resolve().is_relative_to(root.resolve())
        return path.resolve().relative_to(root.resolve()).as_posix() if inside else str(path.resolve())

    if home is None:
        return {"folder": place(folder), "modules": dict(imported_by(notebook, folder, root).files)}
    own = imported_by(notebook, folder, home.root, home.path)
    lies = {"root": place(home.root), "path": [place(entry) for entry in home.path]}
    return {"folder": place(folder), "modules": dict(own.files), "home": lies}


def search_path(folder: Path, root: Path) -> tuple[Path, ...]:
    """Where a notebook's own modules may lie: its folder, the project, its ``src``, and entries of the path inside it.

    A notebook that puts ``src`` on its path by a line of its own does so later than this can be known.

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
    return tuple(dict.fromkeys((folder.resolve(), root, *(one for one in (*own, root / "src") if one.is_dir()))))


def is_local(name: str, places: Sequence[Path]) -> bool:
    """Whether an import of the top-level module `name` finds it in `places`, or a folder of that name there."""
    file, below = _find(name, places)
    return file is not None or bool(below)


def local_code(trees: Iterable[ast.AST], places: Sequence[Path], root: Path, seen: Seen | None = None) -> LocalCode:
    """Digest the files that some code imports from `places`, and those that they import in turn.

    Parameters
    ----------
    trees : iterable of ast.AST
        The code.
    places : sequence of Path
        Folders to search, as `search_path` gives them.
    root : Path
        The project's folder.
    seen : Seen, optional
        What was looked at for others at the same moment.
    """
    walk = _Walk(tuple(places), seen or Seen())
    for tree in trees:
        walk.read(tree)
    base = root.resolve()
    named = {path.relative_to(base) if path.is_relative_to(base) else path: held for path, held in walk.found.items()}
    files = {path.as_posix(): digest for path, digest in sorted(named.items())}
    return LocalCode(files, frozenset(walk.imports))


@dataclass(slots=True)
class _Walk:
    places: tuple[Path, ...]
    seen: Seen
    found: dict[Path, str] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)

    def read(self, tree: ast.AST) -> None:
        """Follow what the code of a notebook imports."""
        # A list of what is still to be looked at: a long chain of modules would exceed the recursion limit.
        waiting = [tuple(_imports(tree, ()))]
        while waiting:
            for name in waiting.pop():
                self.imports.add(name[0])
                # Our own code goes by version, also where it is the project.
                if name[0] != "nbmlops":
                    waiting += self._take(name)

    def _take(self, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ...]]:
        """Keep the files that an import of the dotted `name` executes; give what the new ones import."""
        everything = name[-1:] == ("*",)
        folders = self.places
        for depth in range(1, len(name) + 1 - everything):
            file, folders = self._find(name[depth - 1], folders)
            if file is not None:
                is_package = file.stem == "__init__"
                yield self._keep(file, name[:depth] if is_package else name[: depth - 1])
            if file is None and not folders:
                return
        if everything and len(name) > 1:
            # Its `__all__` may name any of them.
            for path in sorted(entry for folder in folders for entry in folder.glob("*.py")):
                yield self._keep(path, name[:-1])

    def _find(self, name: str, folders: tuple[Path, ...]) -> tuple[Path | None, tuple[Path, ...]]:
        if (place := self.seen.places.get((name, folders))) is None:
            place = self.seen.places[name, folders] = _find(name, folders)
        return place

    def _keep(self, file: Path, package: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        if file in self.found:
            return ()
        if (held := self.seen.files.get((file, package))) is None:
            held = self.seen.files[file, package] = _read(file, package)
        self.found[file] = held[0]
        return held[1]


def _read(file: Path, package: tuple[str, ...]) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """The digest of a file of a package, and what it imports."""
    content = file.read_bytes()
    imports: tuple[tuple[str, ...], ...] = ()
    if file.suffix in SOURCE_SUFFIXES:
        # What cannot be read says so itself, in the cell that imports it.
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            imports = tuple(_imports(parsed(content), package))
    return digests.of_bytes(content), imports


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
