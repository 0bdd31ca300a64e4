"""Holds JSON to a schema of Avro, as DataHub writes it: no member that is not there, none missing, types, branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["faults"]

_PLAIN = {"string": str, "boolean": bool, "int": int, "long": int, "float": (int, float), "double": (int, float)}
_OURS, _THEIRS = "com.linkedin.", "com.linkedin.pegasus2avro."
Named = dict[str, Any]


def faults(schema: Any, value: Any, named: Named, where: str) -> list[str]:
    """What of a value is not as the schema says, each with where it stands; `named` are the types met so far."""
    if isinstance(schema, str):
        return faults(named[schema], value, named, where) if schema in named else _plain(schema, value, where)
    if isinstance(schema, list):
        return _union(schema, value, named, where)
    if "name" in schema:
        named |= {"": schema.get("namespace", named.get("", ""))}
        named |= {schema["name"]: schema, f"{named['']}.{schema['name']}": schema}
    if (check := _KINDS.get(str(schema["type"]))) is not None:
        return check(schema, value, named, where)
    return faults(schema["type"], value, named, where)


def _plain(schema: str, value: Any, where: str) -> list[str]:
    if schema == "null":
        return [] if value is None else [f"{where} is not null"]
    fine = isinstance(value, _PLAIN[schema]) and (schema == "boolean" or not isinstance(value, bool))
    return [] if fine else [f"{where} is no {schema}: {value!r}"]


def _enum(schema: Any, value: Any, named: Named, where: str) -> list[str]:
    return [] if value in schema["symbols"] else [f"{where} is none of the symbols: {value!r}"]


def _array(schema: Any, value: Any, named: Named, where: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{where} is no list"]
    return [fault for one in value for fault in faults(schema["items"], one, named, f"{where}[]")]


def _map(schema: Any, value: Any, named: Named, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no mapping"]
    return [fault for key, one in value.items() for fault in faults(schema["values"], one, named, f"{where}.{key}")]


def _record(schema: Any, value: Any, named: Named, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no record"]
    fields = {field["name"]: field for field in schema["fields"]}
    found = [f"{where} has no {key}" for key, field in fields.items() if "default" not in field and key not in value]
    found += [f"{where} knows no {key}" for key in value if key not in fields]
    for key, field in fields.items():
        _meet(field["type"], named)
        if key in value:
            found += faults(field["type"], value[key], named, f"{where}.{key}")
    return found


def _meet(schema: Any, named: Named) -> None:
    """Remember the types that are named in a schema: further down they are meant by their names."""
    if isinstance(schema, list):
        for one in schema:
            _meet(one, named)
    elif isinstance(schema, dict):
        if "name" in schema and "namespace" in schema:
            named |= {schema["name"]: schema, f"{schema['namespace']}.{schema['name']}": schema}
        for inner in (schema.get("items"), schema.get("values"), *(one["type"] for one in schema.get("fields", ()))):
            _meet(inner, named)


def _union(schema: list[Any], value: Any, named: Named, where: str) -> list[str]:
    """One of some types; of several records, or where it says so, the only member says which."""
    some = [one for one in schema if one != "null"]
    if value is None:
        return [] if len(some) < len(schema) else [f"{where} is null"]
    if len(some) == 1:
        return faults(some[0], value, named, where)
    for one in some:
        own = one if isinstance(one, str) else f"{one.get('namespace', named.get('', ''))}.{one['name']}"
        if isinstance(value, dict) and set(value) == {own.replace(_THEIRS, _OURS)}:
            return faults(one, next(iter(value.values())), named, f"{where}.{own}")
    return (
        [] if [] in [faults(one, value, named, where) for one in some] else [f"{where} is none of the types: {value!r}"]
    )


_KINDS: dict[str, Callable[[Any, Any, Named, str], list[str]]] = {
    "array": _array,
    "enum": _enum,
    "map": _map,
    "record": _record,
}
