"""Rules retire what they keep no longer, and never what something needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from nbmlops.core.errors import InvalidError
from nbmlops.core.settings import Settings
from nbmlops.store import schema
from nbmlops.store.retention_rules import rules_of
from nbmlops.store.version_rows import Version
from nbmlops.workspace import Workspace

KINDS = dict.fromkeys(("data", "model", "pipeline", "feature"))
NOW = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


def rule(workspace: Workspace, text: str) -> None:
    (workspace.marker.root / "pyproject.toml").write_text(text, encoding="utf-8")


def save(workspace: Workspace, count: int, name: str = "raw", days: int = 100) -> None:
    """Versions of which the newest is `count` days younger than the oldest, which is of so many days ago."""
    for number in range(count):
        path = workspace.marker.root / "value.txt"
        path.write_text(f"{name} {number}")
        version = workspace.data.save(path, name)
        at = datetime.now(UTC) - timedelta(days=days - number)
        row = schema.version.c.digest == version.digest
        workspace.catalog.transact(
            lambda c, r=row, a=at: c.execute(update(schema.version).where(r).values(created_at=a))
        )  # type: ignore[misc]


def there(workspace: Workspace, name: str = "raw") -> list[int | None]:
    return [version.number for version in reversed(workspace.data.history(name))]


RULE = '[tool.nbmlops.retention.old]\nnames = "raw*"\nkeep = "30d"\nlast = 2\n'


def test_what_would_go_is_told_first_and_goes_when_it_is_applied(workspace: Workspace) -> None:
    save(workspace, 5)
    save(workspace, 3, "raw_new", days=10)
    save(workspace, 2, "kept")
    assert workspace.store.retain().rules == 0
    rule(workspace, RULE)
    told = workspace.store.retain()
    assert told.dry_run
    assert [one.ref for one in told.retired] == ["raw@v3", "raw@v2", "raw@v1"]
    assert there(workspace) == [1, 2, 3, 4, 5]
    done = workspace.store.retain(apply=True)
    assert (done.retired, done.needed) == (told.retired, ())
    assert there(workspace) == [4, 5]
    assert there(workspace, "raw_new") == [1, 2, 3]
    assert there(workspace, "kept") == [1, 2]
    assert workspace.audit.events(1)[0].action == "store.retain"
    # The grace is that of any deletion.
    workspace.data.restore("raw@v3")
    assert workspace.store.retain(apply=True).retired == (told.retired[0],)
    assert workspace.store.retain(apply=True).retired == ()


def test_what_something_needs_stays_and_is_told_with_the_reason(workspace: Workspace) -> None:
    save(workspace, 7)
    workspace.data.alias("raw@v1", "golden")
    workspace.store.hold("raw@v2", reason="case 12")
    digest = workspace.data.show("raw@v3").digest
    workspace._lock.update({"raw": digest})
    pinned = {"digest": "p" * 64, "root": digest, "size": 1, "new_bytes": 0, "detail": {"lock": {}}}
    pinned["detail"] = {"lock": {"data:raw": workspace.data.show("raw@v4").digest}}
    workspace.catalog.transact(lambda c: workspace.versions("pipeline").add_in(c, "monthly", pinned))
    rule(workspace, RULE)
    for done in (workspace.store.retain(), workspace.store.retain(apply=True)):
        assert [one.ref for one in done.retired] == ["raw@v5"]
        whys = {one.ref: one.why for one in done.needed}
        assert set(whys) == {"raw@v1", "raw@v2", "raw@v3", "raw@v4"}
        assert "the alias golden is on it" in whys["raw@v1"]
        assert "case 12" in whys["raw@v2"]
        assert "nbmlops.lock names it" in whys["raw@v3"]
        assert "the frozen pipeline monthly@v1 reads it" in whys["raw@v4"]
    assert there(workspace) == [1, 2, 3, 4, 6, 7]


def test_what_a_deployment_answers_with_stays(workspace: Workspace) -> None:
    models = workspace.versions("model")
    path = workspace.marker.root / "value.txt"
    path.write_text("any bytes")
    root = workspace.data.save(path, "bytes").digest
    for number in range(4):
        content = {"digest": f"{number:064x}", "root": root, "size": 1, "new_bytes": 0, "detail": {}}
        models.enter("delay", content)
    workspace.catalog.transact(lambda c: c.execute(update(schema.version).values(created_at=NOW - timedelta(days=99))))
    said = {"name": "delay", "alias": "production", "split": [["v1", 10.0]], "shadow": ["v2"], "sampled": 1.0}
    said |= {"unseen": "refuse", "personal": {}, "changed": 1, "author": "ann", "changed_at": NOW}
    workspace.catalog.transact(lambda c: c.execute(insert(schema.deployment).values(**said)))
    rule(workspace, '[tool.nbmlops.retention.models]\nkind = "model"\nlast = 1\n')
    done = workspace.store.retain(apply=True)
    assert [one.ref for one in done.retired] == ["delay@v3"]
    assert {one.ref: one.why for one in done.needed} == dict.fromkeys(
        ["delay@v1", "delay@v2"], "the deployment delay answers with it"
    )


def test_the_longest_of_several_rules_holds(workspace: Workspace) -> None:
    save(workspace, 4)
    workspace.data.tag("raw@v1", {"source": "survey-2013"})
    survey = '[tool.nbmlops.retention.survey]\ntags = {source = "survey-*"}\nkeep = "520w"\n'
    rule(workspace, RULE + survey)
    assert [one.ref for one in workspace.store.retain().retired] == ["raw@v2"]
    assert [said.told for said in workspace.store.retention()] == [
        "all of the last 30d and the last 2 of each name",
        "all of the last 520w and the newest of each name",
    ]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"kep": "30d"}, "unknown key 'kep'"),
        ({"kind": "run", "keep": "30d"}, "unknown kind 'run'"),
        ({"names": "raw*"}, "does not say how long"),
        ({"keep": "long"}, "no span of time"),
        ({"keep": 30}, "must be a span of time"),
        ({"last": -1}, "must be a number of versions"),
        ({"last": True}, "must be a number of versions"),
        ({"last": 1, "names": []}, "must be patterns"),
        ({"last": 1, "tags": ["a"]}, "must be a table of texts"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_and_nothing_is_deleted(table: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        rules_of({"good": {"last": 1}, "wrong": table}, KINDS)


def test_rules_are_tables() -> None:
    with pytest.raises(InvalidError, match="must hold one table for each name"):
        Settings.read({"retention": {"keep": "30d"}}, {})


VERSIONS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.dictionaries(st.sampled_from("xy"), st.sampled_from("12"))),
    max_size=12,
)
RULES = st.lists(
    st.fixed_dictionaries(
        {"names": st.sampled_from(["*", "a", "b"])},
        optional={
            "tags": st.dictionaries(st.sampled_from("xy"), st.sampled_from(["1", "*"])),
            "keep": st.integers(0, 60).map("{}d".format),
            "last": st.integers(0, 3),
        },
    ).filter(lambda said: {"keep", "last"} & said.keys()),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(VERSIONS, RULES)
def test_rules_keep_what_a_plain_reading_of_them_keeps(
    made: list[tuple[str, int, Mapping[str, str]]], said: list[dict[str, Any]]
) -> None:
    rules = rules_of({f"r{number}": table for number, table in enumerate(said)}, KINDS)
    empty: Mapping[str, Any] = MappingProxyType({})
    versions = [
        Version(
            id=number,
            kind="data",
            name=name,
            number=number,
            digest=f"{number:064x}",
            root="",
            size=0,
            new_bytes=0,
            created_at=NOW - timedelta(days=age),
            author="ann",
            message=None,
            run_id=None,
            detail=empty,
            aliases=(),
            tags=tags,
            deleted_at=None,
        )
        for number, (name, age, tags) in enumerate(made)
    ]
    for version in versions:
        kept: list[bool] = []
        for one, table in zip(rules, said, strict=True):
            mine = [
                each
                for each in versions
                if table["names"] in {"*", each.name}
                and all(
                    key in each.tags and value in {"*", each.tags[key]} for key, value in table.get("tags", {}).items()
                )
            ]
            if version not in mine:
                continue
            newer = [each for each in mine if each.name == version.name and each.id > version.id]
            young = "keep" in table and (NOW - version.created_at).days < int(table["keep"][:-1])
            kept.append(len(newer) < table.get("last", 1) or young)
            assert one.fits(version)
            assert one.keeps(version, len(newer), NOW) == kept[-1]
        assert len(kept) == sum(one.fits(version) for one in rules)
