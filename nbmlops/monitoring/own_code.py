"""Functions of the user's own: named in words that the catalog can keep, found again, and called.

A function is ``features.py:make``, of a file of the project, ``training.ipynb:make``, of a cell of a notebook, or
``package.module:make``, of what is installed. It is run only in a workspace that its user made or trusts, since the
catalog says which one.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import of_json
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, UntrustedError, nearest

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["OwnCode", "written"]

_FORM = "features.py:make, training.ipynb:make, or package.module:make"
_NOTEBOOK = ".ipynb"


def written(given: str | Callable[..., Any]) -> str:
    """What a function is called in the catalog.

    Raises
    ------
    InvalidError
        When it has no name by which it is found again.
    """
    if isinstance(given, str):
        place, colon, name = given.rpartition(":")
        if not colon or not place or not name.isidentifier():
            raise InvalidError(f"{given!r} names no function", hint=_FORM)
        return given
    module, name = getattr(given, "__module__", None), getattr(given, "__qualname__", "")
    if not module or module == "__main__" or not name.isidentifier():
        raise InvalidError(
            f"{name or type(given).__qualname__} is found by no name when the monitor runs by itself",
            hint=f"save its notebook or its file, and name it: {_FORM}",
        )
    return f"{module}:{name}"


class OwnCode:
    """Functions of one workspace.

    Parameters
    ----------
    root : Path
        Where files are looked for.
    trusted : callable
        Whether the user trusts the workspace.
    """

    def __init__(self, root: Path, trusted: Callable[[], bool]) -> None:
        self._root = root
        self._trusted = trusted

    def function(self, code: str) -> Callable[..., Any]:
        """Find a function.

        Raises
        ------
        UntrustedError
            When the workspace is not trusted.
        NotFoundError
            When there is no such file, notebook, module or function.
        InvalidError
            When its file cannot be run, or its notebook computes what it needs.
        """
        if not self._trusted():
            raise UntrustedError(
                f"a monitor of {self._root} runs {code}, and you have not said that you trust this workspace",
                hint="look at that code, then `ml trust`",
            )
        place, _, name = code.rpartition(":")
        module = self._module(place, name)
        found = getattr(module, name, None)
        if not callable(found):
            names = [each for each, value in vars(module).items() if callable(value)]
            raise NotFoundError(f"{place} has no function {name}", hint=nearest(name, names))
        function: Callable[..., Any] = found
        return function

    def call(self, code: str, *given: Any) -> Any:
        """Call a function.

        Raises
        ------
        InvalidError
            When it raises, with the line in which it did.
        """
        function = self.function(code)
        try:
            return function(*given)
        except Exception as error:  # whatever it raises, there is nothing to judge
            where = getattr(getattr(function, "__code__", None), "co_filename", None)
            lines = [
                line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == where
            ]
            cell = f" of {where}" if code.partition(":")[0].endswith(_NOTEBOOK) else ""
            told = f" in line {lines[-1]}{cell}" if lines else ""
            raise InvalidError(f"{code} raised {type(error).__name__}{told}: {error}") from error

    def _module(self, place: str, name: str) -> ModuleType:
        try:
            if place.endswith(_NOTEBOOK):
                return self._of_notebook(place, name)
            return self._of_file(place) if place.endswith(".py") else import_module(place)
        except ModuleNotFoundError as error:
            if error.name and place.startswith(error.name):
                raise NotFoundError(f"there is no module {place}", hint=f"name its file: {_FORM}") from error
            raise InvalidError(f"{place} needs {error.name}, which is not installed") from error
        except NbmlopsError:
            raise
        except Exception as error:  # it is the user's code
            raise InvalidError(f"{place} cannot be run: {type(error).__name__}: {error}") from error

    def _of_file(self, place: str) -> ModuleType:
        path = self._path(place)
        # Read anew each time: a daemon runs for weeks, and the code changes meanwhile.
        name = f"nbmlops_own_{of_json(os.fspath(path))[:16]}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise InvalidError(f"{place} is no Python file", hint=_FORM)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            with _beside(path):
                spec.loader.exec_module(module)
        finally:
            sys.modules.pop(name, None)
        return module

    def _of_notebook(self, place: str, name: str) -> ModuleType:
        from nbmlops.pipelines.defined import defined_in

        path = self._path(place)
        with _beside(path):
            return defined_in(path, name, place)

    def _path(self, place: str) -> Path:
        path = self._root / place
        if not path.is_file():
            beside = [each.name for each in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
            raise NotFoundError(f"there is no file {place} in {self._root}", hint=nearest(path.name, beside))
        return path


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Import files beside a path by their names, as when it is run itself."""
    sys.path.insert(0, os.fspath(path.parent))
    try:
        yield
    finally:
        sys.path.remove(os.fspath(path.parent))
