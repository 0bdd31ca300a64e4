"""Tags: pairs of text on a version, which may come and change after it was made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, insert, select, update

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.store import schema, turns

__all__ = ["asked", "checked", "copy", "having", "of_versions", "put", "remove"]

_KEY_LIMIT, _VALUE_LIMIT = 512, 4_096


def checked(tags: Mapping[Any, Any]) -> dict[str, str]:
    """Tags as they are kept: keys as they are, values as text.

    Raises
    ------
    InvalidError
        When a key is empty, too long or holds a ``=``, or a value is neither text, number nor truth value.

    Examples
    --------
    >>> checked({"region": "NYC", "year": 2013})
    {'region': 'NYC', 'year': '2013'}
    """
    found = {}
    for key, value in tags.items():
        if not isinstance(key, str) or not key.strip() or "=" in key or len(key) > _KEY_LIMIT:
            raise InvalidError(f"{key!r} cannot be the key of a tag", hint="a key is a word, as in region=NYC")
        if not isinstance(value, str | bool | int | float) or len(str(value)) > _VALUE_LIMIT:
            what = f"a text of {len(value)} characters" if isinstance(value, str) else f"a {type(value).__name__}"
            raise InvalidError(f"the tag {key} cannot hold {what}", hint="a value is a short text or a number")
        found[key] = str(value)
    return found


def asked(kind: str, ref: str, given: Mapping[Any, Any], removed: Collection[str]) -> dict[str, str]:
    """Tags to be set by the verb ``tag``, as they are kept.

    Raises
    ------
    InvalidError
        When there is nothing to do, or a tag cannot be kept.
    """
    kept = checked(given)
    if not kept and not removed:
        hint = f"`ml data tag {ref} region=NYC`" if kind == "data" else f"`ml model tag {ref} region=NYC`"
        raise InvalidError("there is no tag to set", hint=hint)
    return kept


def put(connection: Connection, version_id: int, tags: Mapping[str, str]) -> None:
    """Set tags of a version; others that it has stay."""
    table = schema.version_tag
    for key, value in tags.items():
        place = {"version_id": version_id, "key": key}
        if connection.execute(update(table).filter_by(**place).values(value=value)).rowcount == 0:
            connection.execute(insert(table).values(value=value, **place))


def remove(connection: Connection, version_id: int, keys: Collection[str]) -> None:
    """Take tags off a version.

    Raises
    ------
    NotFoundError
        When it has no tag of such a key.
    """
    known = of_versions(connection, [version_id]).get(version_id, {})
    for key in keys:
        if key not in known:
            hint = nearest(key, known) or (f"it has {', '.join(known)}" if known else "it has no tags")
            raise NotFoundError(f"there is no tag {key!r} on it", hint=hint)
    table = schema.version_tag
    connection.execute(delete(table).where(table.c.version_id == version_id, table.c.key.in_(keys)))


def copy(connection: Connection, source: int, target: int) -> None:
    """Give a version the tags of another one too."""
    put(connection, target, of_versions(connection, [source]).get(source, {}))


def of_versions(connection: Connection, version_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Tags of some versions, sorted by key, by the id of the version; those without a tag are left out."""
    table = schema.version_tag
    found: dict[int, dict[str, str]] = {}
    for page in turns.pages(sorted(set(version_ids))):
        query = select(table).where(table.c.version_id.in_(page))
        for row in connection.execute(query.order_by(table.c.version_id, table.c.key)):
            found.setdefault(row.version_id, {})[row.key] = row.value
    return found


def having(query: Select[Any], tags: Mapping[str, str]) -> Select[Any]:
    """The query, of rows of versions that have all of some tags."""
    table = schema.version_tag

    def has(key: str, value: str) -> ColumnElement[bool]:
        return exists().where(table.c.version_id == schema.version.c.id, table.c.key == key, table.c.value == value)

    return query.where(*(has(key, value) for key, value in tags.items()))
