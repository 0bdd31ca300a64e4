from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from nbmlops import render
from nbmlops.data.records import DataVersion
from nbmlops.render.look import table
from tests.render.samples import every_record, report, run, table_version

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{ 7*7 }}"
LIMIT = 100_000
VOID = {"br", "hr", "img", "input", "meta", "link"}

PICTURE = {"svg", "g", "title", "rect", "text", "path", "polyline", "figure", "figcaption"}
DRAWN = {
    "cx",
    "cy",
    "r",
    "width",
    "height",
    "viewbox",
    "role",
    "aria-label",
    "x",
    "y",
    "rx",
    "d",
    "points",
    "text-anchor",
}


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that every element is closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("record", every_record(HOSTILE), ids=lambda record: type(record).__name__)
def test_what_people_wrote_is_shown_and_never_obeyed(record: object) -> None:
    page = Reader(render.html(record, detail=True))
    assert page.tags <= {
        "div",
        "h2",
        "span",
        "style",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "pre",
        "circle",
        "details",
        "summary",
        *PICTURE,
    }
    assert page.attributes <= {"class", "scope", "open", "tabindex", *DRAWN}
    assert "49" not in "".join(page.words).replace("{{ 7*7 }}", "")


@pytest.mark.parametrize("record", every_record(HOSTILE * 200), ids=lambda record: type(record).__name__)
def test_a_page_stays_below_100_kb_whatever_is_in_it(record: object) -> None:
    assert len(render.html(record).encode()) < LIMIT


@pytest.mark.parametrize("text", ["plain", HOSTILE, "航" * 5_000, "'" * 5_000])
def test_a_listing_of_many_stays_below_100_kb_and_says_how_many_are_left_out(text: str) -> None:
    many = render.Listing([table_version(text)] * 3_000, DataVersion)
    page = render.html(many)
    assert len(page.encode()) < LIMIT
    assert " more</div>" in page


def test_a_report_of_many_outcomes_stays_below_100_kb() -> None:
    outcomes = report(HOSTILE).outcomes * 2_000
    assert len(render.html(report(HOSTILE, outcomes=outcomes)).encode()) < LIMIT


def test_a_run_of_many_params_stays_below_100_kb() -> None:
    values = {f"{HOSTILE}{place}": 0.5 for place in range(3_000)}
    assert len(render.html(run(params=values, metrics=values, tags=values)).encode()) < LIMIT


def test_colours_follow_the_theme_and_nothing_is_fetched() -> None:
    page = render.html(report())
    colours = re.findall(r"var\(([^)]*)\)", page)
    assert len(colours) >= 6
    assert all(re.fullmatch(r"--jp-[\w-]+,.+", colour) for colour in colours), "each has a fallback"
    assert "http" not in page
    assert "url(" not in page


def test_a_dollar_is_a_dollar_and_begins_no_formula() -> None:
    # MathJax leaves alone what has these classes: the first is of version 2, the second of 3 and later.
    assert '<div class="nbmlops tex2jax_ignore mathjax_ignore">' in render.html(run(params={"price": "$5 and $6$"}))


def test_what_is_on_demand_is_folded_until_it_is_asked_for() -> None:
    assert "<details>" in render.html(table_version())
    assert "<details open>" in render.html(table_version(), detail=True)


def test_a_table_names_its_headers_for_those_who_hear_it() -> None:
    assert '<th scope="col"' in render.html(render.Listing([table_version()], DataVersion))
    assert '<th scope="row">' in render.html(table_version())


def test_a_narrow_page_breaks_no_dates_in_the_first_column() -> None:
    assert table(["when", "what"], [["2026-11-27 18:55", "saved " * 40]]).is_led_shortly
    assert not table(["what", "when"], [["saved " * 40, "2026-11-27 18:55"]]).is_led_shortly
