"""Names that a catalog holds, looked up for somebody who is typing: short questions, answered in milliseconds or not.

A key that is pressed waits neither for a lock nor for SQLAlchemy, whose import alone takes longer than a person
notices. So a catalog in SQLite is read by Python's own module, by a connection that can write nothing, and what it
does not answer at once is not told: completion offers less then, and the command itself says what is wrong. What this
process has logged a moment ago may be missing, as it may for any other reader. A catalog on a server is read as ever.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nbmlops.store.catalog import Catalog

__all__ = ["MOST", "Glance", "bare", "through"]

MOST = 500
"""How many words are told; IPython shows no more."""
_PATIENCE = 0.02
"""Seconds that a locked catalog is waited for."""
_NEWEST = 50

Ask = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
Kind = Literal["data", "feature", "model", "pipeline"]
Group = Literal["metrics", "params", "tags"]

# The words of a column, each once, in its order: from one to the next by the column's index, as there are few words
# and many rows. A word that does not begin so ends it, as they stand in order.
_EACH = """
WITH RECURSIVE found(word) AS (
  SELECT min({column}) FROM {table} WHERE {column} >= :start
  UNION ALL
  SELECT (SELECT min({column}) FROM {table} WHERE {column} > found.word)
  FROM found WHERE substr(found.word, 1, :length) = :start
)
SELECT word FROM found WHERE substr(word, 1, :length) = :start LIMIT :most
"""
_NAMES = """
SELECT name FROM name
WHERE kind = :kind AND name >= :start AND substr(name, 1, :length) = :start AND EXISTS (
  SELECT 1 FROM version WHERE name_id = name.id AND number IS NOT NULL AND deleted_at IS {hidden}
)
ORDER BY name LIMIT :most
"""
_VERSIONS = """
SELECT version.number, version.digest FROM version JOIN name ON name.id = version.name_id
WHERE name.kind = :kind AND name.name = :name AND number IS NOT NULL AND deleted_at IS {hidden}
ORDER BY number DESC LIMIT :most
"""
_ALIASES = """
SELECT DISTINCT alias FROM alias JOIN name ON name.id = alias.name_id
WHERE name.kind = :kind AND (:name = '' OR name.name = :name) ORDER BY alias LIMIT :most
"""
_DETAIL = """
SELECT version.detail FROM version JOIN name ON name.id = version.name_id
{joined}WHERE name.kind = :kind AND name.name = :name AND deleted_at IS NULL AND number IS NOT NULL {meant}
ORDER BY number DESC LIMIT 1
"""
_RUNS_OF = """
SELECT number FROM run WHERE experiment = :experiment AND substr(CAST(number AS TEXT), 1, :length) = :start
ORDER BY number DESC LIMIT :most
"""
_ARTIFACTS = """
SELECT artifact.name FROM artifact JOIN run ON run.id = artifact.run_id
WHERE run.experiment = :experiment AND run.number = :number ORDER BY artifact.name LIMIT :most
"""
_TABLES: Mapping[Group, str] = {"metrics": "series", "params": "param", "tags": "tag"}


class Glance:
    """What a catalog holds, by the beginning of its names.

    Parameters
    ----------
    ask : callable
        Answers a question in SQL, with its values: `bare` or `through`.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def names(self, kind: Kind, start: str = "", *, deleted: bool = False) -> list[str]:
        """Names that have a version; with `deleted`, one that can be restored."""
        query = _NAMES.format(hidden="NOT NULL" if deleted else "NULL")
        return self._words(query, start, kind=kind)

    def refs(self, kind: Kind, name: str, *, deleted: bool = False) -> list[str]:
        """References of one name: its aliases, then its versions, the newest first."""
        query = _VERSIONS.format(hidden="NOT NULL" if deleted else "NULL")
        versions = [f"{name}@v{number}" for number, _ in self._ask(query, {"kind": kind, "name": name, "most": MOST})]
        return [*(() if deleted else (f"{name}@{alias}" for alias in self.aliases(kind, name))), *versions]

    def digests(self, kind: Kind, name: str) -> list[str]:
        """The same versions by the beginning of their digests."""
        rows = self._ask(_VERSIONS.format(hidden="NULL"), {"kind": kind, "name": name, "most": MOST})
        return [f"{name}@{digest[:12]}" for _, digest in rows]

    def aliases(self, kind: Kind, name: str = "") -> list[str]:
        """Aliases of a name, or of all of a kind."""
        return [alias for (alias,) in self._ask(_ALIASES, {"kind": kind, "name": name, "most": MOST})]

    def columns(self, ref: str) -> list[str]:
        """Columns of a version of data, in its order."""
        name, _, meant = ref.partition("@")
        values: dict[str, Any] = {"kind": "data", "name": name}
        joined = condition = ""
        if meant[:1] == "v" and meant[1:].isdecimal() and len(meant) < 10:
            condition, values["number"] = "AND number = :number", int(meant[1:])
        elif meant:
            joined = "LEFT JOIN alias ON alias.version_id = version.id AND alias.alias = :meant\n"
            condition = "AND (alias.alias IS NOT NULL OR substr(version.digest, 1, :length) = :meant)"
            values |= {"meant": meant, "length": len(meant)}
        found = self._ask(_DETAIL.format(joined=joined, meant=condition), values)
        detail = found[0][0] if found else {}
        detail = json.loads(detail) if isinstance(detail, str) else detail
        return [column[0] for column in detail.get("columns", ())]

    def experiments(self, start: str = "") -> list[str]:
        """Names of experiments."""
        return self._each("run", "experiment", start)

    def runs(self, start: str = "") -> list[str]:
        """Names of runs: the newest, or the newest of the experiments that begin so, or of one by their numbers."""
        if not start:
            query = "SELECT experiment, number FROM run ORDER BY sequence DESC LIMIT :most"
            return [f"{experiment}-{number}" for experiment, number in self._ask(query, {"most": _NEWEST})]
        experiment, dash, number = start.rpartition("-")
        found = self._numbered(experiment, number) if dash and (number.isdecimal() or not number) else []
        return [*found, *(run for each in self.experiments(start)[:10] for run in self._numbered(each, "", 10))]

    def _numbered(self, experiment: str, start: str, most: int = _NEWEST) -> list[str]:
        values = {"experiment": experiment, "start": start, "length": len(start), "most": most}
        return [f"{experiment}-{number}" for (number,) in self._ask(_RUNS_OF, values)]

    def keys(self, group: Group, start: str = "") -> list[str]:
        """Names of metrics, params or tags that some run has."""
        return self._each(_TABLES[group], "key", start)

    def artifacts(self, run: str) -> list[str]:
        """What a run has kept, by the run's friendly name."""
        experiment, _, number = run.rpartition("-")
        if not number.isdecimal() or len(number) > 9:
            return []
        values = {"experiment": experiment, "number": int(number), "most": MOST}
        return [name for (name,) in self._ask(_ARTIFACTS, values)]

    def reports(self) -> list[str]:
        """Numbers of reports, the newest first."""
        return [str(number) for (number,) in self._ask("SELECT id FROM report ORDER BY id DESC LIMIT :most", _FEW)]

    def subjects(self) -> list[str]:
        """What the newest reports are on."""
        query = "SELECT subject FROM report ORDER BY id DESC LIMIT :most"
        return list(dict.fromkeys(subject for (subject,) in self._ask(query, {"most": MOST})))

    def schedules(self, *, deleted: bool = False) -> list[str]:
        """Names of schedules."""
        query = "SELECT name FROM schedule WHERE deleted_at IS {} ORDER BY name LIMIT :most"
        return [name for (name,) in self._ask(query.format("NOT NULL" if deleted else "NULL"), {"most": MOST})]

    def _each(self, table: str, column: str, start: str) -> list[str]:
        return self._words(_EACH.format(table=table, column=column), start)

    def _words(self, query: str, start: str, **values: Any) -> list[str]:
        given = {"start": start, "length": len(start), "most": MOST, **values}
        return [word for (word,) in self._ask(query, given)]


_FEW = {"most": _NEWEST}


def bare(path: Path) -> Ask:
    """Ask the database in a file; one that is locked, damaged or older answers nothing."""

    def ask(query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)) as one:
                return one.execute(query, dict(values)).fetchall()
        except sqlite3.Error:
            return []

    return ask


def through(catalog: Catalog) -> Ask:
    """Ask any catalog, by its own connections."""

    def ask(query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        from sqlalchemy import text

        found: Iterable[Any] = catalog.read(lambda connection: connection.execute(text(query), dict(values)).all())
        return [tuple(row) for row in found]

    return ask
