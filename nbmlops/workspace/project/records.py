"""What a new project is, and what was found of the table that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Project", "Table"]

Kind = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True, slots=True)
class Table:
    """What was found of a table.

    Attributes
    ----------
    target : str
        The column with what is to be predicted.
    kind : {"binary", "multiclass", "regression"}
        What that is: one of two classes, one of more, or a number.
    rows : int
        How many rows there are, and `known` how many of them have a target.
    common : float
        The share of the most frequent class; 0 of numbers.
    numbers, categories, times : tuple of str
        The columns that go into the model, by how they do.
    left_out : mapping of str to str
        The columns that do not, each with the reason.
    suite : str
        The suite that was learnt from it.
    """

    target: str
    kind: Kind
    rows: int
    known: int
    common: float
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    times: tuple[str, ...]
    left_out: Mapping[str, str]
    suite: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project that was made, or would be.

    Attributes
    ----------
    name : str
        Its name; `package` is the one of its code, its data, its model and its pipeline.
    folder : str
        Where it is.
    target, kind : str
        What is predicted, as `Table` has it.
    rows, inputs : int
        How many rows the table has, and how many columns go into the model.
    left_out : mapping of str to str
        The columns that do not, each with the reason.
    made : tuple of str
        The files that are new, from the project's folder.
    kept : tuple of str
        The files that were there already and were left as they are.
    git : str
        What became of git.
    written : bool
        Whether anything was written; False for a dry run.
    """

    name: str
    package: str
    folder: str
    target: str
    kind: Kind
    rows: int
    inputs: int
    left_out: Mapping[str, str]
    made: tuple[str, ...]
    kept: tuple[str, ...]
    git: str
    written: bool = True
