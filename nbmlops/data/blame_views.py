"""How blame looks."""

from __future__ import annotations

from nbmlops.data.blaming import Blame
from nbmlops.data.origins import commit, made_in
from nbmlops.render.listing import Field, lists
from nbmlops.render.units import count, when

__all__: list[str] = []

_WORDS = {"first": "came with it", "added": "added", "type": "type changed", "cells": "cells changed"}


def _what(blame: Blame) -> str:
    return count(blame.cells, "cell") if blame.cells else _WORDS[blame.change]


lists(
    Blame,
    Field("column", lambda blame: blame.column),
    Field("last changed by", lambda blame: blame.version.ref),
    Field("how", _what),
    Field("message", lambda blame: blame.version.message),
    Field("saved", lambda blame: blame.version.created_at, when),
    Field("by", lambda blame: blame.version.author),
    Field(
        "made in", lambda blame: made_in(blame.version.notebook, blame.version.cell_id, blame.version.script) or None
    ),
    Field("run", lambda blame: blame.version.run),
    Field("commit", lambda blame: commit(blame.version.git) or None),
    Field("rows only, since", lambda blame: blame.rows_since, ", ".join),
    nothing="a table without columns",
)
