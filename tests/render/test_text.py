from __future__ import annotations

import pytest

from nbmlops import render
from nbmlops.render.look import Facts, Look, Part, line
from nbmlops.render.table import Column, Table
from nbmlops.render.units import duration, number, size
from nbmlops.render.width import clip, pad, safe, width
from tests.render.samples import NOW, every_record, report, run, table_version


def test_a_version_is_one_line_that_says_what_it_is_what_it_cost_and_where_it_came_from() -> None:
    shown = render.text(table_version(notebook="notebooks/1_ingest.ipynb"))
    parts = [
        "flights@v4",
        "80,789 rows \u00d7 2",
        "6.1 MB, 300 kB new",
        "7f3a9c12",
        "from cell 01234567 of 1_ingest.ipynb",
    ]
    assert shown == "   ".join(parts)


def test_more_is_shown_on_demand() -> None:
    shown = render.text(table_version(message="January"), detail=True)
    assert shown.splitlines()[0] == render.text(table_version())
    assert "message   January" in shown
    assert "int64" in shown


def test_a_run_tells_how_it_ended_its_metrics_and_what_it_read() -> None:
    assert render.text(run(hidden_state=())) == "run gbm-12   finished in 4.1 s   gbm 0.7012   reads flights@v4"
    failed = render.text(run(status="failed", error={"name": "ValueError", "value": "no rows"}))
    assert failed.splitlines()[1].strip() == "ValueError: no rows"


def test_a_report_names_what_did_not_pass_worst_first() -> None:
    first, *rest = render.text(report()).splitlines()
    assert first == "flights@v4   ✓ 1 passed   ! 1 warned   ✗ 1 failed   report 31"
    assert [row.strip()[0] for row in rest] == ["✗", "!"]
    assert "first rows: 812, 4,410" in rest[1]


@pytest.mark.parametrize("record", every_record("plain"), ids=lambda record: type(record).__name__)
def test_every_record_has_a_line_of_text_and_a_json_form(record: object) -> None:
    assert render.text(record).splitlines()[0].strip()
    assert " object at 0x" not in render.text(record, detail=True)
    assert isinstance(render.json(record), dict)


@pytest.mark.parametrize("record", every_record("a\x1b[31m\u202eb"), ids=lambda record: type(record).__name__)
def test_text_from_people_cannot_act_on_a_terminal(record: object) -> None:
    shown = render.text(record, detail=True)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_record_of_no_look_is_written_as_python_writes_it() -> None:
    assert render.text({"a": 1}) == "{'a': 1}"
    assert "&#39;a&#39;" in render.html({"a": 1})


def test_numbers_stand_to_the_right_and_wide_characters_take_two_columns() -> None:
    table = Table.of([Column("name"), Column("rows", right=True)], [["flights", "80,789"], ["航班", "12"]])
    assert len({width(row) for row in table.text().splitlines()}) == 1
    assert table.text().splitlines()[2].endswith("    12")


def test_a_table_fits_the_width_that_it_is_given_and_shortens_the_widest_text_first() -> None:
    table = Table.of([Column("name"), Column("message"), Column("rows", right=True)], [["flights", "m" * 200, "1"]])
    rows = table.text(60).splitlines()
    assert max(map(width, rows)) <= 60
    assert "flights" in rows[1]
    assert "…" in rows[1]


def test_a_drawing_keeps_its_lines_and_an_empty_part_leaves_no_gap() -> None:
    look = Look(line("name", Part("", "muted"), None, "size"), more=(Facts.of({"a": None, "b": 1}),))
    assert look.text() == "name   size"
    assert look.text(detail=True).splitlines()[1:] == ["  b  1"]


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_950, "1.0 MB"), (312e6, "312 MB")]
)
def test_sizes_are_decimal_and_never_reach_a_thousand(amount: float, shown: str) -> None:
    assert size(amount) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0 ms"), (0.99951, "1.0 s"), (59.99, "1 min"), (3_600, "1 h"), (90_061, "1 d 1 h")]
)
def test_durations_have_their_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(True, "True"), (1.5e20, "1.5e+20"), (1e-7, "1e-07"), (float("inf"), "inf"), ("x", "x")]
)
def test_numbers_are_short(value: object, shown: str) -> None:
    assert number(value) == shown


def test_width_counts_columns_and_clip_keeps_to_them() -> None:
    assert width("e\u0301") == 1
    assert width(clip("航班航班", 5)) <= 5
    assert pad("航", 4) == "航  "
    assert clip("abc", 0) == ""


def test_safe_text_is_one_printable_line_that_keeps_joined_emoji() -> None:
    assert safe("a\tb\r\nc") == "a b\\r\\nc"
    assert safe("👨\u200d👩") == "👨\u200d👩"
    assert safe("\ud800") == "\\ud800"


def test_times_are_shown_to_the_minute() -> None:
    assert render.text(table_version(), detail=True).count(NOW.astimezone().strftime("%Y-%m-%d %H:%M")) == 1
