"""How scores look."""

from __future__ import annotations

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Facts, Look, Part, line, table
from nbmlops.render.units import count, duration, number
from nbmlops.serving.batch.records import Scores

__all__: list[str] = []


@looks(Scores)
def _(scores: Scores) -> Look:
    bad = Part(f"{count(scores.bad, 'bad row')} scored as null", "warn") if scores.bad else None
    facts = {
        "model": scores.model,
        "data": scores.data,
        "columns": ", ".join(column.name for column in scores.version.columns),
        "took": f"{duration(scores.seconds)}, {count(scores.jobs, 'job') if scores.jobs else 'on a cluster'}",
        "load": spoken(f"`ml data load {scores.ref}`"),
    }
    columns = table(("column", "bad rows"), [(name, number(rows)) for name, rows in scores.faults.items()])
    first = table(
        ("row", "column", "what is wrong"),
        [("" if fault.row is None else number(fault.row), fault.column or "", fault.message) for fault in scores.first],
    )
    more = (columns, first) if scores.bad else ()
    return Look(line(f"scores {scores.ref}", f"of {count(scores.rows, 'row')}", bad), more=(Facts.of(facts), *more))
