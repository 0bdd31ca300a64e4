"""Values are found in text as it is written anywhere, and a mark stands in their place."""

from __future__ import annotations

import html
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.store import audit, schema, scrubbing
from nbmlops.store.catalog import Catalog
from nbmlops.store.redaction import MARK, Redaction

VALUE = 'Zoë "N14228" <x>'


@pytest.mark.parametrize(
    "written",
    [
        VALUE,
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        json.dumps(json.dumps(VALUE)),
        html.escape(VALUE),
        html.escape(VALUE, quote=False),
        repr(VALUE),
        f"tail_{VALUE}_x",
        f"\\n{VALUE}\x1b[0m",
    ],
)
def test_a_text_is_found_however_it_is_written(written: str) -> None:
    found = Redaction([VALUE])
    assert MARK in found.text(written)
    assert "N14228" not in found.text(written)
    assert found.is_in(written)


def test_a_number_is_found_as_a_word_of_its_own() -> None:
    found = Redaction(numbers=[1234567])
    for written in (
        "1234567",
        "1,234,567",
        "1_234_567",
        "-1234567.0",
        "7,1234567,8",
        "\\n1234567",
        "\x1b[33m1234567\x1b[0m",
    ):
        assert MARK in found.text(written), written
    for other in ("71234567", "0.1234567", "1234567.8", "a1234567", "12345678"):
        assert found.text(other) == other
    assert found.json([1234567, 1234567.0, 1, True, None]) == [MARK, MARK, 1, True, None]


def test_case_matters_unless_it_is_to_be_ignored() -> None:
    assert Redaction(["anna"]).text("Anna") == "Anna"
    assert Redaction(["anna"], ignore_case=True).text("Anna") == MARK


def test_what_belongs_to_a_format_stays() -> None:
    notebook = {"cell_type": "code", "source": ["code = 1"], "code": "code"}
    found = Redaction(["code"]).json(notebook, {"cell_type"}, {"cell_type", "source"})
    assert found == {"cell_type": "code", "source": [f"{MARK} = 1"], MARK: MARK}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-32-le"])
def test_bytes_are_searched_across_the_ends_of_blocks(encoding: str) -> None:
    content = bytes((1 << 20) - 7) + "N14228".encode(encoding) + bytes(100)
    assert Redaction(["N14228"]).is_in_stream(io.BytesIO(content))
    assert not Redaction(["N14229"]).is_in_stream(io.BytesIO(content))


def test_arrays_of_text_are_searched() -> None:
    sink = io.BytesIO()
    np.save(sink, np.array(["plain", "N14228"]))
    assert Redaction(["N14228"]).is_in_stream(io.BytesIO(sink.getvalue()))


@given(st.text(min_size=4), st.text(), st.text())
def test_nothing_of_a_text_is_left(value: str, before: str, after: str) -> None:
    found = Redaction([value])
    assert value not in found.text(before + value + after).replace(MARK, "\x00")


def test_the_catalog_forgets_and_its_audit_trail_holds(tmp_path: Path) -> None:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog.create()
    text = "tail = 'N14228'"
    digest = digests.of_bytes(text.encode())
    subject = f"cell:a.ipynb#1@{digest[:16]}"

    def fill(connection: Connection) -> None:
        now = SystemClock().now()
        run = {"id": "r", "sequence": 1, "experiment": "e", "number": 1, "kind": "run", "status": "failed"}
        error = {"name": "KeyError", "value": "'N14228'"}
        connection.execute(insert(schema.run).values(**run, started_at=now, as_of=0, error=error))
        connection.execute(insert(schema.source).values(digest=digest, text=text))
        cell = {"position": 0, "started_at": now, "seconds": 0.0, "status": "failed", "defines": [], "uses": []}
        connection.execute(insert(schema.cell).values(run_id="r", source=digest, error="N14228", **cell))
        for key in ("a N14228", f"a {MARK}"):
            connection.execute(insert(schema.param).values(run_id="r", key=key, value=["N14228", 3]))
        connection.execute(insert(schema.tag).values(run_id="r", key="who", value="N14228"))
        for one in (subject, "script:of N14228.py#ab12"):
            connection.execute(insert(schema.edge).values(subject=one, relation="reads", object="data:1", at=now))
        for who in ("x", "N14228", "y"):
            audit.append(connection, SystemClock(), "test", who, {"of": who})

    catalog.transact(fill)
    counts = catalog.erase(lambda c: scrubbing.scrub(c, Redaction(["N14228"])))
    catalog.vacuum()
    assert counts == {"run": 1, "source": 1, "cell": 1, "param": 3, "tag": 1, "edge": 2, "event": 1}
    assert b"N14228" not in (tmp_path / "catalog.db").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["catalog.db"]
    assert audit.Audit(catalog).verify() == 3
    new = digests.of_bytes(f"tail = '{MARK}'".encode())
    assert catalog.read(lambda c: c.execute(select(schema.cell.c.source)).scalar()) == new
    subjects = catalog.read(lambda c: c.execute(select(schema.edge.c.subject).order_by("subject")).scalars().all())
    assert subjects == [f"cell:a.ipynb#1@{new[:16]}", f"script:of {MARK}.py#ab12"]
    keys = catalog.read(lambda c: c.execute(select(schema.param.c.key).order_by("key")).scalars().all())
    assert keys == [f"a {MARK}", f"a {MARK} 2"]
    catalog.close()
