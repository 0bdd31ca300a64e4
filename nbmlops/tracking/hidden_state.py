"""Hidden state: names that a notebook, run again from top to bottom, would not have, or would have otherwise.

The executions of a session are replayed in their order, which tells for each name that a cell used which execution had
defined it. From the cells of a run, these are followed back to all that its names come from. A name is told when the
cell that defined it has changed and defines it no more, was deleted, or stands further down, and when no cell that was
recorded defines it. What cannot be known is not told: names behind ``import *``, ``%run`` or ``exec``, names that a
cell may have defined before it failed, and a change of a cell that was not saved since.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from nbmlops.tracking.records import Cell, HiddenState
from nbmlops.tracking.source import is_provided, read

if TYPE_CHECKING:
    from nbmlops.tracking.notebook_source import Saved

__all__ = ["hidden_state"]

Kind = Literal["changed", "deleted", "out-of-order", "unknown"]


class _Facts(NamedTuple):
    """What a cell does to names; `uses` are needed when it runs, `later` when a function of it is called: name -> line.

    `unsure` may or may not exist after it, `opens` says that any name may.
    """

    uses: dict[str, int]
    later: dict[str, int]
    defines: frozenset[str]
    imports: frozenset[str]
    unsure: frozenset[str]
    opens: bool


class _Need(NamedTuple):
    """A name that an execution used, and which one had defined it; `later` when only a function of it needs it."""

    name: str
    line: int
    home: int | None
    later: bool = False


def hidden_state(
    session: Sequence[Cell], page: Saved | None, asked: Container[int] | None = None
) -> tuple[HiddenState, ...]:
    """Find the names whose cells are not what they were.

    Parameters
    ----------
    session : sequence of Cell
        What a process has executed, in this order.
    page : Saved, optional
        The notebook as it was saved; without it, what was deleted or moved is not known.
    asked : container of int, optional
        Positions of the executions that are asked about, by default the newest of each cell; what their names come from
        is looked at in any case.
    """
    needs, complete = _replayed(session)
    now = _Now(session, page)
    found: dict[tuple[str, str, str | None], HiddenState] = {}
    if asked is None:
        asked = set({cell.cell_id or cell.position: cell.position for cell in session}.values())
    waiting = [place for place, cell in enumerate(session) if cell.position in asked]
    seen = set(waiting)
    while waiting:
        place = waiting.pop()
        for need in needs[place]:
            kind = now.judge(place, need) if need.home is not None or complete else None
            if kind is not None:
                one = _told(kind, need, session[place], None if need.home is None else session[need.home])
                found.setdefault((kind, need.name, one.cell_id), one)
            if need.home is not None and need.home not in seen:
                seen.add(need.home)
                waiting.append(need.home)
    return tuple(sorted(found.values(), key=lambda one: (one.count or 0, one.line, one.name)))


def _told(kind: Kind, need: _Need, user: Cell, home: Cell | None) -> HiddenState:
    return HiddenState(
        kind=kind,
        name=need.name,
        cell_id=user.cell_id,
        count=user.count,
        line=need.line,
        definer=home.cell_id if home else None,
        definer_count=home.count if home else None,
    )


def _replayed(session: Sequence[Cell]) -> tuple[list[list[_Need]], bool]:
    """What each execution needed of which other, and whether a name without a home is known to have none."""
    homes: dict[str, int | None] = {}
    needs: list[list[_Need]] = []
    later: list[tuple[int, str, int]] = []
    # A log that begins in the middle has forgotten cells.
    opened = bool(session) and session[0].position > 0
    for place, cell in enumerate(session):
        facts, failed = _facts(cell.source), cell.status not in {"completed", "running"}
        mine = [_Need(name, line, homes[name]) for name, line in facts.uses.items() if homes.get(name) is not None]
        if not (opened or failed):
            mine += [_Need(name, line, None) for name, line in facts.uses.items() if name not in homes]
        needs.append(mine)
        later += [(place, name, line) for name, line in facts.later.items()]
        if facts.opens:
            homes.clear()
            opened = True
        homes |= dict.fromkeys(facts.unsure | (facts.defines if failed else frozenset()), None)
        homes |= {} if failed else dict.fromkeys(facts.defines, place)
    for place, name, line in later:
        # A function that is called needs what there is then; where nothing is, lint tells.
        if (home := homes.get(name)) is not None:
            needs[place].append(_Need(name, line, home, later=True))
    return needs, not opened


class _Now:
    """The cells as they are now, as far as the page and what was executed after it was saved tell."""

    def __init__(self, session: Sequence[Cell], page: Saved | None) -> None:
        self._session = session
        newest = {cell.cell_id: cell for cell in session if cell.cell_id is not None}
        fresh = {key: cell for key, cell in newest.items() if page is None or cell.started_at > page.at}
        cells = page.cells if page else ()
        self._order = {key: place for place, (key, _) in enumerate(cells) if key is not None}
        self._sources = {key: source for key, source in cells if key is not None}
        self._sources |= {key: cell.source for key, cell in fresh.items()}
        self._alone = [source for key, source in cells if key is None]
        self._known = page is not None
        # Cells that ran before the extension was loaded are not recorded; without the page, they may be anywhere.
        self._from_start = page is not None or bool(session and session[0].count == 1)

    def judge(self, place: int, need: _Need) -> Kind | None:
        """What is hidden about a name that an execution needed."""
        user = self._session[place]
        if need.home is None:
            return "unknown" if self._from_start and not self._is_defined(need.name) else None
        home = self._session[need.home]
        if home.cell_id is None or home.cell_id == user.cell_id:
            return None
        if home.cell_id not in self._sources:
            there = user.cell_id in self._sources
            return "deleted" if self._known and there and not self._is_defined(need.name) else None
        current = _facts(self._sources[home.cell_id])
        if need.name not in current.defines and not current.opens:
            return "changed" if not self._is_defined(need.name) else None
        below = not need.later and self._is_below(home.cell_id, user.cell_id)
        return "out-of-order" if below and not self._is_import(need.name, home, user.cell_id) else None

    @cached_property
    def _all(self) -> list[_Facts]:
        return [_facts(source) for source in (*self._sources.values(), *self._alone)]

    def _is_defined(self, name: str) -> bool:
        """Whether a cell defines a name, and not from what it was before, as ``x = x + 1`` does."""
        return any(facts.opens or (name in facts.defines and name not in facts.uses) for facts in self._all)

    def _is_below(self, one: str, other: str | None) -> bool:
        return other in self._order and self._order.get(one, -1) > self._order[other]

    def _is_import(self, name: str, home: Cell, user: str | None) -> bool:
        """Whether a cell above imports what the one below imported again."""
        above = [key for key, place in self._order.items() if user is not None and place < self._order[user]]
        imported = name in _facts(home.source).imports
        return imported and any(name in _facts(self._sources[key]).imports for key in above)


@lru_cache(maxsize=10_000)
def _facts(source: str) -> _Facts:
    found = read(source)
    if found.error is not None:
        return _Facts({}, {}, frozenset(), frozenset(), frozenset(), opens=True)
    uses, later, gone = dict[str, int](), dict[str, int](), set[str]()
    defined, given, opens = set[str](), set[str](), False
    for event in found.events:
        match event.kind:
            case "define":
                defined.add(event.name)
            case "given":
                given.add(event.name)
            case "delete":
                defined.discard(event.name)
                gone.add(event.name)
            case "open":
                opens = True
            case "use" if not opens and event.name not in defined | given | gone:
                uses.setdefault(event.name, event.line)
            case "later":
                later.setdefault(event.name, event.line)
    return _Facts(
        uses={name: line for name, line in uses.items() if not is_provided(name)},
        later={name: line for name, line in later.items() if not (name in defined | given or is_provided(name))},
        defines=frozenset(defined),
        imports=found.imports,
        unsure=frozenset(gone - defined),
        opens=opens,
    )
