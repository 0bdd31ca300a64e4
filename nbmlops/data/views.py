"""How versions of data look."""

from __future__ import annotations

from collections.abc import Mapping

from nbmlops.core import digests
from nbmlops.core.errors import spoken
from nbmlops.data.origins import commit, made_in, origin
from nbmlops.data.records import DataVersion
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Look, Part, line, table
from nbmlops.render.units import extent, number, shape, size, when

__all__ = ["commit", "made_in", "origin", "verdict"]

_COLUMNS_SHOWN = 40


def _shape(version: DataVersion) -> str:
    if version.shape is not None:
        return f"{extent(version.shape)} {version.dtype}"
    if version.rows is None:
        return f"tracked {version.tracked}" if version.tracked else version.format
    return shape(version.rows, len(version.columns))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _pairs(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def verdict(judged: tuple[int, str] | None) -> str | None:
    """What the newest report says, and where to read it."""
    return None if judged is None else spoken(f"{judged[1]}: `ml check show {judged[0]}`")


def _stays_at(version: DataVersion) -> str | None:
    return version.source if version.tracked else None


@looks(DataVersion)
def _(version: DataVersion) -> Look:
    gone = Part(spoken(f"deleted {when(version.deleted_at)}; undo: `ml data restore {version.name}`"), "warn")
    facts = {
        "digest": version.digest,
        "saved": f"{when(version.created_at)} by {version.author}",
        "message": version.message,
        "source": version.source,
        "etag": version.etag,
        "query": _one_line(version.query),
        "aliases": ", ".join(version.aliases),
        "tags": _pairs(version.tags),
        "run": version.run or version.run_id,
        "notebook": version.notebook,
        "script": version.script,
        "git": commit(version.git),
        "checked": verdict(version.judged),
    }
    columns = version.columns[:_COLUMNS_SHOWN]
    rows = [(column.name, column.type, "" if column.nullable else "no nulls") for column in columns]
    if rest := len(version.columns) - len(columns):
        rows.append(("…", f"{number(rest)} more", "all of them: --json"))
    schema = table(("column", "type", ""), rows).without_empty_columns()
    return Look(
        line(
            version.ref,
            _shape(version),
            f"{size(version.size)}, {size(version.new_bytes)} new",
            Part(f"stays at {version.source}") if version.tracked else None,
            Part(digests.short(version.digest), "muted"),
            Part(origin(version.notebook, version.cell_id), "muted"),
            gone if version.deleted_at else None,
        ),
        more=(Facts.of(facts), schema) if columns else (Facts.of(facts),),
    )


lists(
    DataVersion,
    Field("version", lambda version: version.ref),
    Field("rows", lambda version: version.rows, number, right=True),
    Field("columns", lambda version: len(version.columns) or None, number, right=True),
    Field("size", lambda version: version.size, size, right=True),
    Field("new", lambda version: version.new_bytes, size, right=True),
    Field("digest", lambda version: version.digest, digests.short),
    Field("saved", lambda version: version.created_at, when),
    Field("stays at", _stays_at),
    Field("aliases", lambda version: version.aliases, ", ".join),
    Field("tags", lambda version: version.tags, _pairs),
    Field("deleted", lambda version: version.deleted_at, when),
    Field("message", lambda version: version.message),
    nothing="no data yet; the first: `ml data save VALUE NAME`",
)
lists(
    DataVersion,
    Field("version", lambda version: version.ref),
    Field("message", lambda version: version.message),
    Field("rows", lambda version: version.rows, number, right=True),
    Field("size", lambda version: version.size, size, right=True),
    Field("new", lambda version: version.new_bytes, size, right=True),
    Field("saved", lambda version: version.created_at, when),
    Field("by", lambda version: version.author),
    Field("made in", lambda version: made_in(version.notebook, version.cell_id, version.script) or None),
    Field("source", lambda version: version.source),
    Field("query", lambda version: _one_line(version.query) or None),
    Field("run", lambda version: version.run),
    Field("stays at", _stays_at),
    Field("commit", lambda version: commit(version.git) or None),
    Field("aliases", lambda version: version.aliases, ", ".join),
    Field("tags", lambda version: version.tags, _pairs),
    Field("digest", lambda version: version.digest, digests.short),
    nothing="no data yet; the first: `ml data save VALUE NAME`",
    view="history",
)
