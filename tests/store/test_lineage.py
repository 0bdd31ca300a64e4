"""Edges: who gets one, what a version was made from, and what a process remembers of it."""

from __future__ import annotations

import threading
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.store import edges, lineage
from nbmlops.store.catalog import Catalog
from nbmlops.store.index import Index, Known
from nbmlops.store.lineage import Active, Executing, Lineage
from nbmlops.store.subjects import Subject, script
from nbmlops.store.versions import Version, Versions


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    made = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    made.create()
    return made


@pytest.fixture
def versions(catalog: Catalog) -> Versions:
    return Versions(catalog, SystemClock(), "data")


@pytest.fixture
def known(catalog: Catalog) -> Lineage:
    return Lineage(catalog, SystemClock())


def add(versions: Versions, name: str, content: str) -> Version:
    digest = digests.of_bytes(content.encode())
    # A version may only refer to what is in the store.
    Index(versions.catalog).add([], [Known(digest, 1, "", 0, 0, datetime.now(UTC))])
    return versions.add(name, digest=digest, root=digest, size=len(content), new_bytes=len(content))


def subjects(versions: Versions, version: Version, *relations: str) -> list[str]:
    found = versions.catalog.read(lambda c: edges.of_objects(c, [f"data:{version.id}"], relations or ["writes"]))
    return sorted(edge.subject for edge in found)


def cell(number: int, source: str = "x = 1") -> Active:
    return Active(notebook="a.ipynb", cell=Executing(number, f"c{number}", digests.of_bytes(source.encode()), source))


def test_a_plain_script_knows_what_it_made_a_version_from(versions: Versions, known: Lineage) -> None:
    raw, other = add(versions, "raw", "a"), add(versions, "other", "b")
    known.record("reads", raw)
    clean = add(versions, "clean", "c")
    assert known.made_from(clean) == [("data", raw.id)]
    assert subjects(versions, clean) == [script()]
    known.record("reads", other)
    assert known.made_from(add(versions, "joined", "d")) == [("data", raw.id), ("data", other.id)]
    assert known.made_from(clean) == [("data", raw.id)], "what was read later did not make it"


def test_a_script_that_only_reads_writes_nothing(versions: Versions, known: Lineage) -> None:
    raw = add(versions, "raw", "a")
    known.record("reads", raw)
    assert subjects(versions, raw, "reads") == []


def test_a_run_of_a_script_takes_what_the_script_had_loaded(versions: Versions, known: Lineage) -> None:
    raw = add(versions, "raw", "a")
    known.record("reads", raw)
    with lineage.activate(Active(run_id="a" * 32)):
        model = add(versions, "model", "m")
    assert known.made_from(model) == [("data", raw.id)]
    assert subjects(versions, raw, "carries") == [f"run:{'a' * 32}"]


def test_each_execution_of_a_cell_is_a_subject_of_its_own(versions: Versions, known: Lineage) -> None:
    monday, tuesday = add(versions, "monday", "a"), add(versions, "tuesday", "b")
    made = []
    for number, raw in enumerate((monday, tuesday), start=1):
        with lineage.activate(cell(number)):
            known.record("reads", raw)
            made.append(add(versions, "clean", f"clean {raw.name}"))
    assert [known.made_from(one) for one in made] == [[("data", monday.id)], [("data", tuesday.id)]]


def test_a_run_and_its_cell_both_get_an_edge_and_the_cell_names_the_run(versions: Versions) -> None:
    with lineage.activate(replace(cell(1), run_id="b" * 32)):
        made = add(versions, "flights", "a")
    kinds = {Subject.parse(text).kind: Subject.parse(text).run_id for text in subjects(versions, made)}
    assert kinds == {"run": "b" * 32, "cell": "b" * 32}


def test_who_saves_the_same_content_again_did_not_make_it(versions: Versions, known: Lineage) -> None:
    raw = add(versions, "raw", "a")
    with lineage.activate(cell(1)):
        first = add(versions, "clean", "c")
    with lineage.activate(cell(2)):
        known.record("reads", raw)
        again = add(versions, "clean", "c")
    assert again.id == first.id
    assert len(subjects(versions, first)) == 2
    assert known.made_from(first) == []


def test_threads_that_a_cell_starts_act_for_the_cell(versions: Versions) -> None:
    made: list[Version] = []

    def execute() -> None:
        lineage.activate_cell("a.ipynb", cell(3).cell)
        try:
            thread = threading.Thread(target=lambda: made.append(add(versions, "flights", "a")))
            thread.start()
            thread.join()
        finally:
            lineage.activate_cell(None, None)

    copy_context().run(execute)
    (subject,) = subjects(versions, made[0])
    assert Subject.parse(subject).cell_id == "c3"


def test_what_was_made_of_a_version_is_what_was_written_after_it_was_read(versions: Versions, known: Lineage) -> None:
    raw = add(versions, "raw", "a")
    with lineage.activate(cell(1)):
        early = add(versions, "early", "e")
        known.record("reads", raw)
        late = add(versions, "late", "l")
    with lineage.activate(cell(2)):
        known.record("reads", raw)
        assert add(versions, "late", "l").id == late.id
    assert known.made_into([("data", raw.id)]) == [("data", late.id)]
    assert known.made_into([("data", early.id)]) == []


def test_the_source_of_a_cell_that_saves_is_kept(versions: Versions, catalog: Catalog) -> None:
    from sqlalchemy import select

    from nbmlops.store import schema

    for number in (1, 2):
        with lineage.activate(cell(number, "flights = clean(flights)")):
            add(versions, "flights", str(number))
    kept = catalog.read(lambda c: c.execute(select(schema.source.c.text)).scalars().all())
    assert kept == ["flights = clean(flights)"]
