"""The verb ``export``: definitions and offline tables as a repository that Feast applies and reads."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import ConflictError, InvalidError
from nbmlops.features.capturing import rebuilt
from nbmlops.features.definition import CREATED, Definition, FeatureRef, ServiceDefinition
from nbmlops.features.feast import definitions
from nbmlops.features.feast.records import FeastExport
from nbmlops.features.online.service import Online

if TYPE_CHECKING:
    from nbmlops.data.records import DataVersion
    from nbmlops.features.records import FeatureVersion

__all__ = ["Exporting"]

_STORE = """\
project: {project}
provider: local
registry: data/registry.db
offline_store:
  type: file
online_store:
  type: sqlite
  path: data/online.db
entity_key_serialization_version: 3
"""


class Exporting(Online):
    """What writes views for others."""

    def export(self, *, feast: str | Path) -> FeastExport:
        """Write the newest versions of all views and services as a repository of Feast.

        Retired ones are left out. A view without a time holds from 1970 on. Inputs of functions on demand are numbers,
        or texts where the function takes no numbers.

        Parameters
        ----------
        feast : str or Path
            The folder, which is made; it may be there when it is empty.

        Raises
        ------
        ConflictError
            When there is something in the folder.
        InvalidError
            When there are no views.
        UnsupportedError
            When Feast has no type for a feature.
        """
        folder = Path(feast)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConflictError(f"there is something in {folder} already", hint="name a new folder")
        rows = [row for row in self._rows() if row.retired is None]
        known = [self._record(self._versions.resolve(row.ref)) for row in rows]
        views = [version for version in known if version.kind == "view"]
        on_demand = [version for version in known if version.kind == "on demand"]
        services = [version for version in known if version.kind == "service"]
        if not views:
            raise InvalidError("there is no view to export", hint="`ml feature list`")
        tables = {version.name: self.table(version.ref) for version in views}
        text = self._text(views, on_demand, services, tables)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Whoever stops this in the middle is left with no half of a repository.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".feast-") as made:
            place = Path(made) / "repository"
            (place / "data").mkdir(parents=True)
            (place / "feature_store.yaml").write_text(_STORE.format(project="nbmlops"))
            (place / "definitions.py").write_text(text)
            for version in views:
                self._write_table(tables[version.name], version.view, place / "data" / f"{version.name}.parquet")
            if folder.exists():
                folder.rmdir()
            shutil.move(place, folder)
        named, computed, listed = (tuple(one.ref for one in each) for each in (views, on_demand, services))
        return FeastExport(folder, named, computed, listed, sum(table.rows or 0 for table in tables.values()))

    def _text(
        self,
        views: Sequence[FeatureVersion],
        on_demand: Sequence[FeatureVersion],
        services: Sequence[FeatureVersion],
        tables: dict[str, DataVersion],
    ) -> str:
        names = definitions.Names()
        kinds: dict[str, str] = {}
        parts = []
        for version in views:
            columns = {column.name: column.type for column in tables[version.name].columns}
            kinds |= {entity: columns[entity] for entity in version.view.entities}
            created = CREATED if CREATED in columns else None
            parts.append(definitions.view_text(version.view, columns, names, created))
        parts.insert(0, definitions.entities_text(kinds, names))
        parts += [definitions.on_demand_text(version.view, _kinds(version.view), names) for version in on_demand]
        gone = {ref.name for one in services for ref in map(FeatureRef.parse, _service(one).refs)}
        gone -= {version.name for version in (*views, *on_demand)}
        for version in services:
            said = _service(version)
            refs = [ref for ref in map(FeatureRef.parse, said.refs) if ref.name not in gone]
            chosen: dict[str, list[str] | None] = {}
            for ref in refs:
                if ref.feature is None:
                    chosen[ref.name] = None
                elif (some := chosen.setdefault(ref.name, [])) is not None:
                    some.append(ref.feature)
            pairs = [(view, None if some is None else tuple(some)) for view, some in chosen.items()]
            parts.append(definitions.service_text(said, pairs, names))
        return "\n\n\n".join([definitions.HEAD.rstrip(), *parts]) + "\n"

    def _write_table(self, table: DataVersion, view: Definition, path: Path) -> None:
        """The offline table, part by part."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._data.opened(self._data.table_version(table.ref), None) as stored:
            schema = stored.schema
            event = pa.field(definitions.EVENT, pa.timestamp("us", "UTC"))
            if view.time is None:
                schema = schema.append(event)
            with pq.ParquetWriter(path, schema) as writer:
                for rows in stored.batches([column.name for column in table.columns]):
                    if view.time is None:
                        long_ago = pa.array([datetime(1970, 1, 1, tzinfo=UTC)] * rows.num_rows, event.type)
                        writer.write_table(rows.append_column(event, long_ago).cast(schema))
                    else:
                        writer.write_table(rows.cast(schema))


def _service(version: FeatureVersion) -> ServiceDefinition:
    assert isinstance(version.definition, ServiceDefinition)
    return version.definition


def _kinds(view: Definition) -> dict[str, str]:
    """What the columns of a request are: numbers, or texts where the function takes no numbers."""
    import pandas as pd

    function = rebuilt(view.source, view.function)
    samples: dict[str, Any] = {"double": [1.0, 2.0], "string": ["a", "b"]}
    for kind, values in samples.items():
        try:
            function(*(pd.Series(values) for _ in view.inputs))
        except Exception:  # noqa: BLE001, S112 - it is the user's code, and only asked whether it takes these
            continue
        return dict.fromkeys(view.inputs, kind)
    return dict.fromkeys(view.inputs, "double")
