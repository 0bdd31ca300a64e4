"""Markdown of every record, read by a real parser of it: nothing of what people wrote is obeyed."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from nbmlops import render
from nbmlops.data.records import DataVersion
from nbmlops.render.dispatch import Diagram
from nbmlops.render.gfm import escaped, fenced
from tests.render.samples import every_record, table_version

TAGS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"
HOSTILE = f"{TAGS} [x](javascript:alert(1)) `a` **b** $c$ | ~~d~~"
LIMIT = 100_000
WRITTEN = set("p h2 strong em table thead tbody tr th td ul li pre code span div br a".split())


class Reader(HTMLParser):
    """Collects tags, attributes and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(markdown: str) -> Reader:
    return Reader(markdown2html_mistune(markdown))


@pytest.mark.parametrize("record", every_record(HOSTILE), ids=lambda record: type(record).__name__)
def test_what_people_wrote_is_shown_and_never_obeyed(record: object) -> None:
    page = read(render.markdown(record, detail=True))
    assert page.tags <= WRITTEN
    # A heading of ours gets an anchor from nbconvert, which leads to itself and nowhere else.
    anchors = {f"#{value}" for name, value in page.attributes if name == "id"}
    assert {value for name, value in page.attributes if name == "href"} == anchors
    assert {name for name, _ in page.attributes} <= {"class", "style", "align", "id", "href"}
    words = "".join(page.words)
    assert "javascript:alert(1)" not in words or "[x](javascript:alert(1))" in words


@pytest.mark.parametrize("record", every_record(HOSTILE * 200), ids=lambda record: type(record).__name__)
def test_it_stays_below_100_kb_whatever_is_in_it(record: object) -> None:
    assert len(render.markdown(record, detail=True).encode()) < LIMIT


@pytest.mark.parametrize("text", ["plain", HOSTILE, "航" * 5_000, "'" * 5_000, "`" * 5_000])
def test_a_listing_of_many_stays_below_100_kb_and_says_how_many_are_left_out(text: str) -> None:
    written = render.markdown(render.Listing([table_version(text)] * 1_500, DataVersion))
    assert len(written.encode()) < LIMIT
    assert " more\n" in written


@pytest.mark.parametrize(
    "text", ["- a", "1. a", "+ a", "# a", "a_b_c", "a | b", "<b>", "&lt;", "[a](b)", "\\", "`a`", "$a$", "~~a~~", "***"]
)
def test_a_text_comes_out_as_it_was_written(text: str) -> None:
    assert "".join(read(escaped(text)).words).strip() == text
    assert "".join(read(f"| a |\n| - |\n| {escaped(text)} |\n").words).split("a", 1)[1].strip() == text


@pytest.mark.parametrize("text", ["```", "````\n<script>", "a\n```\nb", "~~~"])
def test_a_fence_is_not_closed_by_what_is_in_it(text: str) -> None:
    page = read(fenced(text))
    assert page.tags <= WRITTEN
    assert "".join(page.words).strip() == text


def test_a_look_has_the_same_words_as_its_text() -> None:
    record = table_version("flights")
    words = "".join(read(render.markdown(record, detail=True)).words).split()
    assert set(render.text(record, detail=True).split()) <= set(words) | {"name", "type"}


def test_what_has_no_look_is_its_text_in_a_fence() -> None:
    assert render.markdown("a\nb") == "```text\na\nb\n```\n"


def test_a_diagram_stays_a_diagram() -> None:
    assert Diagram("flowchart LR")._repr_markdown_() == "```mermaid\nflowchart LR\n```\n"
