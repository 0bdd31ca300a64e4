"""What a search found, to look at, with whatever text a test wants in every field that a person can fill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nbmlops.workspace.search.records import NOUNS, Found, Hit

__all__ = ["searches"]

NOW = datetime(2026, 7, 25, 12, 30, tzinfo=UTC)


def searches(text: str) -> list[Any]:
    """One that found something of every noun, and one that found nothing."""
    known = {"owner": text, "quality": (7, "failed"), "readers": 3, "read_at": NOW}
    hits = tuple(Hit(noun, text, (text,), text, 1.0, NOW, **known) for noun in NOUNS)
    bare = Hit("data", text, (), "", 0.0, NOW)
    facets = dict.fromkeys(("noun", "quality", "owner", "age", "use", "tag"), ((text, 1234), ("other", 1)))
    return [Found(text, (*hits, bare), ("run",), (), facets), Found(text, (), (), (text,))]
