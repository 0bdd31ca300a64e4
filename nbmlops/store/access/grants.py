"""Roles of PostgreSQL for the roles of a policy: there they are a boundary, for the database itself holds to them.

Each role is one of the database, without a login, named after the database and the schema; a user is a member of those
that they were granted. What a table mixes, rows of several kinds, is told apart by row policies:

========= ============================================================================================
role      may write
========= ============================================================================================
viewer    nothing
scientist all tables but those below; of versions and names no pipelines; Events only in their own name
engineer  the same, and aliases, schedules, deployments, monitors, holds, pipelines
approver  Events in their own name, aliases of models and pipelines, and nothing else
admin     everything but the structure of the tables, which is the owner's
========= ============================================================================================

Nobody but an admin changes or removes an Event. Source: https://www.postgresql.org/docs/current/ddl-rowsecurity.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, text

from nbmlops.core.errors import InvalidError, NotFoundError, RefusedError, UnsupportedError, nearest
from nbmlops.core.permissions import ROLES
from nbmlops.store import audit
from nbmlops.store.access.records import Grant

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog, Connection

__all__ = ["Grants"]

_OPERATED = ("alias", "alias_move", "schedule", "fire", "notice", "deployment", "monitor", "alert", "hold")
_ADMINISTERED = ("access_policy", "alembic_version")
_LONGEST = 63
"""Bytes of a name in PostgreSQL."""

_KIND = "EXISTS (SELECT 1 FROM {name} n WHERE n.id = {column} AND n.kind {kinds})"
_TRUE = "true"


class Grants:
    """Grants roles of the database, and takes them away.

    Parameters
    ----------
    catalog : Catalog
        The catalog.
    clock : Clock
        Tells when.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def grant(self, user: str, role: str) -> list[Grant]:
        """Make a user of the database a member of a role; the user is made, without a password, when there is none.

        What every role may do is written anew, so that it holds for tables that have come since.

        Raises
        ------
        UnsupportedError
            When the catalog is SQLite, which has no users.
        InvalidError
            When there is no such role, or the name cannot be one.
        """
        self._refuse_embedded()
        _check_role(role)
        _check_user(user)

        def work(connection: Connection) -> None:
            names = _names(connection)
            _write_down(connection, names)
            login = _quoted(connection, user)
            if not _is_there(connection, user):
                connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN")
            for other in sorted(set(ROLES) & _roles_of(connection, names, user) - {role}):
                connection.exec_driver_sql(f"REVOKE {_quoted(connection, names[other])} FROM {login}")
            connection.exec_driver_sql(f"GRANT {_quoted(connection, names[role])} TO {login}")
            audit.append(connection, self._clock, "access.grant", user, {"role": role})

        self._catalog.transact(work)
        return self.list()

    def revoke(self, user: str) -> list[Grant]:
        """Take away the role that a user of the database has here; the user stays, with what they have elsewhere.

        Raises
        ------
        UnsupportedError
            When the catalog is SQLite.
        NotFoundError
            When the user has none.
        """
        self._refuse_embedded()

        def work(connection: Connection) -> None:
            names = _names(connection)
            held = sorted(_roles_of(connection, names, user))
            if not held:
                known = [one.user for one in _list(connection, names)]
                hint = nearest(user, known) or "`ml store grant --list` tells who has one"
                raise NotFoundError(f"{user!r} has no role in this catalog", hint=hint)
            for role in held:
                connection.exec_driver_sql(
                    f"REVOKE {_quoted(connection, names[role])} FROM {_quoted(connection, user)}"
                )
            audit.append(connection, self._clock, "access.revoke", user, {"roles": held})

        self._catalog.transact(work)
        return self.list()

    def list(self) -> list[Grant]:
        """The users of the database who have a role here.

        Raises
        ------
        UnsupportedError
            When the catalog is SQLite.
        """
        self._refuse_embedded()
        return self._catalog.read(lambda c: _list(c, _names(c)))

    def _refuse_embedded(self) -> None:
        if self._catalog.is_sqlite:
            raise UnsupportedError(
                "the catalog is SQLite, which has no users: whoever can write its file can write anything in it, and "
                "roles prevent accidents there, no more",
                hint="docs/teams.md tells how a team names a PostgreSQL",
            )


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise InvalidError(
            f"there is no role {role[:60]!r}", hint=nearest(role, ROLES) or f"the roles are {', '.join(ROLES)}"
        )


def _check_user(user: str) -> None:
    if not user.strip() or len(user.encode()) > _LONGEST or "\0" in user or re.match(r"pg_", user):
        raise InvalidError(f"{user[:60]!r} cannot be a user of PostgreSQL", hint="`ml store grant ben scientist`")


