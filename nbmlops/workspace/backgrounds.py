"""What answers of a model are explained against: rows of a table that is kept anyway.

No rows are kept with a model for this. So what was erased from a table is no part of any explanation after that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.store import lineage

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion
    from nbmlops.models.records import ModelSignature
    from nbmlops.serving.endpoint.rows import Columns
    from nbmlops.workspace.root import Workspace

__all__ = ["background_of"]


def background_of(
    workspace: Workspace, ref: str, signature: ModelSignature, named: str | None = None
) -> tuple[str, Columns]:
    """Rows to explain a version of a model by, drawn from a table, the same ones each time.

    Parameters
    ----------
    workspace : Workspace
        Where the tables are.
    ref : str
        The version of a model.
    signature : ModelSignature
        What it takes.
    named : str, optional
        The table; by default the largest one that the version was made from and that has all of its columns.

    Raises
    ------
    InvalidError
        When it was made from none that has them, or the one that is named lacks some.
    NotFoundError
        When there is no such table.
    """
    from nbmlops.serving.endpoint.explanation import BACKGROUND_ROWS

    wanted = [field.name for field in signature.inputs]
    table = _made_from(workspace, ref, wanted) if named is None else workspace.data.show(named)
    given = [column.name for column in table.columns]
    # An array has no names of columns: a table of as many stands for it, in its order.
    read = given if signature.form == "array" and len(given) == len(wanted) else wanted
    if missing := [name for name in read if name not in given]:
        raise InvalidError(f"{table.ref} lacks columns that {ref} takes: {', '.join(missing[:8])}")
    # Who is served looks; nothing is made of it.
    with lineage.activate(replace(lineage.current(), looks=True)):
        rows = workspace.data.load(table.ref, columns=read, sample=BACKGROUND_ROWS, as_="arrow")
    return table.ref, {name: rows[column].to_pylist() for name, column in zip(wanted, read, strict=True)}


def _made_from(workspace: Workspace, ref: str, wanted: list[str]) -> DataVersion:
    model = workspace.versions("model").resolve(ref)
    tables = workspace.versions("data")
    read = [
        workspace.data.show(tables.get(number).ref)
        for kind, number in lineage.Lineage(workspace.catalog, workspace.clock).made_from(model)
        if kind == "data" and tables.get(number).deleted_at is None
    ]
    fitting = [one for one in read if {*wanted} <= {column.name for column in one.columns}]
    if not fitting:
        raise InvalidError(
            f"{ref} was made from no table with its columns, so there is nothing to explain it against",
            hint=f"`ml serve {ref.partition('@')[0]} --background TABLE`",
        )
    return max(fitting, key=lambda one: one.rows or 0)
