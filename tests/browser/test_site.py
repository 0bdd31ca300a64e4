"""The documentation as its readers have it: built, then walked in Chromium with the network cut."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

import nbformat
import pytest

from tests.browser.tutorials import STORED, Tutorials

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

# The first of them executes every tutorial.
pytestmark = pytest.mark.timeout(1_200)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(executed: Tutorials, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, with the tutorials as they were executed."""
    notebooks, into = tmp_path_factory.mktemp("shown"), tmp_path_factory.mktemp("site") / "html"
    for path in STORED.glob("*.ipynb"):
        nbformat.write(executed[path.stem], notebooks / path.name)
    words = [sys.executable, "docs/site/build.py", "--notebooks", str(notebooks), "--into", str(into)]
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return into


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a network."""
    one = browser.new_context(offline=True)
    yield one
    one.close()


class _Links(HTMLParser):
    """Where a page leads to, what it loads, and the places in it that others may lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.places.add(str(given["id"]))
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if tag in {"script", "img", "iframe"} and given.get("src"):
            self.loaded.append(str(given["src"]))
        if tag == "link" and "stylesheet" in (given.get("rel") or ""):
            self.loaded.append(str(given["href"]))


def test_no_link_is_broken_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = {path: _Links(path) for path in site.rglob("*.html")}
    assert len(pages) > 200
    wrong = []
    for page, said in pages.items():
        wrong += [f"{page.name} loads {each}" for each in said.loaded if "//" in each and not each.startswith("data:")]
        for link in said.links:
            address, place = urldefrag(link)
            if "://" in address or address.startswith(("mailto:", "data:")):
                continue
            other = (page.parent / unquote(address)).resolve() if address else page
            if not other.exists():
                wrong.append(f"{page.name} → {link}")
            elif place and other in pages and unquote(place) not in pages[other].places:
                wrong.append(f"{page.name} → {link}: no such place")
    assert wrong == []


def test_every_page_opens_without_an_error(site: Path, context: BrowserContext) -> None:
    page, wrong = context.new_page(), list[str]()

    def tell(message: Any) -> None:
        if message.type == "error":
            wrong.append(f"{page.url}: {message.text} {message.location['url']}")

    page.on("console", tell)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    for path in sorted(site.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.title(), path
    assert wrong == []


def test_the_search_finds_a_verb_offline(site: Path, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=blame")
    page.get_by_role("link", name="data blame").first.wait_for()
    page.get_by_role("link", name="data blame").first.click()
    page.wait_for_url("**/verbs/data/blame.html*")
    assert page.get_by_role("heading", name="data blame").is_visible()


def test_a_tutorial_shows_what_came_of_it(site: Path, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto((site / "tutorials" / "0_tour.html").as_uri())
    assert page.locator(".cell_output").count() > 10
    assert page.locator(".cell_output img, .cell_output svg, .cell_output table").count() > 0
