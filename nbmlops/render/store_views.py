"""How the answers of the store look; here, because the store lies below what renders."""

from __future__ import annotations

from collections.abc import Sequence

from nbmlops.core.digests import short
from nbmlops.core.errors import spoken
from nbmlops.render import access_views, lineage_views  # noqa: F401 - registers the looks of both
from nbmlops.render.bars import bar
from nbmlops.render.dispatch import json, looks
from nbmlops.render.look import Block, Facts, Lines, Look, Part, Tone, line, table
from nbmlops.render.table import Table
from nbmlops.render.units import TIMES, count, size
from nbmlops.store.records import Backup, CatalogExport, Collected, Pull, Push, Repair, Share, Stats, Verification

__all__: list[str] = []

_NAMED = 20
_RUNNING = 5


@looks(Verification)
def _(found: Verification) -> Look:
    looked = f"{count(found.objects, 'object')}, {count(found.chunks, 'chunk')}, {size(found.bytes)}"
    how = "every byte hashed again" if found.full else "sizes and listings; every byte: `ml store verify --full`"
    how = spoken(how)
    if found.ok:
        return Look(line("store", Part("✓ in order", "good"), looked, Part(how, "muted")))
    damages = [
        line(
            Part(f"✗ {damage.why}", "bad"),
            f"object {damage.object[:16]}" if damage.object else None,
            f"chunk {damage.chunk[:16]}" if damage.chunk else None,
            f"in {damage.pack}" if damage.pack else None,
        )
        for damage in found.damages[:_NAMED]
    ]
    if len(found.damages) > _NAMED:
        damages.append(line(Part(f"… and {len(found.damages) - _NAMED:,} more", "muted")))
    told = Part(f"✗ {count(len(found.damages), 'damage')}", "bad")
    mend = line(Part(spoken("mend it: `ml store repair --from FOLDER`"), "muted"))
    return Look(line("store", told, looked, Part(how, "muted")), body=(Lines((*damages, mend)),))


@json.register
def _(obj: Verification) -> dict[str, object]:
    return {"ok": obj.ok, **{name: json(getattr(obj, name)) for name in Verification.__slots__}}


@looks(Backup)
def _(done: Backup) -> Look:
    held = f"{count(done.rows, 'row')}, {size(done.bytes)}"
    return Look(line(f"backup {done.path}", held, Part(f"tables of revision {done.revision}", "muted")))


@looks(CatalogExport)
def _(done: CatalogExport) -> Look:
    told = count(done.entries, "entry", "entries"), count(done.runs, "run"), count(done.names, "name"), size(done.bytes)
    running = [*done.running[:_RUNNING], *("…" for _ in done.running[_RUNNING : _RUNNING + 1])]
    facts = {
        "namespace": done.namespace,
        "not ended": ", ".join(running),
        "what comes later": f"--since {done.until.isoformat(timespec='seconds')}",
    }
    return Look(line(f"catalog {done.path}", done.form, *told), body=(Facts.of(facts),))


@looks(Stats)
def _(found: Stats) -> Look:
    if not found.holders and not found.packs:
        return Look(line("store", "nothing is stored yet", Part(spoken("save something: `ml data save`"), "muted")))
    headline = line(
        "store",
        f"{size(found.logical)} in {size(found.held)}",
        Part(_times(found.ratio), "good"),
        f"{count(found.versions, 'version')}, {count(found.objects, 'object')}, {count(found.chunks, 'chunk')}",
        f"{count(found.packs, 'pack')}, {size(found.disk)} on disk",
    )
    said = [line(Part(words, tone)) for words, tone in _remarks(found)]
    return Look(headline, body=(_shares(found.holders), *((Lines(tuple(said)),) if said else ())))


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.1f} {TIMES}"


def _shares(holders: Sequence[Share]) -> Table:
    most = max((one.stored for one in holders), default=0)
    rows = [
        (
            one.name,
            one.kind,
            f"{one.versions:,}",
            f"{one.deleted:,}" if one.deleted else "",
            size(one.logical),
            size(one.stored),
            size(one.shared) if one.shared else "",
            _times(one.ratio),
            bar(one.stored, most),
        )
        for one in holders
    ]
    headers = ("name", "kind", ">versions", ">deleted", ">copies", ">stored", ">shared", ">ratio", "")
    return table(headers, rows).without_empty_columns()


