"""How an export looks."""

from __future__ import annotations

from nbmlops.features.feast.records import FeastExport
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Facts, Look, Part, line
from nbmlops.render.units import count

__all__: list[str] = []


@looks(FeastExport)
def _(export: FeastExport) -> Look:
    facts = {
        "views": ", ".join(export.views),
        "on demand": ", ".join(export.on_demand),
        "services": ", ".join(export.services),
        "next": f"cd {export.folder} && feast apply",
    }
    what = count(len(export.views) + len(export.on_demand), "view"), count(export.rows, "row")
    return Look(line(str(export.folder), *what, Part("a repository of Feast", "muted")), body=(Facts.of(facts),))
