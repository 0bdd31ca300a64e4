"""What panels share: records in the few fields that a table or a card shows, and a lineage to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from nbmlops.render.width import clip

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion
    from nbmlops.models.records import ModelVersion
    from nbmlops.store.graph import LineageGraph

__all__ = ["drawn", "fields", "placed", "short", "tagged", "unmeant"]

T = TypeVar("T")
V = TypeVar("V", "DataVersion", "ModelVersion")
LONGEST = 300
"""Characters of a text in a table or on a card; a version's own page has all of it."""
_SHOWN = 20


def short(value: T, longest: int = LONGEST) -> T:
    """A text by its beginning, so that it fits a table; what is no text stays as it is."""
    return cast("T", clip(value, longest)) if isinstance(value, str) else value


def fields(record: Any, names: Iterable[str]) -> dict[str, Any]:
    """Some fields of a record."""
    return {name: getattr(record, name) for name in names}


def tagged(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that fit a table: the first ones."""
    return {clip(key, 60): clip(value, 60) for key, value in list(tags.items())[:_SHOWN]}


def placed(versions: Iterable[V], places: Mapping[str, Mapping[str, str]]) -> list[V]:
    """The newest version of each name as a picture lists it: with where the aliases of all versions of the name are."""

    def told(version: V) -> tuple[str, ...]:
        return tuple(f"{alias} → {ref.rpartition('@')[2]}" for alias, ref in places.get(version.name, {}).items())

    return [replace(version, aliases=told(version)) for version in versions]


def drawn(graph: LineageGraph) -> dict[str, Any]:
    """A lineage as boxes with their places, arrows as paths, and the same in words; versions have references."""
    from nbmlops.render.lineage_views import pictured

    picture = pictured(graph)
    of = {node.id: node for node in graph.nodes}
    boxes = [
        {
            **fields(box, ("label", "note", "title", "look", "x", "y", "w", "h")),
            "fed": box.is_fed,
            "kind": of[box.id].kind,
            "ref": of[box.id].label if of[box.id].is_version or of[box.id].kind == "run" else None,
        }
        for box in picture.boxes
    ]
    return {
        "ref": graph.ref,
        "boxes": boxes,
        "wires": picture.wires,
        "width": picture.w,
        "height": picture.h,
        "text": picture.text(),
        "cut": graph.cut,
    }


def unmeant(text: str) -> bool:
    """Whether a cell would compute a part of a value, so that the line would not say what was typed."""
    return "{" in text or "}" in text
