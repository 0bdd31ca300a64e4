from __future__ import annotations

import dataclasses
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

import nbmlops
from nbmlops.jupyter.formatters import SHOWN
from nbmlops.render import html, markdown, text
from nbmlops.render.dispatch import has_look, load_views
from tests.jupyter.cells import Cells
from tests.render.samples import every_record, table_version

TYPES = [(module, name) for module, names in SHOWN.items() for name in names]


@pytest.mark.parametrize(("module", "name"), TYPES, ids=[name for _, name in TYPES])
def test_every_type_that_cells_show_is_there_and_has_a_look(module: str, name: str) -> None:
    cls = getattr(import_module(module), name)
    load_views(cls)
    assert has_look(cls)


def test_every_type_that_has_a_look_is_shown_in_cells() -> None:
    for views in Path(nbmlops.__file__).parent.rglob("*views.py"):
        import_module(".".join(("nbmlops", *views.relative_to(Path(nbmlops.__file__).parent).with_suffix("").parts)))
    ours = {cls for cls in text.registry if cls.__module__.startswith("nbmlops.")}
    assert {(cls.__module__, cls.__name__) for cls in ours} == set(TYPES)


@pytest.mark.parametrize("record", every_record("plain"), ids=lambda record: type(record).__name__)
def test_every_record_is_shown_as_text_as_html_and_as_markdown(
    cells: Cells, record: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown, _ = cells.shell.display_formatter.format(record)
    assert shown["text/plain"] == text(record, columns=120)
    assert shown["text/html"] == html(record)
    assert shown["text/markdown"] == markdown(record)


def test_there_is_a_sample_of_every_type_that_cells_show() -> None:
    shown_as_another = {"Listing", "ActiveRun", "Workspace"}
    assert {name for _, name in TYPES} == {type(record).__name__ for record in every_record("x")} | shown_as_another


@pytest.mark.parametrize("record", every_record("<b>航'`|" * 2_000), ids=lambda record: type(record).__name__)
def test_what_a_notebook_keeps_of_a_record_is_below_100_kb_in_each_form(cells: Cells, record: object) -> None:
    shown, _ = cells.shell.display_formatter.format(record)
    assert {kind: len(content.encode()) < 100_000 for kind, content in shown.items()} == dict.fromkeys(
        ("text/plain", "text/html", "text/markdown"), True
    )


def test_records_inside_a_list_are_lines_of_text(cells: Cells) -> None:
    shown, _ = cells.shell.display_formatter.format([table_version(), table_version()])
    assert shown["text/plain"].count("flights@v4   80,789 rows") == 2
    assert "text/html" not in shown


def test_a_listing_in_a_cell_is_a_table(cells: Cells) -> None:
    cells.names["flights"] = pd.DataFrame({"a": [1]})
    cells.value("%ml data save flights")
    shown, _ = cells.shell.display_formatter.format(cells.value("%ml data list"))
    assert '<table class="s">' in shown["text/html"]
    assert shown["text/plain"].splitlines()[0].startswith("version")


def test_a_diagram_is_drawn_by_the_front_end(cells: Cells) -> None:
    from nbmlops.commands.pipeline import Diagram

    shown, _ = cells.shell.display_formatter.format(Diagram("flowchart LR"))
    assert shown["text/markdown"] == "```mermaid\nflowchart LR\n```\n"
    assert shown["text/plain"] == "flowchart LR"


def test_unloading_gives_records_their_plain_form_back(cells: Cells) -> None:
    record = table_version()
    nbmlops.unload_ipython_extension(cells.shell)
    shown, _ = cells.shell.display_formatter.format(record)
    assert "text/html" not in shown
    assert shown["text/plain"].startswith("DataVersion(")
    assert dataclasses.is_dataclass(record)


def test_a_cell_shows_the_first_lines_of_what_has_very_many(cells: Cells) -> None:
    cells.names["ml"] = nbmlops.ml
    cells.run("with ml.run('wide', params={f'p{i}': i for i in range(5_000)}): pass")
    printed = cells.run("%ml run show wide").printed
    assert len(printed.splitlines()) < 2_100
    assert "more lines: -o NAME puts all of it in a variable" in printed