def _remarks(found: Stats) -> list[tuple[str, Tone]]:
    """What is to be said besides, the worst first."""
    gone = f"! {count(len(found.missing), 'pack')} of the store cannot be found: `ml store verify`"
    damaged = f"! of {count(found.unread, 'object')} it cannot be told what they hold: `ml store verify --full`"
    away = sum(one.elsewhere for one in found.holders)
    are = "is known without its bytes" if away == 1 else "are known without their bytes"
    said: list[tuple[str | None, Tone]] = [
        (gone if found.missing else None, "bad"),
        (damaged if found.unread else None, "bad"),
        (f"{size(found.free)} would be freed: `ml store gc`" if found.free else None, "plain"),
        (f"{size(found.recent)} belong to nothing and are younger than the grace" if found.recent else None, "muted"),
        (f"{size(found.shared)} are shared between names" if found.shared else None, "muted"),
        (f"{count(away, 'version')} {are}: `ml data pull`" if away else None, "muted"),
    ]
    return [(spoken(words), tone) for words, tone in said if words]


@json.register
def _(obj: Stats) -> dict[str, object]:
    holders = [
        {name: json(getattr(one, name)) for name in (*Share.__slots__, "stored", "ratio")} for one in obj.holders
    ]
    told = {name: json(getattr(obj, name)) for name in (*Stats.__slots__, "versions", "logical", "ratio")}
    return told | {"holders": holders}


@looks(Repair)
def _(done: Repair) -> Look:
    if not done.repaired and not done.missing:
        return Look(line("store", Part("✓ nothing was damaged", "good")))
    mended = Part(f"✓ {len(done.repaired):,} repaired", "good") if done.repaired else None
    missing = Part(f"✗ {len(done.missing):,} not found there", "bad") if done.missing else None
    lines = tuple(line(Part(f"✗ {digest[:16]}", "bad")) for digest in done.missing[:_NAMED])
    return Look(line("store", mended, missing), body=(Lines(lines),) if lines else ())


@looks(Push)
def _(done: Push) -> Look:
    return Look(
        line(
            f"pushed {count(len(done.versions), 'version')} to {done.remote}",
            f"{count(done.chunks, 'chunk')}, {size(done.bytes_sent)} sent",
            f"{size(done.bytes_skipped)} there already",
        ),
        body=_erased(done.erased, f"was left out: it holds rows that were erased from {done.remote}"),
    )


def _erased(refs: Sequence[str], what: str) -> tuple[Block, ...]:
    """Versions that hold rows which were erased elsewhere, and what to do about them."""
    lines = []
    for ref in refs[:_NAMED]:
        said = spoken(f"! {ref} {what}; erase them here too: `ml data erase {ref.partition('@')[0]}`")
        lines.append(line(Part(said, "warn")))
    return (Lines(tuple(lines)),) if lines else ()


@looks(Pull)
def _(done: Pull) -> Look:
    told = [each for each in done.versions if each.there != each.here]
    lines = [
        line(Part(f"{each.there} there is {each.here} here", "warn"), short(each.digest)) for each in told[:_NAMED]
    ]
    lines += [line(Part(f"the run {there} there is {here} here", "muted")) for there, here in done.runs[:_NAMED]]
    if (more := len(told) + len(done.runs) - len(lines)) > 0:
        lines.append(line(Part(f"… and {more:,} more; all of them: --json", "muted")))
    came = sum(each.state != "here" for each in done.versions)
    return Look(
        line(
            f"pulled {count(len(done.versions), 'version')} from {done.remote}",
            f"{came:,} of them new here",
            f"{size(done.bytes_sent)} fetched",
            f"{count(done.lineage, 'version')} came as lineage" if done.lineage else None,
        ),
        body=(
            *((Lines(tuple(lines)),) if lines else ()),
            *_erased(done.erased, f"holds rows that were erased from {done.remote}"),
        ),
    )


@looks(Collected)
def _(done: Collected) -> Look:
    would = "would free" if done.dry_run else "freed"
    packs = f"{count(done.removed, 'pack')} removed, {done.rewritten:,} rewritten"
    left = Part(f"{size(done.left)} more stay in packs that are mostly alive", "muted") if done.left else None
    headline = line("store gc", Part(f"{would} {size(done.bytes)}", "good"), f"{size(done.disk)} on disk", packs, left)
    freed = [
        line(one.owner, one.kind if one.kind != "nobody" else None, count(one.objects, "object"), size(one.bytes))
        for one in done.freed
    ]
    kept = [line(one.ref, Part(f"kept: {one.why}", "muted")) for one in done.kept]
    lines = (*freed, *kept)
    return Look(headline, body=(Lines(lines),) if lines else ())
