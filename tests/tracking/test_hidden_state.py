"""Hidden state: what a session has used that its page, run again, would not have; nothing said of what is in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.core import digests
from nbmlops.tracking.hidden_state import hidden_state
from nbmlops.tracking.notebook_source import Saved
from nbmlops.tracking.records import Cell

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
Ran = tuple[str | None, str]


def session(*ran: Ran | tuple[str | None, str, str], first: int = 1) -> list[Cell]:
    """Cells that ran one after the other, a second each: id, source, and how it went unless it completed."""
    return [
        Cell(
            place,
            one[0],
            digests.of_text(one[1]),
            one[1],
            place + first,
            BEGAN + timedelta(seconds=place),
            0.5,
            one[2] if len(one) > 2 else "completed",  # type: ignore[misc]
        )
        for place, one in enumerate(ran)
    ]


def page(*cells: Ran, at: float = 1e6) -> Saved:
    """The notebook, saved so many seconds after the session began: long after its end, unless said otherwise."""
    return Saved(BEGAN + timedelta(seconds=at), tuple(cells), "")


def found(
    ran: list[Cell], saved: Saved | None, since: int | None = None
) -> list[tuple[str, str, str | None, str | None]]:
    asked = None if since is None else range(since, len(ran))
    return [(one.kind, one.name, one.cell_id, one.definer) for one in hidden_state(ran, saved, asked)]


LOAD, USE = ("a", "df = open(0)"), ("b", "df.head()")


def test_a_cell_that_was_changed_and_no_longer_defines_a_name() -> None:
    ran = session(("a", "x = 1"), ("b", "print(x)"))
    assert found(ran, page(("a", "y = 1"), ("b", "print(x)"))) == [("changed", "x", "b", "a")]
    again = session(("a", "x = 1"), ("a", "y = 1"), ("b", "print(x)"))
    assert found(again, None) == [("changed", "x", "b", "a")]
    assert found(again, page(("a", "x = 1"), ("b", "print(x)"), at=-5)) == [("changed", "x", "b", "a")]
    (one,) = hidden_state(again, None)
    assert one.message == "`x` comes from a cell that no longer defines it, which ran as [1]"
    assert (one.count, one.line) == (3, 1)


def test_a_cell_that_was_deleted() -> None:
    ran = session(("a", "x = 1"), ("b", "y = 2\nprint(x)"))
    (one,) = hidden_state(ran, page(("b", "y = 2\nprint(x)")))
    assert (one.kind, one.name, one.line) == ("deleted", "x", 2)


def test_a_cell_that_makes_a_name_from_itself_does_not_stand_for_one_that_was_deleted() -> None:
    ran = session(("a", "df = [1]"), ("b", "df = df + [2]"), ("c", "print(df)"))
    assert found(ran, page(("b", "df = df + [2]"), ("c", "print(df)")), since=2) == [("deleted", "df", "b", "a")]


def test_a_cell_that_ran_after_one_further_down() -> None:
    cells = [("a", "x = 1"), ("b", "print(x)"), ("c", "x = 2")]
    assert found(session(*cells, cells[1]), page(*cells)) == [("out-of-order", "x", "b", "c")]
    assert found(session(*cells), page(*cells)) == []


def test_a_name_that_no_cell_defined() -> None:
    ran = session(("a", "print(x)"))
    assert found(ran, page(("a", "print(x)"))) == [("unknown", "x", "a", None)]
    assert found(ran, None) == [("unknown", "x", "a", None)]


def test_only_what_the_cells_of_a_run_come_from_is_told() -> None:
    cells = [("a", "x = 1"), ("b", "y = x"), ("c", "print(y)"), ("d", "gone = 1"), ("e", "print(gone)")]
    ran = session(*cells)
    saved = page(*cells[1:3], cells[4])
    assert found(ran[:3], saved, since=2) == [("deleted", "x", "b", "a")]
    assert found(ran, saved) == [("deleted", "x", "b", "a"), ("deleted", "gone", "e", "d")]


def test_of_a_cell_that_ran_again_only_the_newest_execution_counts() -> None:
    cells = [("a", "x = 1"), ("b", "print(x)"), ("c", "x = 2")]
    ran = session(*cells, cells[1], cells[0], cells[1])
    assert found(ran, page(*cells)) == []
    assert found(ran, page(*cells), since=0) == [("out-of-order", "x", "b", "c")]


def test_a_function_uses_what_is_there_when_it_is_called() -> None:
    cells = [("a", "def f():\n    return scale"), ("b", "scale = 2"), ("c", "f()")]
    assert found(session(*cells), page(*cells)) == []
    assert found(session(*cells), page(cells[0], cells[2])) == [("deleted", "scale", "a", "b")]


ORDINARY: dict[str, list[Ran]] = {
    "imports": [("a", "import numpy as np"), ("b", "np.zeros(3)")],
    "an import that is repeated below": [("a", "import os"), ("b", "os.sep"), ("c", "import os"), ("b", "os.sep")],
    "what Python and IPython give": [("a", "print(len('x'), display, _, In, get_ipython())")],
    "magics": [("a", "%time x = 1"), ("b", "print(x)\n%matplotlib inline\n!ls {x}"), ("c", "%%bash\necho $HOME")],
    "the result of a magic": [("a", "%ml data load flights -o df"), ("b", "df.head()")],
    "the params of a run": [("a", "%%ml run gbm -p depth=4 -o run\nprint(depth)"), ("b", "run")],
    "del": [("a", "x = 1"), ("b", "print(x)\ndel x"), ("c", "x = 2"), ("d", "print(x)")],
    "a del that is run again": [("a", "x = 1"), ("b", "del x"), ("a", "x = 1"), ("b", "del x")],
    "comprehensions": [("a", "[i for i in range(3)]\n{k: v for k, v in {}.items()}\nf = lambda q: q")],
    "a star import": [("a", "from math import *"), ("b", "sin(pi)")],
    "a script": [("a", "%run setup.py"), ("b", "settings")],
    "exec": [("a", "exec('x = 1')"), ("b", "x")],
    "names made in a namespace": [("a", "globals().update(x=1)"), ("b", "x")],
    "a cell run twice": [("a", "x = [1]"), ("b", "x = x + [1]"), ("b", "x = x + [1]"), ("c", "print(x)")],
    "classes and recursion": [("a", "class A:\n    def f(self):\n        return A, g()"), ("b", "def g():\n    g()")],
    "a name only when there is one": [("a", "try:\n    x\nexcept NameError:\n    x = 1"), ("b", "x")],
}


@pytest.mark.parametrize("name", ORDINARY)
def test_nothing_is_said_of_ordinary_things(name: str) -> None:
    ran = ORDINARY[name]
    cells = list(dict(ran).items())
    assert found(session(*ran), page(*cells)) == []
    assert found(session(*ran), None) == []


def test_nothing_is_said_of_what_cannot_be_known() -> None:
    ran = session(LOAD, USE)
    assert found(ran, page(USE, at=-1)) == [], "the cell is newer than the file"
    assert found(ran, page(("z", LOAD[1]), USE)) == [], "the cell was cut and pasted"
    assert found(ran, page(("c", "y = 1"))) == [], "the cells are of another notebook"
    late = session(USE, first=7)
    assert found(late, None) == [], "what ran before the extension was loaded is not recorded"
    assert found(late, page(LOAD, USE)) == []
    failed = session((*LOAD, "failed"), USE)
    assert found(failed, page(LOAD, USE)) == [], "it may have failed behind the definition"
    assert found(session(("a", "df = 1"), ("a", "df = (", "failed"), USE), page(("a", "df = ("), USE)) == []
    assert found(session((None, "x = 1"), (None, "print(x)")), None) == []


def test_a_log_that_has_forgotten_cells_says_of_no_name_that_it_is_unknown() -> None:
    ran = session(("a", "x = 1"), ("b", "print(x, y)"))
    assert found(ran[1:], page(("b", "print(x, y)"))) == []


NAMES = st.sampled_from("uvwxyz")


@st.composite
def notebooks(draw: st.DrawFn) -> list[Ran]:
    """Cells of which each uses only what cells above define."""
    known: list[str] = []
    cells: list[Ran] = []
    for number in range(draw(st.integers(1, 6))):
        name = draw(NAMES)
        used = draw(st.lists(st.sampled_from(known), max_size=2)) if known else []
        cells.append((f"c{number}", f"{name} = [{', '.join(used)}]"))
        known.append(name)
    return cells


@settings(deadline=None)
@given(notebooks())
def test_nothing_is_said_of_a_notebook_that_ran_from_top_to_bottom(cells: list[Ran]) -> None:
    assert hidden_state(session(*cells), page(*cells)) == ()


@settings(deadline=None)
@given(notebooks(), st.data())
def test_what_is_told_is_used_and_what_was_deleted_is_told(cells: list[Ran], data: st.DataObject) -> None:
    order = data.draw(st.lists(st.sampled_from(cells), min_size=1, max_size=10))
    gone = data.draw(st.sampled_from(cells))
    kept = [cell for cell in cells if cell != gone]
    ran = session(*order)
    sources = dict(cells)
    for one in hidden_state(ran, page(*kept)):
        assert one.cell_id is not None
        assert one.name in sources[one.cell_id].partition("=")[2]
        assert one.definer is None or sources[one.definer].startswith(one.name)
    straight = hidden_state(session(*cells), page(*kept))
    lost, place = gone[1][0], cells.index(gone)
    others = {source[0] for _, source in kept if source[0] not in source.partition("=")[2]}
    until = next((at for at in range(place + 1, len(cells)) if cells[at][1][0] == lost), len(cells) - 1)
    users = {key for key, source in cells[place + 1 : until + 1] if lost in source.partition("=")[2]}
    assert {(one.kind, one.name, one.cell_id) for one in straight} == (
        set() if lost in others else {("deleted", lost, user) for user in users}
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.text()), max_size=6), st.booleans())
def test_any_session_can_be_looked_at(ran: list[Ran], known: bool) -> None:
    assert isinstance(hidden_state(session(*ran), page(*dict(ran).items()) if known else None), tuple)
