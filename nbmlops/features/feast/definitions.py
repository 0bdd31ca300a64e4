"""Definitions of feature views in the words of Feast: https://docs.feast.dev/reference/feature-repository (0.67).

Whatever a person wrote is put in as a literal of Python, so that no name or description can become code.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nbmlops.core.errors import UnsupportedError
from nbmlops.features.definition import FeatureRef

if TYPE_CHECKING:
    from nbmlops.features.definition import Definition, ServiceDefinition

__all__ = ["EVENT", "HEAD", "Names", "entities_text", "feast_type", "on_demand_text", "service_text", "view_text"]

EVENT = "event_timestamp"
"""The time of rows of a view that has none: 1970, before every event."""
HEAD = '''"""Feature views exported by nbmlops: `feast apply` registers them."""

from datetime import timedelta

import pandas as pd
from feast import Entity, FeatureService, FeatureView, Field, FileSource, RequestSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Bool, Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp
'''
_TYPES = {
    "bool": "Bool",
    "int8": "Int32",
    "int16": "Int32",
    "int32": "Int32",
    "uint8": "Int32",
    "uint16": "Int32",
    "int64": "Int64",
    "uint32": "Int64",
    "float": "Float32",
    "double": "Float64",
    "string": "String",
    "binary": "Bytes",
}
_VALUE_TYPES = {"Bool": "BOOL", "Int32": "INT32", "Int64": "INT64", "String": "STRING", "Bytes": "BYTES"}
_LIST = re.compile(r"(?:large_)?list<(?:item|element): (.+?)(?: not null)?>")


def feast_type(kind: str, what: str) -> str:
    """The type of Feast for an Arrow type.

    Raises
    ------
    UnsupportedError
        When Feast has none.
    """
    if kind in _TYPES:
        return _TYPES[kind]
    if kind.startswith("timestamp"):
        return "UnixTimestamp"
    of = _LIST.fullmatch(kind)
    if of and of[1] in _TYPES:
        return f"Array({_TYPES[of[1]]})"
    raise UnsupportedError(f"{what} is {kind}, and Feast has no such type", hint="give it another type, such as text")


class Names:
    """Variables of the definitions, one for each thing."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def of(self, kind: str, name: str) -> str:
        """The variable of a thing."""
        if (kind, name) not in self._known:
            plain = f"{kind}_" + re.sub(r"\W", "_", name, flags=re.ASCII)
            taken = self._known.values()
            self._known[kind, name] = plain if plain not in taken else f"{plain}_{len(self._known)}"
        return self._known[kind, name]


def entities_text(kinds: Mapping[str, str], names: Names) -> str:
    """The entities and what their keys are."""
    lines = []
    for key, kind in kinds.items():
        value = _VALUE_TYPES.get(feast_type(kind, key), "STRING")
        lines.append(
            f"{names.of('entity', key)} = Entity(name={key!r}, join_keys=[{key!r}], value_type=ValueType.{value})"
        )
    return "\n".join(lines)


def view_text(view: Definition, kinds: Mapping[str, str], names: Names, created: str | None) -> str:
    """A view over its offline table."""
    columns = [(entity, kinds[entity]) for entity in view.entities] + list(view.features)
    fields = "".join(f"        {_field(name, kind, view.name)},\n" for name, kind in columns)
    entities = ", ".join(names.of("entity", entity) for entity in view.entities)
    ttl = 0.0 if view.ttl is None else view.ttl.total_seconds()
    more = f"        created_timestamp_column={created!r},\n" if created else ""
    return (
        f"{names.of('view', view.name)} = FeatureView(\n"
        f"    name={view.name!r},\n    entities=[{entities}],\n    ttl=timedelta(seconds={ttl!r}),\n"
        f"    schema=[\n{fields}    ],\n"
        f"    source=FileSource(\n        name={view.name + '_table'!r},\n"
        f"        path={f'data/{view.name}.parquet'!r},\n"
        f"        timestamp_field={view.time or EVENT!r},\n{more}    ),\n"
        f"{_said(view)})"
    )


def on_demand_text(view: Definition, kinds: Mapping[str, str], names: Names) -> str:
    """A view on demand, with the text of its function inside, so that Feast can keep and call it anywhere."""
    refs = [FeatureRef.parse(one) if ":" in one else None for one in view.inputs]
    asked = [one for one, ref in zip(view.inputs, refs, strict=True) if ref is None]
    sources = []
    head = ""
    if asked:
        request = names.of("request", view.name)
        fields = ", ".join(_field(one, kinds[one], view.name) for one in asked)
        head = f"{request} = RequestSource(name={view.name + '_request'!r}, schema=[{fields}])\n\n\n"
        sources.append(request)
    sources += [f"{names.of('view', ref.name)}[[{ref.feature!r}]]" for ref in refs if ref is not None]
    schema = ", ".join(_field(name, kind, view.name) for name, kind in view.features)
    taken = ", ".join(
        f"inputs[{(one if ref is None else ref.feature)!r}]" for one, ref in zip(view.inputs, refs, strict=True)
    )
    columns = list(view.columns)
    return (
        f"{head}@on_demand_feature_view(\n    name={view.name!r},\n    sources=[{', '.join(sources)}],\n"
        f"    schema=[{schema}],\n    mode='pandas',\n{_said(view)})\n"
        f"def {names.of('view', view.name)}(inputs: pd.DataFrame) -> pd.DataFrame:\n"
        f"    import pandas as pd\n\n{textwrap.indent(_plain_source(view.source), '    ')}\n\n"
        f"    made = {view.function}({taken})\n"
        f"    return made.to_frame({columns[0]!r}) if isinstance(made, pd.Series) else made[{columns!r}]"
    )


def service_text(service: ServiceDefinition, refs: Sequence[tuple[str, tuple[str, ...] | None]], names: Names) -> str:
    """A service over views, each with the features that it has of them."""
    parts = [
        names.of("view", view) + ("" if features is None else f"[[{', '.join(map(repr, features))}]]")
        for view, features in refs
    ]
    return (
        f"{names.of('service', service.name)} = FeatureService(\n    name={service.name!r},\n"
        f"    features=[{', '.join(parts)}],\n{_said(service)})"
    )


def _field(name: str, kind: str, view: str) -> str:
    return f"Field(name={name!r}, dtype={feast_type(kind, f'{view}:{name}')})"


def _said(thing: Definition | ServiceDefinition) -> str:
    tags = dict(thing.tags)
    return f"    description={thing.description!r},\n    owner={thing.owner!r},\n    tags={tags!r},\n"


def _plain_source(source: str) -> str:
    """The text without what may stand only at the head of a file, each statement on lines of its own."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not (isinstance(node, ast.ImportFrom) and node.module == "__future__")]
    return ast.unparse(tree)
