"""Rules about the state of a notebook: names that must exist, and the order in which cells ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbmlops.pipelines.linting.finding import Spot
from nbmlops.tracking.source import is_provided

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell
    from nbmlops.tracking.records import HiddenState
    from nbmlops.tracking.scopes import NameEvent

__all__ = ["counts_in_order", "names_exist", "names_lasting"]

# The names under which everyone imports these.
_IMPORTS = {
    "ml": "from nbmlops import ml",
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "pl": "import polars as pl",
    "plt": "import matplotlib.pyplot as plt",
    "sns": "import seaborn as sns",
    "Path": "from pathlib import Path",
}
_RESTART = "restart the kernel, run all cells, save the notebook"


def names_exist(cells: Sequence[CodeCell], stored: Collection[str]) -> Iterator[Spot]:
    """Replay what the cells do to names, from top to bottom.

    Parameters
    ----------
    cells : sequence of CodeCell
        The code cells of one notebook.
    stored : collection of str
        Names of stored data, for the fix of a name that is one of them.
    """
    replay = _Replay(cells, stored)
    for cell in cells:
        yield from replay.run(cell)
    yield from replay.unmet()


def names_lasting(cells: Sequence[CodeCell], hidden: Sequence[HiddenState], told: Collection[Spot]) -> Iterator[Spot]:
    """Names that the session has from cells that are not what they were; what the page itself tells is not repeated."""
    numbers = {cell.id: cell.number for cell in cells}
    known = {
        (spot.cell, spot.message.partition(" ")[0]) for spot in told if spot.rule in {"hidden-state", "out-of-order"}
    }
    for one in hidden:
        number = None if one.cell_id is None else numbers.get(one.cell_id)
        if number is not None and (number, f"`{one.name}`") not in known:
            rule = "execution-order" if one.kind == "out-of-order" else "hidden-state"
            yield Spot(rule, number, one.line, one.message, _RESTART)


def counts_in_order(cells: Sequence[CodeCell]) -> Iterator[Spot]:
    """Compare the stored execution counts with the order on the page."""
    written = [cell for cell in cells if cell.source.strip()]
    ran = [cell for cell in written if cell.count is not None]
    if not ran:
        return
    last, last_run = 0, ran[-1].number
    for cell in written:
        if cell.count is None:
            if cell.number < last_run:
                yield Spot("execution-order", cell.number, 1, "this cell did not run, but cells below it did", _RESTART)
            continue
        if cell.count <= last:
            message = f"this cell ran as [{cell.count}], the one above it as [{last}]"
            yield Spot("execution-order", cell.number, 1, message, _RESTART)
        elif cell.count > last + 1:
            message = f"the execution counts jump from [{last}] to [{cell.count}] here"
            yield Spot("execution-gap", cell.number, 1, message, _RESTART)
        last = cell.count


@dataclass(slots=True)
class _Replay:
    cells: Sequence[CodeCell]
    stored: Collection[str]
    defined: set[str] = field(default_factory=set)
    deleted: dict[str, int] = field(default_factory=dict)
    # Function -> what its body needs: name -> place. Checked when it is called.
    needs: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    anywhere: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    later: dict[str, tuple[int, int]] = field(default_factory=dict)
    # What existed when the cell began.
    kept: set[str] = field(default_factory=set)
    told: set[tuple[int, str]] = field(default_factory=set)
    open: bool = False

    def __post_init__(self) -> None:
        for cell in self.cells:
            for event in cell.events:
                if event.kind in {"define", "given"}:
                    self.anywhere.setdefault(event.name, []).append((cell.number, event.line))

    def run(self, cell: CodeCell) -> Iterator[Spot]:
        if cell.parsed.error is not None:
            # What it defines cannot be known; one finding about it is enough.
            self.open = True
            message = f"this cell is not Python: {cell.parsed.error}"
            yield Spot("syntax", cell.number, cell.parsed.line, message, "mend it, or make it a raw or markdown cell")
            return
        for event in cell.events:
            yield from self._replay(cell.number, event)
        # The params of a run are lent to its body only.
        lent = {event.name for event in cell.events if event.kind == "given"}
        self.defined -= lent - {event.name for event in cell.events if event.kind == "define"} - self.kept
        self.kept = set(self.defined)

    def _replay(self, cell: int, event: NameEvent) -> Iterator[Spot]:
        match event.kind:
            case "define" | "given":
                self.defined.add(event.name)
                self.deleted.pop(event.name, None)
                self.needs.pop(event.name, None)
            case "delete":
                self.defined.discard(event.name)
                self.deleted[event.name] = cell
            case "open":
                self.open = True
            case "later":
                self.later.setdefault(event.name, (cell, event.line))
                if event.within:
                    self.needs.setdefault(event.within, {}).setdefault(event.name, (cell, event.line))
            case "use" if not self._exists(event.name):
                yield from self._missing(cell, event.line, event.name)
            case "call":
                yield from self._called(cell, event)

    def _exists(self, name: str) -> bool:
        return self.open or name in self.defined or is_provided(name)

    def _missing(self, cell: int, line: int, name: str) -> Iterator[Spot]:
        if (cell, name) in self.told:
            return
        self.told.add((cell, name))
        if name in self.deleted:
            place = self.deleted[name]
            message = f"`{name}` is used after cell {place} deleted it"
            yield Spot("hidden-state", cell, line, message, f"take the del out of cell {place}, or define {name} again")
        elif below := [place for place in self.anywhere.get(name, ()) if place > (cell, line)]:
            # `x = x + 1` defines x too, but from an x that nobody made.
            place = below[0][0]
            where = "only further down in the same cell" if place == cell else f"only in cell {place}, further down"
            message = f"`{name}` is used here and defined {where}"
            yield Spot("out-of-order", cell, line, message, f"move the definition of {name} above this line")
        else:
            yield Spot("hidden-state", cell, line, f"`{name}` is used, but no cell above defines it", self._fix(name))

    def _called(self, cell: int, event: NameEvent) -> Iterator[Spot]:
        """Check what the body of a called function needs, and the functions that it calls in turn."""
        seen, stack = set[str](), [event.name]
        while stack:
            function = stack.pop()
            if function in seen:
                continue
            seen.add(function)
            for name in self.needs.get(function, {}):
                stack.append(name)
                if name in self.deleted and not self._exists(name):
                    yield from self._missing(cell, event.line, name)
                elif not self._exists(name) and name in self.anywhere and (cell, name) not in self.told:
                    self.told.add((cell, name))
                    place = self.anywhere[name][0][0]
                    message = f"`{function}` is called here and needs `{name}`, defined only in cell {place}"
                    fix = f"move the definition of {name} above this line"
                    yield Spot("out-of-order", cell, event.line, message, fix)

    def unmet(self) -> Iterator[Spot]:
        """What function bodies need and no cell of the whole notebook defines."""
        for name, (cell, line) in self.later.items():
            if not self._exists(name) and name not in self.anywhere:
                yield from self._missing(cell, line, name)

    def _fix(self, name: str) -> str:
        if name in _IMPORTS:
            return f"add `{_IMPORTS[name]}` above it"
        if name in self.stored:
            return f"add `%ml data load {name} -o {name}` above it"
        return f"define {name} in a cell above, or load it: `%ml data load NAME -o {name}`"
