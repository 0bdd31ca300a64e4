"""Names, numbers, aliases, and the rule for bare names inside a pipeline run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from nbmlops.core import digests
from nbmlops.core.clock import SystemClock
from nbmlops.core.errors import AmbiguousError, ConflictError, NotFoundError, RefusedError
from nbmlops.store import lineage, schema
from nbmlops.store.aliases import Aliases
from nbmlops.store.audit import Audit
from nbmlops.store.catalog import Catalog
from nbmlops.store.index import Index, Known
from nbmlops.store.naming import name_outputs, newest_named
from nbmlops.store.versions import Version, Versions


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    made = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    made.create()
    return made


@pytest.fixture
def versions(catalog: Catalog) -> Versions:
    return Versions(catalog, SystemClock(), "data")


def stored(versions: Versions, digest: str) -> str:
    """Enter an object into the index: a version may only refer to what is there."""
    Index(versions.catalog).add([], [Known(digest, 1, "", 0, 0, datetime.now(UTC))])
    return digest


def add(versions: Versions, name: str, content: str) -> Version:
    digest = stored(versions, digests.of_bytes(content.encode()))
    return versions.add(name, digest=digest, root=digest, size=len(content), new_bytes=len(content))


def begin(catalog: Catalog, run_id: str) -> None:
    def work(connection: object) -> None:
        connection.execute(  # type: ignore[attr-defined]
            insert(schema.run).values(
                id=run_id,
                sequence=int(run_id, 16),
                experiment="p",
                number=int(run_id, 16),
                kind="pipeline",
                status="running",
                started_at=datetime.now(UTC),
                as_of=newest_named(connection),  # type: ignore[arg-type]
            )
        )

    catalog.transact(work)


def test_numbers_count_up_and_the_newest_content_is_not_saved_again(versions: Versions) -> None:
    assert [add(versions, "flights", text).ref for text in "abb"] == ["flights@v1", "flights@v2", "flights@v2"]
    assert add(versions, "flights", "a").ref == "flights@v3"
    assert [version.number for version in versions.history("flights")] == [3, 2, 1]


def test_a_reference_is_found_by_number_digest_and_alias(versions: Versions) -> None:
    first, second = add(versions, "flights", "a"), add(versions, "flights", "b")
    aliases = Aliases(versions, SystemClock())
    versions.catalog.transact(lambda c: aliases.move(c, "production", first, expected=None))
    assert versions.resolve("flights").id == second.id
    assert versions.resolve("flights@v1").id == first.id
    assert versions.resolve(f"flights@{first.digest[:7]}").id == first.id
    assert versions.resolve("flights@production").aliases == ("production",)


def test_what_does_not_exist_is_named_with_its_nearest(versions: Versions) -> None:
    add(versions, "flights", "a")
    with pytest.raises(NotFoundError, match=r"there is no data named 'flihgts'\nhint: did you mean flights\?"):
        versions.resolve("flihgts")
    with pytest.raises(NotFoundError, match=r"there is no flights@v9\nhint: flights has v1"):
        versions.resolve("flights@v9")


def test_an_ambiguous_prefix_is_refused(versions: Versions) -> None:
    for digest in ("abcdef0" + "1" * 57, "abcdef0" + "2" * 57):
        versions.add("flights", digest=digest, root=stored(versions, digest), size=1, new_bytes=1)
    with pytest.raises(AmbiguousError, match="fits 2 versions"):
        versions.resolve("flights@abcdef0")


def test_deleted_versions_come_back_and_an_alias_holds_its_own(versions: Versions) -> None:
    first = add(versions, "flights", "a")
    add(versions, "flights", "b")
    aliases = Aliases(versions, SystemClock())
    versions.catalog.transact(lambda c: aliases.move(c, "production", first, expected=None))
    with pytest.raises(RefusedError, match="the alias production is on it"):
        versions.delete("flights")
    versions.delete("flights@v2")
    assert versions.resolve("flights").id == first.id
    versions.restore("flights@v2")
    assert versions.resolve("flights").number == 2


def test_a_number_is_never_given_twice(versions: Versions) -> None:
    add(versions, "flights", "a")
    add(versions, "flights", "b")
    versions.delete("flights@v2")
    assert add(versions, "flights", "c").ref == "flights@v3"


def test_a_rename_keeps_the_versions_and_refuses_a_taken_name(versions: Versions) -> None:
    add(versions, "flights", "a")
    add(versions, "weather", "b")
    versions.rename("flights", "departures")
    assert versions.resolve("departures").ref == "departures@v1"
    with pytest.raises(ConflictError, match="there is data named weather already"):
        versions.rename("departures", "weather")


def test_rolling_back_twice_goes_back_twice(versions: Versions) -> None:
    made = [add(versions, "flights", text) for text in "abc"]
    aliases = Aliases(versions, SystemClock())
    before = None
    for version in made:
        versions.catalog.transact(lambda c, v=version, b=before: aliases.move(c, "production", v, expected=b))
        before = version.id
    assert aliases.rollback("flights", "production")[1].number == 2
    assert aliases.rollback("flights", "production")[1].number == 1
    with pytest.raises(NotFoundError, match="no earlier production"):
        aliases.rollback("flights", "production")
    assert Audit(versions.catalog).verify() == 5


def test_an_alias_that_moved_meanwhile_is_not_moved(versions: Versions) -> None:
    first, second = add(versions, "flights", "a"), add(versions, "flights", "b")
    aliases = Aliases(versions, SystemClock())
    versions.catalog.transact(lambda c: aliases.move(c, "production", first, expected=None))
    with pytest.raises(ConflictError, match="moved by somebody else"):
        versions.catalog.transact(lambda c: aliases.move(c, "production", second, expected=None))
    assert aliases.at("flights", "production") == versions.resolve("flights@v1")


def test_inside_a_pipeline_run_a_bare_name_is_its_own_or_the_one_at_its_start(
    catalog: Catalog, versions: Versions
) -> None:
    add(versions, "flights", "before")
    begin(catalog, "1")
    add(versions, "flights", "after the start")
    with lineage.activate(lineage.Active(run_id="1", pipeline_run_id="1")):
        assert versions.resolve("flights").number == 1
        own = add(versions, "flights", "own")
        assert own.number is None
        assert versions.resolve("flights").id == own.id
    assert versions.resolve("flights").number == 2
    catalog.transact(lambda c: name_outputs(c, "1"))
    assert versions.resolve("flights").digest == own.digest
    assert versions.resolve("flights").ref == "flights@v3"


def test_twelve_parallel_months_never_read_each_others_data(catalog: Catalog, versions: Versions) -> None:
    def month(number: int) -> str:
        run_id = f"{number:x}"
        begin(catalog, run_id)
        with lineage.activate(lineage.Active(run_id=run_id, pipeline_run_id=run_id)):
            for step in range(4):
                add(versions, "flights", f"month {number} step {step}")
                read = versions.resolve("flights").digest
                assert read == digests.of_bytes(f"month {number} step {step}".encode())
        catalog.transact(lambda c: name_outputs(c, run_id))
        return read

    with ThreadPoolExecutor(12) as pool:
        digests_read = list(pool.map(month, range(1, 13)))
    assert len(set(digests_read)) == 12
    assert sorted(version.digest for version in versions.history("flights")) == sorted(digests_read)
    assert [version.number for version in versions.history("flights")] == list(range(12, 0, -1))


def test_a_run_that_makes_the_newest_content_again_names_nothing(catalog: Catalog, versions: Versions) -> None:
    for run_id in ("1", "2"):
        begin(catalog, run_id)
    for run_id in ("1", "2"):
        with lineage.activate(lineage.Active(run_id=run_id, pipeline_run_id=run_id)):
            add(versions, "flights", "same")
    for run_id in ("1", "2"):
        catalog.transact(lambda c, r=run_id: name_outputs(c, r))
    assert [version.ref for version in versions.history("flights")] == ["flights@v1"]
    edges = lineage.Lineage(catalog, SystemClock())
    assert edges.of_run("1", "writes") == edges.of_run("2", "writes")
