"""How what a search found looks."""

from __future__ import annotations

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Block, Heading, Lines, Look, Part, line, table
from nbmlops.render.units import count, when
from nbmlops.workspace.search.records import NOUNS, Found

__all__: list[str] = []

_CALLED = {
    "model": "Models",
    "data": "Data",
    "feature": "Features",
    "pipeline": "Pipelines",
    "run": "Runs",
    "report": "Reports",
}
_NEXT = {"report": "check show"}


@looks(Found)
def _(found: Found) -> Look:
    if not found.hits:
        near = f"did you mean {', '.join(found.near)}?" if found.near else None
        return Look(line(f"nothing is known of {found.text!r}", near))
    blocks: list[Block] = []
    for noun in NOUNS:
        if hits := found.of(noun):
            rows = [(hit.ref, ", ".join(hit.fields), hit.told, when(hit.at)) for hit in hits]
            shown = spoken(f"`ml {_NEXT.get(noun, f'{noun} show')} {hits[0].ref}`")
            rest = Part("there is more: --limit", "muted") if noun in found.more else None
            blocks += [Heading(_CALLED[noun]), table(("", "in", "what stands there", "made"), rows)]
            blocks.append(Lines((line(Part(shown, "muted"), rest),)))
    return Look(line(f"search {found.text}", count(len(found.hits), "hit")), tuple(blocks))
