"""The tutorials as others read them: executed, converted to HTML, opened in Chromium with the network cut."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nbconvert import HTMLExporter, MarkdownExporter
from traitlets.config import Config

from tests.browser.tutorials import STEPS, STORED, Tutorials

if TYPE_CHECKING:
    import nbformat
    from playwright.sync_api import Browser, Page

# Each may be the first to ask for a tutorial, which takes those before it.
pytestmark = pytest.mark.timeout(1_200)
LIMIT = 100_000
ALONE = (
    *("0_tour", "checks", "data_versioning", "delivery", "features", "governance", "monitoring"),
    *("pipelines", "tracking"),
)
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
LIBRARIES = {
    getattr(HTMLExporter(), name)
    for name in ("jquery_url", "mathjax_url", "mermaid_js_url", "mermaid_layout_elk_js_url", "require_js_url")
}
"""What nbconvert's own template asks a network for, on any page; nothing of ours needs it."""


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def opened(browser: Browser, page_file: Path, *, dark: bool = False) -> tuple[Page, list[str]]:
    """A page without a network, and what went wrong on it."""
    context = browser.new_context(color_scheme="dark" if dark else "light", offline=True)
    page, wrong = context.new_page(), list[str]()

    def tell(message: Any) -> None:
        if message.type == "error" and message.location["url"] not in LIBRARIES:
            wrong.append(f"{message.text} {message.location['url']}")

    page.on("console", tell)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url) if request.url not in LIBRARIES else None)
    page.goto(page_file.as_uri())
    return page, wrong


def test_each_tutorial_is_there() -> None:
    assert sorted((*STEPS, *ALONE)) == sorted(path.stem for path in STORED.glob("*.ipynb"))


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [*STEPS, *ALONE])
def test_a_tutorial_reads_well_as_a_page_without_a_network(
    name: str, theme: str, executed: Tutorials, tmp_path: Path, browser: Browser
) -> None:
    body, _ = HTMLExporter(theme=theme).from_notebook_node(executed[name])
    (tmp_path / "page.html").write_text(body, encoding="utf-8")
    page, wrong = opened(browser, tmp_path / "page.html", dark=theme == "dark")
    shown = page.locator(".jp-OutputArea-output")
    assert shown.count() >= sum(bool(cell.get("outputs")) for cell in executed[name].cells)
    for place in range(shown.count()):
        one = shown.nth(place)
        box = one.bounding_box()
        assert box is not None
        assert box["height"] > 4, f"output {place} takes no room"
        said = one.inner_text().strip() or one.locator("img, svg").count()
        assert said, f"output {place} is blank"
    page.context.close()
    assert wrong == []


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize("name", [*STEPS, *ALONE])
def test_each_output_of_a_tutorial_is_below_100_kb_and_has_text(name: str, executed: Tutorials) -> None:
    found = outputs(executed[name])
    assert found
    assert "widgets" not in executed[name].metadata, "a page with their state asks the network for it"
    for output in found:
        if output.output_type in {"display_data", "execute_result"}:
            assert output.data.get("text/plain", "").strip()
            if output.data["text/plain"].startswith("<Figure"):
                continue
            sizes = {kind: len(str(content)) for kind, content in output.data.items() if kind not in PICTURES}
            assert max(sizes.values()) < LIMIT, sizes
        else:
            assert len(str(output.get("text", ""))) < LIMIT


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize("name", [*STEPS, *ALONE])
def test_a_tutorial_becomes_markdown_without_a_tag_of_ours(name: str, executed: Tutorials) -> None:
    # What a viewer that takes no HTML shows, as a PDF by LaTeX does.
    wanted = {"NbConvertBase": {"display_data_priority": ["text/markdown", "image/png", "text/plain"]}}
    body, _ = MarkdownExporter(config=Config(wanted)).from_notebook_node(executed[name])
    assert '<div class="nbmlops' not in body
    assert body.count("```") % 2 == 0
