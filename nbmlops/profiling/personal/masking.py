"""A profile without what is personal in it: as it is kept with a version, and as any profile is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.profiling.moments import Moments
from nbmlops.profiling.personal.hiding import hidden
from nbmlops.profiling.personal.kinds import masked
from nbmlops.profiling.personal.signs import kind_by_name, personal_kind

if TYPE_CHECKING:
    from nbmlops.profiling.records import ColumnProfile, Pairs, Profile

__all__ = ["mask_column", "masked_profile"]


def masked_profile(profile: Profile) -> Profile:
    """The profile without values of persons; one that has none is given back as it is.

    Of a personal column of text the values are masked, so that their counts still tell one distribution from another;
    of numbers and times the histogram is kept, and no value. What is personal among other texts is masked.
    """
    columns = tuple(map(mask_column, profile.columns))
    if all(one is other for one, other in zip(columns, profile.columns, strict=True)):
        return profile
    personal = {column.name for column in columns if column.personal}
    return replace(profile, columns=columns, comoments=profile.comoments.without(personal))


def mask_column(column: ColumnProfile, kind: str = "") -> ColumnProfile:
    """A column without values of persons; `kind` is what it is known to hold, where it does not tell itself."""
    if column.personal or column.kind in {"boolean", "other", "nothing"}:
        return column
    if column.kind == "text":
        kind = kind or kind_by_name(column.name) or personal_kind(column.signs)
        return _masked_texts(column, kind) if kind else _masked_among(column)
    largest = column.moments.max if column.kind == "number" and column.moments.count else None
    kind = kind or kind_by_name(column.name, largest=largest) or personal_kind(column.signs)
    if not kind:
        return column
    told = column.distinct
    return replace(column, personal=kind, told=told, moments=Moments(), counts=None, sketch=None, hashes=None)


def _masked_texts(column: ColumnProfile, kind: str) -> ColumnProfile:
    counts = None if column.counts is None else _summed((masked(text), count) for text, count in column.counts)
    return replace(column, personal=kind, told=column.distinct, counts=counts, common=(), hashes=None)


def _masked_among(column: ColumnProfile) -> ColumnProfile:
    """A column of texts with masks in the place of those few that are personal."""
    found = {key: getattr(column, key) or () for key in ("counts", "common")}
    shown = {text: mask for pairs in found.values() for text, _ in pairs if (mask := hidden(text)) != text}
    if not shown:
        return column
    changed: dict[str, Any] = {
        key: _summed((shown.get(text, text), count) for text, count in pairs) for key, pairs in found.items() if pairs
    }
    if "common" in changed:
        changed["common"] = tuple(sorted(changed["common"], key=lambda pair: (-pair[1], pair[0])))
    return replace(column, told=None if column.counts is None else column.distinct, **changed)


def _summed(pairs: Any) -> Pairs:
    total: dict[str, int] = {}
    for text, count in pairs:
        total[text] = total.get(text, 0) + count
    return tuple(sorted(total.items()))
