"""What a record looks like, before it is text or HTML: a headline, blocks below it, more on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbmlops.render.table import Column, Table
from nbmlops.render.width import pad, safe, width

if TYPE_CHECKING:
    from nbmlops.render.bars import Bars
    from nbmlops.render.course import Courses
    from nbmlops.render.curves import Across, Curves
    from nbmlops.render.diagram import Diagram
    from nbmlops.render.timeline import Timeline

__all__ = ["Block", "Drawing", "Facts", "Heading", "Lines", "Look", "Part", "Tone", "line", "table"]

Tone = Literal["plain", "name", "muted", "good", "warn", "bad"]
_GAP = "   "
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Part:
    """A phrase of a line and its tone; the tone colours HTML, and never says what the words do not."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of parts."""

    lines: tuple[tuple[Part, ...], ...]

    def text(self, _columns: int | None = None) -> str:
        """One line each."""
        return "\n".join(_GAP.join(safe(part.text) for part in line) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a name and what it is."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Facts:
        """The facts that there are: those that are None or empty are left out."""
        kept = ((safe(name), safe(str(value))) for name, value in facts.items() if value is not None and value != "")
        return cls(tuple(kept))

    def text(self, _columns: int | None = None) -> str:
        """One pair on a line, the values below each other."""
        columns = max((width(name) for name, _ in self.pairs), default=0)
        return "\n".join(f"{pad(name, columns)}  {value}" for name, value in self.pairs)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Text whose line breaks and spaces matter."""

    content: str

    def text(self, _columns: int | None = None) -> str:
        """The drawing, each line made safe."""
        return "\n".join(safe(line) for line in self.content.rstrip("\n").split("\n"))


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what stands below it, up to the next one."""

    title: str

    def text(self, _columns: int | None = None) -> str:
        """The title, underlined."""
        return f"\n{safe(self.title)}\n{'─' * width(safe(self.title))}"


Block: TypeAlias = "Lines | Heading | Facts | Drawing | Table | Bars | Diagram | Curves | Across | Courses | Timeline"


@dataclass(frozen=True, slots=True)
class Look:
    """A record as people see it.

    Attributes
    ----------
    headline : tuple of Part
        One line: what it is, what it cost, where it came from.
    body : tuple of Block
        What always stands below it.
    more : tuple of Block
        What stands below that on demand.
    """

    headline: tuple[Part, ...]
    body: tuple[Block, ...] = ()
    more: tuple[Block, ...] = ()

    def text(self, *, detail: bool = False, columns: int | None = None) -> str:
        """Write it as plain text; blocks are indented below the headline."""
        inner = None if columns is None else columns - len(_INDENT)
        pieces = [Lines((self.headline,)).text()] if self.headline else []
        for block in (*self.body, *(self.more if detail else ())):
            written = block.text(inner)
            if written:
                lead = _INDENT if self.headline else ""
                pieces += [f"{lead}{row}".rstrip() for row in written.split("\n")]
        return "\n".join(pieces)


def line(*parts: Part | str | None) -> tuple[Part, ...]:
    """Make a line of parts; None and empty ones are left out, the first plain text is the name."""
    kept: list[Part] = []
    for part in parts:
        if part and not (isinstance(part, Part) and not part.text):
            kept.append(part if isinstance(part, Part) else Part(part, "plain" if kept else "name"))
    return tuple(kept)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> Table:
    """Make a table; a header that begins with ``>`` is of a column of numbers."""
    columns = [Column(header.removeprefix(">"), right=header.startswith(">")) for header in headers]
    return Table.of(columns, rows, title)
