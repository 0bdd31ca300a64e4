"""The panel of the catalog: everything that has a name, found by words and narrowed, and beside the list one of it.

What is looked for is written as behind ``nbmlops search``: words and options. To choose what a facet offers is to write
one option more, so that whatever was chosen stands in the field, and below it as a line to type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, RefSyntaxError, program
from nbmlops.core.refs import Ref
from nbmlops.jupyter.panels.lines import typed, words
from nbmlops.jupyter.panels.panel import Panel
from nbmlops.jupyter.panels.shaped import drawn, short, tagged
from nbmlops.tracking import ml_line
from nbmlops.workspace.search.records import AGES, NOUNS, VERSIONED

if TYPE_CHECKING:
    from nbmlops.render.listing import Listing
    from nbmlops.workspace.root import Workspace
    from nbmlops.workspace.search.records import Hit

__all__ = ["panel"]

_PAGE = 100
_STILL = 50
_COLUMNS = 200
"""Columns of a thing, and metrics, that are told."""
_LINKS = 40
_TITLES = {"noun": "kind", "quality": "verdict", "owner": "owner", "age": "made", "use": "use"}
"""The facets, in order, and what people read."""
_PANELS = {"data": "data", "model": "models", "pipeline": "pipelines", "run": "runs", "report": "checks"}
"""Where there is a panel of a noun's own."""
_VERBS = {"report": "check"}


def page(workspace: Workspace, text: str = "", after: str | None = None) -> dict[str, Any]:
    """A page of what is found, the line that finds it, and where nothing is, the names nearest to the words."""
    said, asked = _asked(text)
    hits, _ = workspace.search.page(said, size=_PAGE, after=after, **asked)
    near = workspace.search(said, limit=1).near if said and not hits and after is None else ()
    line = typed(_search(text)) if text.strip() else ""
    return {"rows": [_row(hit) for hit in hits], "line": line, "near": near}


def outline(workspace: Workspace, text: str = "") -> dict[str, Any]:
    """How much is found, and after which places its pages begin."""
    said, asked = _asked(text)
    found = workspace.search.outline(said, every=_PAGE, **asked)
    return {"total": found.total, "anchors": found.anchors, "size": _PAGE}


def facets(workspace: Workspace, text: str = "") -> list[dict[str, Any]]:
    """How many there are of each value of a facet, and whether it is chosen."""
    said, asked = _asked(text)
    counted = workspace.search.facets(said, **asked)
    found = []
    for facet, title in _TITLES.items():
        values, chosen = list(counted.get(facet, ())), _chosen(asked, facet)
        # What is chosen stands among them even where nothing has it, to be given up.
        values += [] if chosen is None or chosen in dict(values) else [(chosen, 0)]
        told = [{"value": value, "count": count, "on": value == chosen} for value, count in values]
        found += [{"facet": facet, "title": title, "values": told}] if told else []
    return found


def chosen(workspace: Workspace, text: str, facet: str, value: str) -> str:  # noqa: ARG001 - as all questions
    """The text in which a value of a facet is chosen in place of another one or, where it is already, given up."""
    said, asked = _asked(text)
    if facet not in _TITLES:
        raise InvalidError(f"{facet[:60]!r} is no facet", hint=f"the facets are {', '.join(_TITLES)}")
    match facet:
        case "age":
            other: dict[str, Any] = (
                {"stale": AGES[-1], "fresh": None} if value == "older" else {"stale": None, "fresh": value}
            )
        case "use":
            other = {"used": value == "used"}
        case _:
            other = {facet: value}
    wanted = {**asked, **(dict.fromkeys(other) if _chosen(asked, facet) == value else other)}
    return ml_line.quoted(words(*_options(wanted), beyond=tuple(said.split())))


def thing(workspace: Workspace, ref: str, noun: str | None = None) -> dict[str, Any]:
    """What is known of one thing; without its noun, of the first kind of version that has the name."""
    if noun is not None:
        told = _TOLD.get(noun)
        if told is None:
            raise InvalidError(f"{noun[:60]!r} is nothing that is found", hint=f"it is one of {', '.join(NOUNS)}")
        return {"noun": noun, "ref": ref, "panel": _PANELS.get(noun), **told(workspace, ref)}
    for kind in VERSIONED:
        try:
            return thing(workspace, ref, kind)
        except (NotFoundError, RefSyntaxError):
            continue  # it is of another kind
    raise NotFoundError(f"there is nothing called {ref[:60]!r} any more", hint=f"`ml search {ref[:60]}`")


def lineage(workspace: Workspace, ref: str, noun: str) -> dict[str, Any]:
    """Where a version came from and what was built on it."""
    return drawn(workspace.lineage(ref, kind=noun))


def _asked(text: str) -> tuple[str, dict[str, Any]]:
    """Words and filters of what was written as behind ``nbmlops search``."""
    from nbmlops.commands.answer import given

    # Its pages hold all, and it writes no file.
    asked = given("search", ml_line.words(text), program(), without=("limit", "html"))
    return " ".join(asked.pop("text")), asked


def _options(asked: dict[str, Any]) -> list[str]:
    """Filters as they are typed."""
    keys = [key for key in ("noun", "owner", "tag", "quality", "stale", "fresh") if asked[key]]
    said = [word for key in keys for word in (f"--{key}", asked[key])]
    use = [] if asked["used"] is None else ["--used" if asked["used"] else "--unused"]
    return [*said, *use, *(["--failing"] if asked["failing"] else [])]


def _chosen(asked: dict[str, Any], facet: str) -> str | None:
    """The value of a facet that the filters ask for."""
    if facet == "age":
        return "older" if asked["stale"] == AGES[-1] else asked["fresh"]
    if facet == "use":
        return None if asked["used"] is None else "used" if asked["used"] else "unused"
    found: str | None = asked[facet]
    return found


