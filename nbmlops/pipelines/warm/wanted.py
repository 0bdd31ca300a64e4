"""What a warm kernel has to be for a notebook: its kernel, folder, environment, and what it has imported.

Only those imports are made ahead before which the notebook does nothing else: what they do to warnings, variables or
each other they then do at the same point as in a cold kernel. So a notebook that sets ``OMP_NUM_THREADS`` first finds
numpy not yet imported.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.pipelines.cells import code_cells
from nbmlops.pipelines.local_modules import is_local, search_path
from nbmlops.tracking.ipython_syntax import read_magic

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import NotebookContent

__all__ = ["Wanted", "leading_imports"]

# What our own names import when they are first used; none of it does anything but to define names.
_OURS = (
    "import nbmlops.jupyter.extension",
    "import nbmlops.workspace.root",
    "import nbmlops.data.saving, nbmlops.data.loading, nbmlops.data.layout, nbmlops.data.table_files",
    "import nbmlops.tracking.service, nbmlops.tracking.ending, nbmlops.models.autolog",
    "import nbmlops.store.catalog, nbmlops.store.objects",
)
# Lines that give a notebook its verbs, and say how it wants to run.
_FACE = {("line", "load_ext", "nbmlops"), ("cell", "ml", "step")}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a kernel has to be; one that is equal will do.

    Attributes
    ----------
    kernel : str
        Name of the kernel specification.
    cwd : Path
        Folder that it runs in.
    environment : tuple of (str, str)
        Variables of this process, which the kernel inherits when it is started.
    imports : tuple of str
        Statements that it has executed.
    """

    kernel: str
    cwd: Path
    environment: tuple[tuple[str, str], ...]
    imports: tuple[str, ...]

    @classmethod
    def of(cls, notebook: NotebookContent, cwd: Path, root: Path) -> Wanted | None:
        """What a notebook that runs in the folder `cwd` of the project at `root` wants.

        Gives None where no kernel can be started, and for one that does not run this Python: what is installed for
        it is not known here.
        """
        name = str((notebook["metadata"].get("kernelspec") or {}).get("name"))
        if not cwd.is_dir() or not _runs_this_python(name):
            return None
        imports = tuple(leading_imports(notebook, search_path(cwd, root)))
        return cls(name, cwd, tuple(sorted(os.environ.items())), imports)


def leading_imports(notebook: NotebookContent, places: Sequence[Path]) -> Iterator[str]:
    """Give the import statements before which a notebook does nothing but to assign constants.

    Parameters
    ----------
    notebook : mapping
        The notebook.
    places : sequence of Path
        Where the project's own modules lie, as `local_modules.search_path` gives them: an import of one ends the list,
        since it may do anything, and may change before the step runs.
    """
    has_ours = False
    for cell in code_cells(notebook):
        if cell.parsed.tree is None:
            return
        for node in cell.tree.body:
            names = _imported(node)
            if names is None and not _is_idle(node):
                return
            if any(is_local(name, places) for name in names or ()):
                return
            if "nbmlops" in (names or ()):
                yield from () if has_ours else _OURS
                has_ours = True
            elif names:
                yield ast.unparse(node)


def _imported(node: ast.stmt) -> tuple[str, ...] | None:
    """Top-level modules that a statement imports; None when it is no import."""
    match node:
        case ast.Import(names=names):
            return tuple(alias.name.partition(".")[0] for alias in names)
        case ast.ImportFrom(module="__future__"):
            return ()
        case ast.ImportFrom(module=str(module), level=0):
            return (module.partition(".")[0],)
        case ast.Expr(value=ast.Call() as call) if magic := read_magic(call):
            return ("nbmlops",) if (magic.kind, magic.name, magic.text.strip()) in _FACE else None
    return None


def _is_idle(node: ast.stmt) -> bool:
    """Whether a statement only names a constant, or is one, as a cell of parameters does."""
    match node:
        case (
            ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            return _is_constant(value)
        case ast.Expr(value=ast.Constant()):
            return True
    return False


def _is_constant(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _runs_this_python(name: str) -> bool:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        command: list[Any] = KernelSpecManager().get_kernel_spec(name).argv
    except NoSuchKernel:
        return False
    # A bare name is this very program for jupyter_client, whatever the PATH says.
    major, minor = sys.version_info[:2]
    own = {"python", f"python{major}", f"python{major}.{minor}", sys.executable}
    return "ipykernel_launcher" in command and command[0] in own
