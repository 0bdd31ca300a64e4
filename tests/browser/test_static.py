"""The tutorials as others read them: executed, converted to HTML, opened in Chromium with the network cut."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nbconvert import HTMLExporter, MarkdownExporter
from traitlets.config import Config

from nbmlops.demo.project import make_project
from tests.notebooks.test_tutorials import STORED, papermill

if TYPE_CHECKING:
    import nbformat
    from playwright.sync_api import Browser, Page

LIMIT = 100_000
STEPS = ("1_ingest", "2_validate", "3_features", "4_train", "5_evaluate")
ALONE = ("0_tour", "checks", "data_versioning", "delivery", "monitoring", "pipelines", "tracking")
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
LIBRARIES = {
    getattr(HTMLExporter(), name)
    for name in ("jquery_url", "mathjax_url", "mermaid_js_url", "mermaid_layout_elk_js_url", "require_js_url")
}
"""What nbconvert's own template asks a network for, on any page; nothing of ours needs it."""


class Tutorials:
    """Executes a tutorial when it is first asked for: a step after those before it, a story in a project of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[str, nbformat.NotebookNode] = {}

    def __getitem__(self, name: str) -> nbformat.NotebookNode:
        for each in STEPS[: STEPS.index(name) + 1] if name in STEPS else (name,):
            if each not in self._done:
                self._done[each] = self._execute(each)
        return self._done[name]

    def _execute(self, name: str) -> nbformat.NotebookNode:
        place = self._folder / ("steps" if name in STEPS else name)
        if name == "pipelines":
            (place / "notebooks").mkdir(parents=True)
            shutil.copy(STORED / f"{name}.ipynb", place / "notebooks")
            return papermill(place, name, "-p", "months", "2")
        if not place.exists():
            make_project(place).close()
        return papermill(place, name)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tutorials]:
    """Every tutorial with its outputs."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("tutorials")
        (folder / "temporary").mkdir()
        patch.setenv("TMPDIR", str(folder / "temporary"))
        yield Tutorials(folder)


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