def _row(hit: Hit) -> dict[str, Any]:
    number, status = hit.quality or (None, None)
    told = {name: getattr(hit, name) for name in ("noun", "ref", "told", "owner", "at", "readers", "read_at")}
    return {**told, "status": status, "report": number}


def _data(workspace: Workspace, ref: str) -> dict[str, Any]:
    found = workspace.data.show(ref)
    holds = f"{found.rows:,} rows, {len(found.columns):,} columns" if found.rows is not None else found.format
    return {
        **_version(found),
        "facts": _facts(holds=holds, source=found.source, run=found.run, notebook=found.notebook, digest=found.digest),
        "tags": tagged(found.tags),
        **_columns("Columns", ((column.name, column.type) for column in found.columns)),
    }


def _model(workspace: Workspace, ref: str) -> dict[str, Any]:
    found = workspace.model.show(ref)
    try:
        run = workspace.run.show(found.run_id) if found.run_id else None
    except NotFoundError:
        run = None  # a pulled version may come without it
    takes = ((one.name, one.type) for one in found.signature.inputs)
    return {
        **_version(found),
        "facts": _facts(estimator=found.estimator, format=found.format, run=run and run.name, notebook=found.notebook),
        "metrics": _numbers(run.metrics if run else {}),
        **_columns("Takes", takes),
        "inputs": list(found.inputs[:_LINKS]),
    }


def _feature(workspace: Workspace, ref: str) -> dict[str, Any]:
    from nbmlops.features.records import FeatureRow

    found = workspace.feature.show(ref)
    row = FeatureRow.of(found)
    types = dict(getattr(found.definition, "features", ()))
    return {
        **_version(found),
        "facts": _facts(
            kind=row.kind,
            description=row.description,
            owner=row.owner,
            entities=", ".join(row.entities),
            retired=row.retired,
            table=found.table,
        ),
        "tags": tagged(found.tags),
        **_columns("Features", ((name, types.get(name, "")) for name in row.features)),
        "inputs": [] if row.kind == "on demand" else list(row.sources[:_LINKS]),
    }


def _pipeline(workspace: Workspace, ref: str) -> dict[str, Any]:
    name = Ref.parse(ref).name
    found = next((one for one in workspace.pipeline.history(name) if ref in {one.ref, one.name}), None)
    if found is None:
        raise NotFoundError(f"there is no pipeline {ref[:60]!r}", hint=f"`ml pipeline history {name}`")
    return {
        **_version(found),
        "facts": _facts(parameters=", ".join(f"{key}={value}" for key, value in found.parameters.items())),
        **_columns("Steps", ((step, "") for step in found.steps)),
    }


def _run(workspace: Workspace, ref: str) -> dict[str, Any]:
    found = workspace.run.show(ref)
    return {
        "facts": _facts(status=found.status, kind=found.kind, notebook=found.notebook, id=found.id),
        "at": found.started_at,
        "tags": tagged(found.tags),
        "metrics": _numbers(found.metrics),
        **_columns("Params", ((key, value) for key, value in found.params.items())),
        "inputs": list(found.inputs[:_LINKS]),
        "outputs": list(found.outputs[:_LINKS]),
    }


def _report(workspace: Workspace, ref: str) -> dict[str, Any]:
    found = workspace.check.show(ref)
    counts = ", ".join(f"{number:,} {status}" for status, number in found.counts.items() if number)
    bad = [one for one in found.outcomes if one.status != "passed"]
    run = workspace.run.name_of(found.run_id) if found.run_id else None
    return {
        "facts": _facts(status=found.status, suite=found.suite, section=found.section, checks=counts, run=run),
        "at": found.created_at,
        **_columns("Not passed", ((one.label, f"{one.status}: {one.figure or one.detail}") for one in bad)),
        "inputs": [found.subject],
    }


_TOLD: dict[str, Callable[[Workspace, str], dict[str, Any]]] = {
    "data": _data,
    "model": _model,
    "feature": _feature,
    "pipeline": _pipeline,
    "run": _run,
    "report": _report,
}


def _version(found: Any) -> dict[str, Any]:
    about = {"message": short(found.message), "author": found.author, "at": found.created_at}
    return {**about, "aliases": found.aliases, "versioned": True}


def _facts(**facts: Any) -> list[tuple[str, Any]]:
    return [(name, short(value)) for name, value in facts.items() if value]


def _columns(title: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    told = [(short(str(name)), short(str(value))) for name, value in pairs]
    return {"columns": {"title": title, "rows": told[:_COLUMNS], "total": len(told)}}


def _numbers(metrics: Any) -> dict[str, Any]:
    return {short(name): value for name, value in list(metrics.items())[:_COLUMNS]}


def _search(text: str) -> list[str]:
    return ["search", *ml_line.words(text)]


def _show(noun: str, ref: str) -> list[str]:
    return words(_VERBS.get(noun, noun), "show", beyond=(ref,))


def _load(noun: str, ref: str) -> list[str]:
    return words(noun, "load", beyond=(ref,))


def _lineage(noun: str, ref: str) -> list[str]:
    return words("lineage", f"--kind={noun}", beyond=(ref,))


def _static(workspace: Workspace) -> Listing[Hit]:
    from nbmlops.render.listing import Listing
    from nbmlops.workspace.search.records import Hit

    hits, _ = workspace.search.page(size=_STILL)
    return Listing(hits, Hit)


panel = Panel(
    name="catalog",
    title="Catalog",
    asks={each.__name__: each for each in (page, outline, facets, chosen, thing, lineage)},
    lines={"search": _search, "show": _show, "load": _load, "lineage": _lineage},
    static=_static,
)
