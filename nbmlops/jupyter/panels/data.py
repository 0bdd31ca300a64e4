"""The panel of data: names, the versions of one, and of a version its columns, its lineage and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.jupyter.panels.lines import pushing, renaming, verb, words
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import drawn, fields, placed, short, tagged, unmeant

if TYPE_CHECKING:
    from nbmlops.data.records import Column, DataRow
    from nbmlops.profiling.records import ColumnProfile
    from nbmlops.workspace import Workspace

__all__ = ["panel"]

_PAGE = 100
_COLUMNS = 60
_ROW = "name ref number format rows columns size new_bytes author created_at aliases judged deleted_at".split()
_WHOLE = (
    *("id name ref number digest format rows shape dtype size new_bytes message author created_at aliases".split()),
    *("tags deleted_at run script notebook cell_id git source tracked etag query judged".split()),
)


def names(workspace: Workspace) -> list[dict[str, Any]]:
    """The newest version of every name, and the aliases of all its versions."""
    places = workspace.data.placed()
    return [{**_row(row), "placed": places.get(row.name, {})} for row in workspace.data.newest_rows()]


def deleted(workspace: Workspace) -> list[dict[str, Any]]:
    """Versions that were deleted and can be restored, the last first."""
    return [_row(row) for row in workspace.data.deleted_rows()]


def versions(workspace: Workspace, name: str, after: str | None = None) -> list[dict[str, Any]]:
    """A page of the versions of a name, the newest first."""
    return [_row(row) for row in workspace.data.rows(name, limit=_PAGE, after=after)]


def outline(workspace: Workspace, name: str) -> dict[str, Any]:
    """How many versions a name has, and after which ones its pages begin."""
    total, anchors = workspace.data.outline(name, _PAGE)
    return {"total": total, "size": _PAGE, "anchors": anchors}


def version(workspace: Workspace, ref: str) -> dict[str, Any]:
    """Everything that is known of a version, but for its columns."""
    found = workspace.data.show(ref)
    return {**fields(found, _WHOLE), "columns": len(found.columns)}


def columns(workspace: Workspace, ref: str, find: str = "", start: int = 0) -> dict[str, Any]:
    """Some columns of a table, with what its profile tells of each; `start` is the number of the first of them.

    Only the profile that is kept is looked at: `profiled` says whether there is one. To make it is an action.
    """
    found = workspace.data.show(ref)
    kept = workspace.data.kept_profile(ref)
    told = {} if kept is None else {column.name: column for column in kept.columns}
    meant = [column for column in found.columns if find.casefold() in column.name.casefold()]
    page = meant[max(0, start) :][:_COLUMNS]
    return {
        "total": len(meant),
        "rows": found.rows,
        "profiled": kept is not None,
        "columns": [_column(column, told.get(column.name)) for column in page],
    }


def diff(workspace: Workspace, before: str, after: str | None = None, key: str = "") -> dict[str, Any]:
    """What differs between two versions, as a cell shows it; of one version alone, from the one before."""
    from nbmlops.render.dispatch import html, text

    names = [one.strip() for one in key.split(",") if one.strip()]
    found = workspace.data.diff(before, after, key=names)
    shown = {"html": html(found, detail=True), "text": text(found, detail=True)}
    return {"before": found.before, "after": found.after, "same": found.same, **shown}


def lineage(workspace: Workspace, ref: str) -> dict[str, Any]:
    """Where a version came from and what was built on it."""
    return drawn(workspace.lineage(ref, kind="data"))


def _row(row: DataRow) -> dict[str, Any]:
    return {**fields(row, _ROW), "message": short(row.message), "tags": tagged(row.tags)}


def _column(column: Column, profile: ColumnProfile | None) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name, "type": column.type, "nullable": column.nullable}
    if profile is None:
        return told
    from nbmlops.data.profile_views import FIGURES, bars, figures

    words = dict(zip(FIGURES, figures(profile), strict=True))
    del words["column"]
    return {**told, **words, "personal": profile.personal, "bars": bars(profile)}


def _diff(before: str, after: str | None = None, key: str = "") -> list[str]:
    return words("data", "diff", *([f"--key={key}"] if key else []), beyond=(before, *([after] if after else [])))


def _tag(ref: str, key: str, value: str) -> list[str]:
    if "=" in key:
        raise InvalidError(f"the key of a tag has no =, as {key!r} has", hint="as in region=NYC")
    if unmeant(f"{key}{value}"):
        raise InvalidError(
            "a tag with braces is computed in a cell, so its line would not say what you typed",
            hint=f"in Python: ml.data.tag({ref!r}, {{{key!r}: {value!r}}})",
        )
    return words("data", "tag", beyond=(ref, f"{key}={value}"))


def _untag(ref: str, key: str) -> list[str]:
    return words("data", "tag", f"--remove={key}", beyond=(ref,))


def _alias(ref: str, alias: str) -> list[str]:
    return words("data", "alias", beyond=(ref, alias))


def _unalias(ref: str, alias: str) -> list[str]:
    return words("data", "alias", "--remove", beyond=(ref, alias))


def _delete(ref: str, unlock: bool = False) -> list[str]:
    return words("data", "delete", *(["--unlock"] if unlock else []), beyond=(ref,))


def _check(ref: str) -> list[str]:
    return words("check", "data", beyond=(ref,))


def _static(workspace: Workspace) -> Any:
    from nbmlops.data.records import DataVersion
    from nbmlops.render.listing import Listing

    return Listing(placed(workspace.data.list()[:_PAGE], workspace.data.placed()), DataVersion)


panel = Panel(
    name="data",
    title="Data",
    asks={each.__name__: each for each in (names, deleted, versions, outline, version, columns, diff, lineage)},
    lines={
        **{name: verb("data", name) for name in ("load", "show", "history", "profile", "blame", "restore")},
        **{each.__name__[1:]: each for each in (_diff, _tag, _untag, _alias, _unalias, _delete, _check)},
        "rename": renaming("data"),
        "push": pushing("data"),
    },
    static=_static,
    apart=frozenset({"check", "push"}),
)
