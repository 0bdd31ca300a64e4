"""Loads and unloads the notebook face; each can be asked for twice, and does its work once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from nbmlops.core import errors
from nbmlops.jupyter.banner import banner
from nbmlops.jupyter.capture import CellCapture
from nbmlops.jupyter.completion import Matcher
from nbmlops.jupyter.formatters import Formatters
from nbmlops.jupyter.help import Help
from nbmlops.jupyter.magics import MlMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


class _Face:
    """What is added to one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.formatters = Formatters(shell)
        self.magics = MlMagics(shell, self.formatters)
        self.matcher = Matcher(shell)
        self.capture = CellCapture(shell)
        self.help = Help(shell)

    @property
    def _matchers(self) -> list[Any]:
        # A shell without a terminal or a front end may have no completer.
        completer: Any = self.shell.Completer
        return [] if completer is None else completer.custom_matchers

    def add(self) -> None:
        self.formatters.add()
        self.shell.register_magics(self.magics)
        self._matchers.append(self.matcher.match)
        self.capture.add()
        self.help.add()

    def remove(self) -> None:
        self.formatters.remove()
        manager = self.shell.magics_manager
        for kind in ("line", "cell"):
            manager.magics[kind].pop("ml", None)
        manager.registry.pop(type(self.magics).__name__, None)
        if self.matcher.match in self._matchers:
            self._matchers.remove(self.matcher.match)
        self.capture.remove()
        self.help.remove()


_faces: WeakKeyDictionary[InteractiveShell, _Face] = WeakKeyDictionary()


def load(shell: InteractiveShell) -> None:
    """Add the notebook face to a shell and say where one stands."""
    if shell not in _faces:
        _faces[shell] = _Face(shell)
        _faces[shell].add()
        errors.speak("%ml")
        _get_ready_later(shell)
    print(banner())  # noqa: T201 - the one line that the extension prints


_COMMANDS = ("answer", "offers", "params", "data", "run")


def _get_ready_later(shell: InteractiveShell) -> None:
    """Load what the first Tab needs while the kernel waits for the next cell, which the loading did not wait for."""
    loop: Any = getattr(getattr(shell, "kernel", None), "io_loop", None)
    if loop is not None:
        loop.call_later(0.05, _get_ready)


def _get_ready() -> None:
    for name in (*(f"commands.{command}" for command in _COMMANDS), "jupyter.body", "jupyter.line", "workspace.glance"):
        import_module(f"nbmlops.{name}")
    import_module("nbmlops.workspace.root")


def unload(shell: InteractiveShell) -> None:
    """Take the notebook face away again."""
    face = _faces.pop(shell, None)
    if face is not None:
        face.remove()
        if not _faces:
            errors.speak("nbmlops")
