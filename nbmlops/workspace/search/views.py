"""How what a search found looks."""

from __future__ import annotations

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Block, Facts, Heading, Lines, Look, Part, line, table
from nbmlops.render.units import count, when
from nbmlops.workspace.search.records import NOUNS, Found, Hit

__all__: list[str] = []

_CALLED = {"data": "Data", **{noun: f"{noun.capitalize()}s" for noun in NOUNS if noun != "data"}}
_NEXT = {"report": "check show"}
_FACETS = {
    "noun": "there are",
    "quality": "quality",
    "owner": "owners",
    "age": "made within",
    "use": "by runs",
    "tag": "tags",
}


@looks(Found)
def _(found: Found) -> Look:
    if not found.hits:
        near = f"did you mean {', '.join(found.near)}?" if found.near else None
        nothing = f"nothing is known of {found.text!r}" if found.text.strip() else "nothing is like this"
        return Look(line(nothing, near))
    blocks: list[Block] = []
    for noun in NOUNS:
        if hits := found.of(noun):
            heads = ("", "in", "what stands there", "owner", "quality", ">read by", "last read", "made")
            blocks += [Heading(_CALLED[noun]), table(heads, map(_row, hits)).without_empty_columns()]
            shown = spoken(f"`ml {_NEXT.get(noun, f'{noun} show')} {hits[0].ref}`")
            rest = Part("there is more: --limit", "muted") if noun in found.more else None
            blocks.append(Lines((line(Part(shown, "muted"), rest),)))
    facets = {
        _FACETS[key]: ", ".join(f"{value} {number:,}" for value, number in found.facets[key])
        for key in _FACETS
        if key in found.facets
    }
    blocks += [Heading("Altogether"), Facts.of(facets)] if facets else []
    return Look(line(f"search {found.text}".strip(), count(len(found.hits), "hit")), tuple(blocks))


lists(
    Hit,
    Field("what", lambda hit: hit.noun),
    Field("ref", lambda hit: hit.ref),
    Field("said", lambda hit: hit.told),
    Field("owner", lambda hit: hit.owner),
    Field("quality", lambda hit: hit.quality and hit.quality[1]),
    Field("read by", lambda hit: hit.readers or None, lambda readers: count(readers, "run"), right=True),
    Field("made", lambda hit: hit.at, when),
    nothing="nothing is in the catalog yet: `ml data save df NAME`",
)


def _row(hit: Hit) -> tuple[str, ...]:
    number, status = hit.quality or (None, "")
    judged = f"{status}, report {number}" if number is not None and hit.noun != "report" else status
    readers = count(hit.readers, "run") if hit.readers else ""
    last = "" if hit.read_at is None else when(hit.read_at)
    return (hit.ref, ", ".join(hit.fields), hit.told, hit.owner, judged, readers, last, when(hit.at))