def _names(connection: Connection) -> dict[str, str]:
    """How the database calls each role: it knows no schemas for them, so their names tell them apart."""
    database, place = connection.exec_driver_sql("SELECT current_database(), current_schema()").one()
    stem = f"nbmlops_{database}_{place}"
    if len(f"{stem}_scientist".encode()) > _LONGEST:
        stem = f"nbmlops_{hashlib.sha256(stem.encode()).hexdigest()[:32]}"
    return {role: f"{stem}_{role}" for role in ROLES}


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _is_there(connection: Connection, role: str) -> bool:
    query = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    return connection.execute(query, {"role": role}).scalar() is not None


def _list(connection: Connection, names: dict[str, str]) -> list[Grant]:
    query = text(
        "SELECT u.rolname, r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
        "JOIN pg_roles u ON u.oid = m.member WHERE r.rolname IN :names AND u.rolcanlogin ORDER BY 1, 2"
    ).bindparams(bindparam("names", expanding=True))
    # Whoever makes a role is a member of it since PostgreSQL 16, and owns the tables.
    owner = connection.exec_driver_sql(
        "SELECT tableowner FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'event'"
    ).scalar()
    said = {name: role for role, name in names.items()}
    rows = connection.execute(query, {"names": list(said)})
    return [Grant(user, said[role]) for user, role in rows if user != owner]


def _roles_of(connection: Connection, names: dict[str, str], user: str) -> set[str]:
    return {one.role for one in _list(connection, names) if one.user == user}


def _write_down(connection: Connection, names: dict[str, str]) -> None:
    """Make the roles, and write what each may do; all of it again, for it may have been otherwise."""
    run = connection.exec_driver_sql
    place = _quoted(connection, str(run("SELECT current_schema()").scalar()))
    owner = run(
        "SELECT pg_get_userbyid(c.relowner) = current_user OR (SELECT rolsuper FROM pg_roles "
        "WHERE rolname = current_user) FROM pg_class c WHERE c.oid = to_regclass('event')"
    ).scalar()
    if not owner:
        raise RefusedError(
            "only who owns the tables can say who may write them", hint="use the catalog's URL of its owner"
        )
    for role in names.values():
        if not _is_there(connection, role):
            run(f"CREATE ROLE {_quoted(connection, role)} NOLOGIN")
        quoted = _quoted(connection, role)
        run(f"REVOKE ALL ON ALL TABLES IN SCHEMA {place} FROM {quoted}")
        run(f"GRANT USAGE ON SCHEMA {place} TO {quoted}")
        run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {place} TO {quoted}")
        if not role.endswith("_viewer"):
            run(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {place} TO {quoted}")
    every = [name for (name,) in run("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").all()]

    def may_write(role: str, tables: list[str], what: str = "INSERT, UPDATE, DELETE") -> None:
        listed = ", ".join(f"{place}.{_quoted(connection, table)}" for table in tables)
        run(f"GRANT {what} ON {listed} TO {_quoted(connection, names[role])}")

    worked = [name for name in every if name not in {*_OPERATED, *_ADMINISTERED, "event"}]
    may_write("scientist", worked)
    may_write("engineer", [*worked, *_OPERATED])
    may_write("approver", ["alias", "alias_move"])
    may_write("admin", every)
    for role in ("scientist", "engineer", "approver"):
        may_write(role, ["event"], "INSERT")
    _write_rows(connection, names, place)


def _write_rows(connection: Connection, names: dict[str, str], place: str) -> None:
    """The row policies of tables that mix what one role may write with what it may not."""

    def kind_of(column: str, kinds: str) -> str:
        return _KIND.format(name=f"{place}.name", column=column, kinds=kinds)

    built, agreed = "<> 'pipeline'", "IN ('model', 'pipeline')"
    own = "actor = session_user"
    writers: dict[str, dict[str, str]] = {
        "name": {"scientist": f"kind {built}", "engineer": _TRUE},
        "version": {"scientist": kind_of("name_id", built), "engineer": _TRUE},
        "alias": {"engineer": _TRUE, "approver": kind_of("name_id", agreed)},
        "alias_move": {"engineer": own, "approver": f"{own} AND {kind_of('name_id', agreed)}"},
        "event": {"scientist": own, "engineer": own, "approver": own},
        "broken_glass": {"scientist": own, "engineer": own},
    }
    for table, rules in writers.items():
        where = f"{place}.{_quoted(connection, table)}"
        _write_policies(connection, where, {names["admin"]: _TRUE, **{names[role]: it for role, it in rules.items()}})


def _write_policies(connection: Connection, where: str, rules: dict[str, str]) -> None:
    run: Callable[[str], object] = connection.exec_driver_sql
    run(f"ALTER TABLE {where} ENABLE ROW LEVEL SECURITY")
    run(f"DROP POLICY IF EXISTS nbmlops_read ON {where}")
    run(f"CREATE POLICY nbmlops_read ON {where} FOR SELECT USING (true)")
    for role, rule in rules.items():
        policy = _quoted(connection, role)
        run(f"DROP POLICY IF EXISTS {policy} ON {where}")
        # Not for SELECT: what is read of it is read by all.
        run(f"CREATE POLICY {policy} ON {where} FOR ALL TO {policy} USING ({rule}) WITH CHECK ({rule})")
