"""Roles of a real PostgreSQL: what a user's own connection may write, past every verb."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from nbmlops import Workspace
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, RefusedError
from nbmlops.core.permissions import ROLES
from tests.system.postgresql import PASSWORD, Cluster

SECRET = "sehr-geheim"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    running = Cluster.start()
    running.run("create schema team")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def folder(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace of `ann`, who owns the tables, with a user of each role."""
    made = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBMLOPS_CATALOG", url(cluster, f"ann:{PASSWORD}@"))
        patch.setenv("NBMLOPS_USER", "ann")
        with Workspace.init(made) as workspace:
            workspace.data.save(pd.DataFrame({"a": [1, 2]}), "flights")
            workspace.data.alias("flights@v1", "production")
            for role in ROLES:
                workspace.store.grant(f"of_{role}", role)
                cluster.run(f"alter role of_{role} password '{SECRET}'")
            yield made


def url(cluster: Cluster, login: str) -> str:
    return f"{cluster.url(login)}?options=-csearch_path%3Dteam"


def tables(cluster: Cluster) -> list[str]:
    return [name for (name,) in cluster.run("select tablename from pg_tables where schemaname = 'team'")]


def refused(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error:  # of what it is, and not of who says it
        return False
    return False


def connected(cluster: Cluster, role: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url(cluster, f"of_{role}:{SECRET}@"), autocommit=True)


@pytest.mark.timeout(300)
def test_a_viewers_own_connection_writes_no_table_and_reads_all(cluster: Cluster, folder: Path) -> None:
    found = tables(cluster)
    assert len(found) > 30
    with connected(cluster, "viewer") as connection:
        for table in found:
            column = cluster.run(
                f"select attname from pg_attribute where attrelid = 'team.{table}'::regclass and attnum = 1"
            )
            for statement in (
                f"insert into {table} default values",
                f"update {table} set {column[0][0]} = {column[0][0]}",
                f"delete from {table}",
                f"truncate {table}",
                f"drop table {table}",
            ):
                assert refused(connection, statement), statement
            connection.execute(f"select * from {table}".encode())
        assert refused(connection, "create table mine (a int)")
        assert connection.execute(b"select count(*) from version").fetchone() == (1,)


@pytest.mark.timeout(300)
def test_rows_that_a_scientist_may_not_write_are_refused_to_their_own_connection(
    cluster: Cluster, folder: Path
) -> None:
    event = "insert into event values (900, 1, '{}', 'a', 's', '{{}}', 'p', 'd')"
    name = "insert into name (kind, name, created_at) values ('{}', 'x', 1)"
    with connected(cluster, "scientist") as connection:
        for statement in (
            "update alias set version_id = 1",
            "delete from alias",
            "insert into alias values (1, 'production', 1)",
            "update access_policy set content = ''",
            event.format("ann"),
            "delete from event",
            "update event set actor = 'of_scientist'",
            name.format("pipeline"),
        ):
            assert refused(connection, statement), statement
        for statement in (name.format("data"), event.format("of_scientist")):
            assert not refused(connection, f"begin; {statement}; rollback"), statement
    with connected(cluster, "engineer") as connection:
        assert not refused(connection, f"begin; {name.format('pipeline')}; rollback")
        assert not refused(connection, "begin; update alias set version_id = 1; rollback")
    with connected(cluster, "approver") as connection:
        # Of data it is none of theirs, and what a row policy hides is not changed.
        assert connection.execute(b"update alias set version_id = 1").rowcount == 0
        assert refused(connection, "insert into alias values (1, 'staging', 1)")


@pytest.mark.timeout(300)
def test_the_verbs_work_by_the_roles_of_the_database(
    cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_(role: str) -> Workspace:
        monkeypatch.setenv("NBMLOPS_CATALOG", url(cluster, f"of_{role}:{SECRET}@"))
        monkeypatch.setenv("NBMLOPS_USER", f"of_{role}")
        return Workspace.open(folder)

    with as_("viewer") as workspace:
        assert workspace.data.load("flights")["a"].tolist() == [1, 2]
        assert workspace.status().data == 1
        with pytest.raises(NbmlopsError, match="does not let you"):
            workspace.data.save(pd.DataFrame({"a": [3]}), "flights")
    with as_("scientist") as workspace:
        workspace.data.save(pd.DataFrame({"a": [3]}), "flights")
        with workspace.run("short") as run:
            run.log(loss=0.5)
        with pytest.raises(NbmlopsError, match="does not let you"):
            workspace.data.alias("flights@v2", "production")
        with pytest.raises(RefusedError, match="only who owns the tables"):
            workspace.store.grant("zoe", "viewer")
    with as_("engineer") as workspace:
        workspace.data.alias("flights@v2", "production")
        assert workspace.audit.events(1)[0].actor == "of_engineer"
        assert workspace.audit.verify() > 1


@pytest.mark.timeout(300)
def test_a_refusal_stands_also_where_no_event_of_it_can_be_written(
    cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBMLOPS_CATALOG", url(cluster, f"ann:{PASSWORD}@"))
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    policy = folder / "nbmlops-policy.toml"
    policy.write_text('[roles]\nann = "admin"\nof_viewer = "viewer"\nof_admin = "admin"\n')
    with Workspace.open(folder) as workspace:
        workspace.store.policy(policy)
    monkeypatch.setenv("NBMLOPS_CATALOG", url(cluster, f"of_viewer:{SECRET}@"))
    monkeypatch.setenv("NBMLOPS_USER", "of_viewer")
    with Workspace.open(folder) as workspace:
        with pytest.raises(RefusedError, match=r"may not `data save`.*no Event of it could be written"):
            workspace.data.save(pd.DataFrame({"a": [4]}), "flights")
        assert not workspace.store.policy().embedded


@pytest.mark.timeout(300)
def test_roles_are_listed_changed_and_taken_away(cluster: Cluster, folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        listed = {one.user: one.role for one in workspace.store.grant(listed=True)}
        assert listed == {f"of_{role}": role for role in ROLES}
        odd = 'O"Neil %s'
        assert (odd, "viewer") in [(one.user, one.role) for one in workspace.store.grant(odd, "viewer")]
        assert (odd, "engineer") in [(one.user, one.role) for one in workspace.store.grant(odd, "engineer")]
        assert odd not in [one.user for one in workspace.store.revoke(odd)]
        with pytest.raises(NotFoundError, match="has no role in this catalog"):
            workspace.store.revoke(odd)
        for user, role in (("ben", "scientst"), ("", "viewer"), ("pg_ben", "viewer")):
            with pytest.raises(InvalidError):
                workspace.store.grant(user, role)
        with pytest.raises(InvalidError, match="a user and a role are wanted"):
            workspace.store.grant("ben")
        actions = [event.action for event in workspace.audit.events(3)]
        assert actions == ["access.revoke", "access.grant", "access.grant"]
