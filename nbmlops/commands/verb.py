"""One row of the grammar: a verb, its faces, and what it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from nbmlops.core.permissions import needed

__all__ = ["DRAWN", "Face", "Verb"]

Face = Literal["python", "cell", "shell"]

DRAWN = MappingProxyType({"progress": "the face draws the progress itself"})
"""Why a verb that takes long has no such option."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table.

    Attributes
    ----------
    noun : str
        Its noun; empty for the verbs of the workspace.
    name : str
        The verb.
    positionals : str
        What it takes, in order; brackets mean that it may be left out.
    help : str
        What it does, in one line.
    python : str
        Its Python name, below `nbmlops`.
    detail : bool
        Whether it shows everything that is known, and not one line.
    body : str
        What the body of a cell is to it: nothing, ``code``, a ``suite`` or ``settings``.
    exempt : mapping of Face to str
        Faces that do not have it, each with the reason.
    only_here : mapping of str to str
        Options and positionals that are no parameter in Python, each with the reason or with what stands for it.
    only_python : mapping of str to str
        Parameters of the Python name that are no option, each with the reason.
    """

    noun: str
    name: str
    positionals: str
    help: str
    python: str
    detail: bool = False
    body: Literal["", "code", "suite", "settings"] = ""
    exempt: Mapping[Face, str] = field(default_factory=dict)
    only_here: Mapping[str, str] = field(default_factory=dict)
    only_python: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The words that call it, such as ``data save``."""
        return f"{self.noun} {self.name}".strip()

    @property
    def needs(self) -> str:
        """The permission that it needs, by the table in `nbmlops.core.permissions`, which has every verb."""
        return needed(self.noun, self.name)

    @property
    def usage(self) -> str:
        """The words and what they take."""
        return f"{self.words} {self.positionals}".strip()
