"""How the end of the demo looks: a table of what was made, and the line to type next."""

from __future__ import annotations

from nbmlops.demo.story import DemoResult
from nbmlops.render.dispatch import looks
from nbmlops.render.look import Lines, Look, Part, line, table
from nbmlops.render.units import duration

__all__: list[str] = []


@looks(DemoResult)
def _(outcome: DemoResult) -> Look:
    rows = [(made.what, made.version, made.digest, duration(made.seconds), made.look) for made in outcome.made]
    made = table(("made", "version", "digest", ">took", "look at it"), rows)
    then = Lines((line(Part(f"open the notebooks: {outcome.next}")),))
    return Look(line("demo", Part("✓ all of it held", "good"), f"{duration(outcome.seconds)}"), body=(made, then))
