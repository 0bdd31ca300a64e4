"""What differs between two versions of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbmlops.data.diff_records import DataDiff
    from nbmlops.tracking.comparison import CodeChange, Difference

__all__ = ["DataChange", "FeatureChange", "ModelDiff"]


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """A column that a model takes and the other does not, or as another type; or an answer that is another."""

    name: str
    what: Literal["added", "removed", "retyped"]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DataChange:
    """Data that both learnt from in different versions, or only one did.

    `diff` is what differs in it, None where one learnt from none of it, or where it cannot be read; `note` says why.
    """

    name: str
    before: str | None
    after: str | None
    diff: DataDiff | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelDiff:
    """Two versions of models beside each other.

    Attributes
    ----------
    before, after : str
        References of the versions.
    same : bool
        Whether they are one content.
    runs : tuple of str or None
        The runs that made them; None for one that was made in no run, or in one that is not known here.
    facts, params, environment : tuple of Difference
        What differs, by name.
    metrics : tuple of Difference
        What their runs logged last and what the newest reports of each suite measured, where one of them has it.
    features : tuple of FeatureChange
        What differs in what they take and give.
    data : tuple of DataChange
        What differs in what they learnt from.
    code : tuple of CodeChange
        Cells of their runs that differ.
    """

    before: str
    after: str
    same: bool
    runs: tuple[str | None, str | None]
    facts: tuple[Difference, ...] = ()
    params: tuple[Difference, ...] = ()
    metrics: tuple[Difference, ...] = ()
    environment: tuple[Difference, ...] = ()
    features: tuple[FeatureChange, ...] = ()
    data: tuple[DataChange, ...] = ()
    code: tuple[CodeChange, ...] = ()
