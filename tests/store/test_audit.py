"""Whatever is done to the audit trail is found, and who asks of it is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from nbmlops.core.clock import SystemClock, instant
from nbmlops.core.errors import ConflictError, CorruptError, InvalidError
from nbmlops.store import audit, schema
from nbmlops.store.audit import Audit
from nbmlops.store.audit_chain import FIRST, Break, digest_of, first_break
from nbmlops.store.audit_export import cef, export
from nbmlops.store.audit_selection import Selection
from nbmlops.store.audit_verdict import compared
from nbmlops.store.catalog import Catalog
from nbmlops.store.checkpoints import Checkpoints
from nbmlops.store.governance import Governed
from nbmlops.store.redaction import Redaction
from nbmlops.store.service import Store
from nbmlops.store.trust import Keyring

Line = dict[str, Any]
ALL = Selection()


def chain(words: list[str]) -> list[Line]:
    lines: list[Line] = []
    for number, word in enumerate(words, start=1):
        line = {
            "sequence": number,
            "at": instant(number * 1_000_001),
            "actor": word,
            "action": "data.save",
            "subject": word[::-1],
            "detail": {"word": word, "number": number % 3},
            "previous": lines[-1]["digest"] if lines else FIRST,
        }
        lines.append({**line, "digest": digest_of(line)})
    return lines


def found_in(lines: list[Line]) -> Break | None:
    kept = sorted(lines, key=lambda line: line["sequence"])
    return first_break(kept, lambda: kept)


WORDS = st.lists(st.text("ab|=\\\n", max_size=4), min_size=2, max_size=9)


@given(WORDS)
def test_a_trail_that_nobody_touched_is_whole(words: list[str]) -> None:
    assert found_in(chain(words)) is None


@settings(max_examples=400)
@given(WORDS, st.data())
def test_any_line_that_is_changed_is_found(words: list[str], data: st.DataObject) -> None:
    lines = chain(words)
    line = data.draw(st.sampled_from(lines))
    field = data.draw(st.sampled_from(["at", "actor", "action", "subject", "detail", "previous", "digest"]))
    before = line[field]
    match field:
        case "at":
            line[field] += timedelta(microseconds=data.draw(st.integers(1, 10**9)))
        case "detail":
            line[field] = data.draw(st.dictionaries(st.text(max_size=3), st.none() | st.integers(0, 5), max_size=3))
        case "previous" | "digest":
            line[field] = data.draw(st.sampled_from([each["digest"] for each in lines] + ["f" * 64]))
        case _:
            line[field] = data.draw(st.text(max_size=4))
    broken = found_in(lines)
    if line[field] == before:
        assert broken is None
    else:
        assert broken is not None
        assert broken.line == line["sequence"]
        assert broken.how == "changed"


@settings(max_examples=400)
@given(WORDS, st.data())
def test_any_line_that_is_dropped_is_found_whether_or_not_the_others_are_numbered_anew(
    words: list[str], data: st.DataObject
) -> None:
    lines = chain(words)
    at = data.draw(st.integers(0, len(lines) - 2))  # of the last one nothing is left that could tell
    many = data.draw(st.integers(1, len(lines) - 1 - at))
    left = lines[:at] + lines[at + many :]
    if data.draw(st.booleans()):
        left = [{**line, "sequence": number} for number, line in enumerate(left, start=1)]
    broken = found_in(left)
    assert broken is not None
    assert (broken.line, broken.how) == (at + 1, "dropped")


@settings(max_examples=400)
@given(WORDS, st.data())
def test_any_two_lines_that_are_swapped_are_found(words: list[str], data: st.DataObject) -> None:
    lines = chain(words)
    one, two = sorted(data.draw(st.lists(st.sampled_from(range(len(lines))), min_size=2, max_size=2, unique=True)))
    moved = deepcopy(lines)
    fields = ["at", "actor", "action", "subject", "detail"]
    if data.draw(st.booleans()):  # the whole line, not only what it says
        fields += ["previous", "digest"]
    for field in fields:
        moved[one][field], moved[two][field] = lines[two][field], lines[one][field]
    broken = found_in(moved)
    assert broken == Break(one + 1, "swapped", f"what was line {one + 1} stands at line {two + 1}")


@given(WORDS, st.data())
def test_a_line_that_was_hashed_anew_is_found_by_the_next(words: list[str], data: st.DataObject) -> None:
    lines = chain(words)
    at = data.draw(st.integers(0, len(lines) - 2))
    lines[at]["actor"] += "x"
    lines[at]["digest"] = digest_of(lines[at])
    broken = found_in(lines)
    assert broken is not None
    assert (broken.line, broken.how) == (at + 1, "changed")


def test_a_line_before_the_first_is_found() -> None:
    lines = chain(["a", "b"])
    assert found_in([{**lines[0], "sequence": 0}, *lines]) == Break(0, "changed", "line 0 was put before the first")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    catalog.create()
    yield catalog
    catalog.close()


@pytest.fixture
def trail(catalog: Catalog, tmp_path: Path) -> Audit:
    return Audit(catalog, Checkpoints(Keyring(tmp_path / "config"), "w1", SystemClock()))


@pytest.fixture
def store(trail: Audit) -> Store:
    # What is asked of the trail needs nothing else of the store.
    nothing: Any = None
    return Store(
        nothing, nothing, nothing, Governed(trail, SystemClock(), {}, dict, dict, nothing, "w1", nothing), nothing
    )


def say(catalog: Catalog, *subjects: str, action: str = "data.save", detail: Any = None) -> None:
    for subject in subjects:
        catalog.transact(lambda c, s=subject: audit.append(c, SystemClock(), action, s, detail))  # type: ignore[misc]


def cut(catalog: Catalog, after: int) -> None:
    catalog.transact(lambda c: c.execute(delete(schema.event).where(schema.event.c.sequence > after)))


def write_anew(catalog: Catalog, at: int, subject: str) -> None:
    """Change a line and chain all that follows anew, as somebody would who may write the catalog."""

    def work(connection: Any) -> None:
        previous = ""
        for row in connection.execute(select(schema.event).order_by(schema.event.c.sequence)).all():
            line = dict(row._mapping)
            if row.sequence >= at:
                line |= {"previous": previous or row.previous}
                line |= {"subject": subject} if row.sequence == at else {}
                line |= {"digest": digest_of(line)}
                connection.execute(update(schema.event).filter_by(sequence=row.sequence).values(**line))
            previous = line["digest"]

    catalog.transact(work)


def test_a_tail_that_was_cut_off_is_seen_by_what_was_remembered(store: Store, trail: Audit) -> None:
    say(trail.catalog, *"abcde")
    assert store.verify_audit().remembered is None
    say(trail.catalog, "f")
    assert store.verify_audit().remembered == 5
    cut(trail.catalog, 4)
    found = store.verify_audit()
    assert found.broken is not None
    assert (found.broken.line, found.broken.how) == (5, "cut off")
    with pytest.raises(CorruptError, match="broken at event 5: 2 lines from line 5 on are not there"):
        trail.verify()
    # Others lines in their place do not hide it.
    say(trail.catalog, "x", "y", "z")
    found = store.verify_audit()
    assert found.broken is not None
    assert (found.broken.line, found.broken.how) == (6, "changed")


def test_a_trail_that_was_chained_anew_is_seen_by_what_was_remembered(store: Store, trail: Audit) -> None:
    say(trail.catalog, *"abcde")
    store.verify_audit()
    write_anew(trail.catalog, 2, "x")
    assert Audit(trail.catalog).verify() == 5
    with pytest.raises(CorruptError, match="it or one before was changed"):
        trail.verify()


def test_an_erasure_that_chains_anew_is_told_and_is_no_break(store: Store, trail: Audit) -> None:
    say(trail.catalog, "of N14228", "b")
    store.verify_audit()
    trail.catalog.transact(lambda c: audit.redact(c, Redaction(["N14228"])))
    say(trail.catalog, "flights", action="data.erase", detail={"chain_made_anew": 1})
    found = store.verify_audit()
    assert (found.broken, found.anew) == (None, (3,))


def test_nothing_is_remembered_of_a_trail_that_is_broken(store: Store, trail: Audit) -> None:
    say(trail.catalog, "a", "b")
    trail.catalog.transact(lambda c: c.execute(update(schema.event).filter_by(sequence=1).values(subject="x")))
    assert not store.verify_audit().ok
    assert trail.checkpoints is not None
    assert trail.checkpoints.newest() is None


@pytest.mark.parametrize(
    "harm",
    [
        lambda said: said.replace(b'"sequence":2', b'"sequence":1'),
        lambda said: said[:-20],
        lambda said: said.replace(b'"workspace":"w1"', b'"workspace":"w2"'),
        lambda _: b"[]",
    ],
)
def test_a_checkpoint_that_somebody_wrote_is_refused(
    store: Store, trail: Audit, harm: Callable[[bytes], bytes]
) -> None:
    say(trail.catalog, "a", "b")
    store.verify_audit()
    assert trail.checkpoints is not None
    path = trail.checkpoints.path
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(CorruptError, match="cannot be used"):
        store.verify_audit()


@pytest.mark.parametrize("column", ["detail", "at"])
def test_a_column_that_cannot_be_read_is_a_line_that_was_changed(trail: Audit, column: str) -> None:
    say(trail.catalog, "a", "b", "c")
    trail.catalog.transact(lambda c: c.execute(text(f"UPDATE event SET {column} = '{{[' WHERE sequence = 2")))
    broken = trail.judge().broken
    assert broken is not None
    assert (broken.line, broken.how) == (2, "changed")


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_an_export_tells_any_later_change_of_what_it_holds(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("export")
    catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
    catalog.create()
    say(catalog, *"abcdef")
    export(catalog, ALL, folder / "trail.jsonl", "jsonl")
    say(catalog, "g")
    at = data.draw(st.integers(1, 6))
    whole = Audit(catalog).judge()
    assert compared(catalog, folder / "trail.jsonl", whole).ok
    if data.draw(st.booleans()):
        write_anew(catalog, at, "x")
        expected = (at, "changed")
    else:
        cut(catalog, at - 1)
        expected = (at, "cut off")
    found = compared(catalog, folder / "trail.jsonl", Audit(catalog).judge()).broken
    assert found is not None
    assert (found.line, found.how) == expected
    catalog.close()


def test_what_is_no_export_cannot_be_compared_with(trail: Audit, tmp_path: Path) -> None:
    say(trail.catalog, "a")
    (tmp_path / "other.jsonl").write_text('{"sequence": 1, "digest": "no"}\n')
    with pytest.raises(CorruptError, match=r"line 1 of .* is no line of the audit trail"):
        compared(trail.catalog, tmp_path / "other.jsonl", trail.judge())


def test_events_are_listed_by_who_what_and_when(store: Store, trail: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    say(trail.catalog, "flights", "flights@v3", "flights_2", "50%_off")
    monkeypatch.setenv("NBMLOPS_USER", "bob")
    say(trail.catalog, "delay", action="model.promote")

    def subjects(**asked: Any) -> list[str]:
        return [event.subject for event in store.audit(**asked)]

    assert subjects(subject="flights") == ["flights@v3", "flights"]
    assert subjects(subject="flights*") == ["flights_2", "flights@v3", "flights"]
    assert subjects(subject="50%_*") == ["50%_off"]
    assert subjects(subject="5*%_off") == ["50%_off"]
    assert subjects(who="bob") == subjects(action="model.*") == ["delay"]
    assert subjects(who="*n*", limit=2) == ["50%_off", "flights_2"]
    assert subjects(after=3) == ["flights@v3", "flights"]
    assert subjects(since="1h", until=datetime.now(UTC) + timedelta(days=1)) == subjects()
    assert subjects(since=datetime.now(UTC) + timedelta(days=1)) == subjects(until="2020-01-01") == []
    with pytest.raises(InvalidError, match="is no time"):
        store.audit(since="yesterday")
    with pytest.raises(InvalidError, match="nothing lies between"):
        store.audit(since="2026-02-01", until="2026-01-01")
    with pytest.raises(InvalidError, match="at least one"):
        store.audit(limit=0)


def test_an_export_of_json_lines_holds_each_line_as_the_chain_has_it(
    store: Store, trail: Audit, tmp_path: Path
) -> None:
    say(trail.catalog, "größe\n\u2028", "b", detail={"deep": [1, None, "ü"]})
    done = store.export_audit("jsonl", tmp_path / "trail.jsonl")
    assert (done.events, done.first, done.last) == (2, 1, 2)
    written = (tmp_path / "trail.jsonl").read_text().split("\n")
    assert written.pop() == ""
    for said, event in zip(map(json.loads, written), reversed(store.audit()), strict=True):
        line = {**said, "at": datetime.fromisoformat(said["at"])}
        assert digest_of(line) == line["digest"] == event.digest
    assert store.export_audit("jsonl", tmp_path / "later.jsonl", after=1).first == 2
    with pytest.raises(ConflictError, match="is there already"):
        store.export_audit("jsonl", tmp_path / "trail.jsonl")
    with pytest.raises(InvalidError, match="no form"):
        store.export_audit("xml", tmp_path / "trail.xml")
    assert sorted(path.name for path in tmp_path.glob("*.jsonl")) == ["later.jsonl", "trail.jsonl"]


HOSTILE = st.text("ab|=\\\n\r\t nü ", max_size=12)


def read_cef(line: str) -> tuple[list[str], dict[str, str]]:
    """Header and extension of a line, read by the rules of CEF and by nothing of ours."""
    parts = re.split(r"(?<!\\)((?:\\\\)*)\|", line, maxsplit=7)
    header = [a + b for a, b in zip(parts[0::2], [*parts[1::2], ""], strict=True)]
    extension = header.pop()
    header = [re.sub(r"\\(.)", r"\1", field) for field in header]
    keys = list(re.finditer(r"(?:^|(?<= ))(\w+)(?<!\\)=", extension))
    found = {}
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        value = extension[key.end() : following.start() - 1 if following else len(extension)]
        found[key[1]] = re.sub(r"\\(.)", lambda mark: {"n": "\n", "r": "\r"}.get(mark[1], mark[1]), value)
    return header, found


@settings(max_examples=400)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_a_line_of_cef_is_read_back_as_it_was(actor: str, action: str, subject: str, word: str) -> None:
    (line,) = chain(["x"])
    line |= {"actor": actor, "action": f"data.{action}", "subject": subject, "detail": {"word": word}}
    written = cef(line)
    assert "\n" not in written
    assert "\r" not in written
    header, said = read_cef(written)
    assert header[:3] == ["CEF:0", "nbmlops", "nbmlops"]
    assert len(header) == 7
    assert header[6].isdigit()
    assert said["suser"] == actor
    assert said["act"] == f"data.{action}"
    assert said["msg"] == subject
    assert json.loads(said["cs3"]) == {"word": word}
    assert (said["cs1"], said["cs2"], said["externalId"]) == (line["digest"], FIRST, "1")
    assert said["rt"] == "1000"


def test_cef_is_written_as_its_specification_shows_it() -> None:
    (line,) = chain(["x"])
    line |= {"actor": "a=b|c", "action": "data.save", "subject": "one\\two\nthree", "detail": {}}
    start, _, rest = cef(line).partition(" rt=") if " rt=" in cef(line) else cef(line).partition("rt=")
    assert re.fullmatch(r"CEF:0\|nbmlops\|nbmlops\|[^|]+\|data\.save\|data save\|3\|", start)
    assert " suser=a\\=b|c act=data.save msg=one\\\\two\\nthree cs1Label=digest " in rest


def test_many_events_are_exported_in_pages_without_holding_them(store: Store, trail: Audit, tmp_path: Path) -> None:
    lines = chain([str(number) for number in range(4_500)])
    trail.catalog.transact(lambda c: c.execute(insert(schema.event), lines))
    assert trail.verify() == 4_500
    assert store.export_audit("cef", tmp_path / "trail.cef").events == 4_500
    assert len((tmp_path / "trail.cef").read_text().splitlines()) == 4_500
    assert [event.sequence for event in store.audit(limit=2, after=4_000)] == [3_999, 3_998]
