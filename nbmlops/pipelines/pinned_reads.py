"""What a run read, pinned: names are to mean the same again, whatever has become of them since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbmlops.checks.records import Outcome
from nbmlops.core.digests import short
from nbmlops.core.refs import Ref, pinned
from nbmlops.pipelines import queries
from nbmlops.pipelines.scan import scan

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import NotebookContent
    from nbmlops.pipelines.stores import Stores

__all__ = ["Touched", "compare_reads", "obstacles", "pins", "touched_by"]

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Touched:
    """What a run read from outside, in order, and what it wrote last under each name: kind and name -> digest."""

    reads: tuple[Mapping[str, Any], ...]
    writes: Mapping[Key, str]


def touched_by(stores: Stores, run_id: str) -> Touched:
    """What a run read and wrote."""
    rows = stores.runs.catalog.read(lambda c: queries.touched(c, run_id))
    writes = {(row["kind"], row["name"]): row for row in rows if row["relation"] == "writes"}
    first = {row["id"]: row["at"] for row in reversed(rows) if row["relation"] == "writes"}
    # What it wrote itself before is not from outside.
    reads = [row for row in rows if row["relation"] == "reads" and row["at"] <= first.get(row["id"], row["at"])]
    return Touched(tuple(reads), {key: row["digest"] for key, row in writes.items()})


def obstacles(stores: Stores, reads: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """What stands in the way of reading the same again: versions that are deleted, freed, erased from, or not here."""
    return [found for row in reads if (found := _obstacle(stores, row)) is not None]


def _obstacle(stores: Stores, row: Mapping[str, Any]) -> Outcome | None:
    kind, ref = row["kind"], pinned(row["name"], row["number"], row["digest"])
    version = stores.versions[kind].get(row["id"])
    pull = f"`ml data pull {ref}`" if kind == "data" else f"`ml model pull {ref}`"
    erased = stores.runs.catalog.read(lambda c: queries.erased(c, row["name_id"], row["digest"]))
    if row["freed_at"] is not None:
        why, hint = "freed", f"its bytes are gone: save it again, or {pull}"
    elif row["deleted_at"] is not None:
        why, hint = "deleted", f"`ml {kind} restore {ref}`"
    elif erased is not None and erased > row["at"]:
        why, hint = "rows erased since", "what was erased does not come back; run it anew"
    elif kind != "feature" and stores.data.exchange.absent(version):  # features are not sent anywhere
        why, hint = "not here", pull
    else:
        return None
    return Outcome(f"{kind} {ref}", None, "errored", why, f"= {short(row['digest'])}", hint)


def pins(notebook: NotebookContent, reads: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Which digest each reference of a notebook is to mean, as `store.lineage.Active` takes it.

    A bare name, an alias and the lock may mean another version by now. They mean the first version of the name that
    was read and that no reference of the notebook names by its number.
    """
    read: dict[Key, list[Mapping[str, Any]]] = {}
    for row in reads:
        read.setdefault((row["kind"], row["name"]), []).append(row)
    named = [(access, Ref.parse(access.ref)) for access in scan(notebook).reads]
    found: dict[str, str] = {}
    for (kind, name), rows in read.items():
        own = [ref for access, ref in named if (access.kind, access.name) == (kind, name)]
        numbers = {ref.number for ref in own}
        meant = next((row["digest"] for row in rows if row["number"] not in numbers), rows[0]["digest"])
        references = [f"{kind}:{name}", *(f"{kind}:{ref}" for ref in own if ref.alias is not None)]
        found |= dict.fromkeys([*references, *([f"lock:{name}"] if kind == "data" else [])], meant)
    return found


def compare_reads(before: Touched, after: Touched) -> list[Outcome]:
    """Compare what two runs read from outside; names that both read the same content under are told in one."""
    old, new = (_by_name(touched.reads) for touched in (before, after))
    found = []
    for kind, name in sorted({*old, *new}):
        was, now = old.get((kind, name), ()), new.get((kind, name), ())
        figure, bound = (", ".join(map(short, digests)) or "not read" for digests in (now, was))
        status: Any = "passed" if set(was) == set(now) else "failed"
        found.append(Outcome(f"{kind} {name} is what was read", None, status, figure, f"= {bound}"))
    return found


def _by_name(reads: Iterable[Mapping[str, Any]]) -> dict[Key, tuple[str, ...]]:
    found: dict[Key, dict[str, None]] = {}
    for row in reads:
        found.setdefault((row["kind"], row["name"]), {})[row["digest"]] = None
    return {key: tuple(digests) for key, digests in found.items()}
