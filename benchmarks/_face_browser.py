"""What a page does in Chromium: when it first shows rows, what it fetches, how it scrolls, how it filters."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

__all__ = ["Painted", "chromium", "filtering", "opened", "scrolling"]

_CHROMIUM = "/usr/bin/chromium"
_LONGEST = 120.0
# Looks at every frame whether a row is there, and tells the time of the frame after it: then it is on the screen.
_WATCH = """
(rows) => {
  const look = () => {
    const found = document.querySelectorAll(rows);
    if ([...found].some((row) => row.offsetHeight > 0 && row.textContent.trim().length > 3)) {
      requestAnimationFrame(() => { window.painted = performance.now(); });
    } else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
_SCROLL = """
([grid, milliseconds, step]) => new Promise((done) => {
  const element = document.querySelector(grid);
  const began = performance.now();
  let frames = 0;
  const next = () => {
    const passed = performance.now() - began;
    if (passed >= milliseconds) { done(1000 * frames / passed); return; }
    frames += 1;
    element.scrollTop += step;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""
# From the key, which sets the text, to the frame after the one in which another row stands first.
_FILTER = """
([field, rows, text]) => new Promise((done) => {
  const input = document.querySelector(field);
  const first = () => [...document.querySelectorAll(rows)].filter((row) => row.offsetHeight > 0)
    .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)[0]?.textContent;
  const before = first();
  const began = performance.now();
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const look = () => {
    if (first() !== before) requestAnimationFrame(() => done(performance.now() - began));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


@dataclass(frozen=True)
class Painted:
    """A page that shows rows: after how many seconds, and how many bytes it has fetched by then."""

    page: Page
    seconds: float
    bytes: int


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, rows: str) -> Iterator[Painted]:
    """Open a page that nothing is kept of, and wait until it shows rows.

    Parameters
    ----------
    browser : Browser
        Chromium.
    address : str
        The page.
    rows : str
        Selects the elements that are its rows.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page, fetched = context.new_page(), [0]
    session = context.new_cdp_session(page)
    session.send("Network.enable")

    def count(event: dict[str, Any]) -> None:
        fetched[0] += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", count)
    page.add_init_script(f"({_WATCH})({rows!r})")
    page.goto(address)
    seconds = _painted(page)
    # What a page still fetches behind its first paint is counted; some ask their server again and again.
    for _ in range(10):
        before = fetched[0]
        page.wait_for_timeout(500)
        if fetched[0] == before:
            break
    yield Painted(page, seconds, fetched[0])
    context.close()


def _painted(page: Page) -> float:
    """When the page showed rows, in seconds since it was asked for."""
    ended = time.monotonic() + _LONGEST
    # Asked again and again from outside: a page whose policy forbids eval can wait for no expression.
    while (painted := page.evaluate("window.painted ?? null")) is None:
        if time.monotonic() > ended:
            raise TimeoutError(f"{page.url.partition('?')[0]} shows no rows")
        page.wait_for_timeout(20)
    return float(painted) / 1000


def scrolling(page: Page, grid: str, seconds: float = 3.0, step: int = 240) -> float:
    """Frames in a second while a grid scrolls without a stop."""
    return float(page.evaluate(_SCROLL, [grid, 1000 * seconds, step]))


def filtering(page: Page, field: str, rows: str, text: str) -> float:
    """Seconds from a keystroke in a field until the rows that it leaves are on the screen."""
    taken = float(page.evaluate(_FILTER, [field, rows, text])) / 1000
    time.sleep(0.2)
    return taken
