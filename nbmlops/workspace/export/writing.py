"""The verb ``store export``: a file that is there as a whole or not at all, written as the catalog is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from nbmlops.core.errors import ConflictError, InvalidError, nearest
from nbmlops.core.spans import parse_moment
from nbmlops.data.files import write_atomically
from nbmlops.store.records import CatalogExport
from nbmlops.workspace.export.addresses import Repository
from nbmlops.workspace.export.datahub.proposals import proposals
from nbmlops.workspace.export.facts import Dropped, Fact, Finished, Saved
from nbmlops.workspace.export.openlineage.events import events
from nbmlops.workspace.export.reading import Reading

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["FORMS", "Exporter", "Form"]

Progress = Callable[[int], None]


class Form(NamedTuple):
    """How facts are told in one form, and what stands in the file before, between and after the entries."""

    told: Callable[[Iterable[Fact], str, Repository], Iterator[dict[str, Any]]]
    before: bytes
    between: bytes
    after: bytes


FORMS: Final[Mapping[str, Form]] = {
    "openlineage": Form(events, b"", b"\n", b"\n"),
    "datahub": Form(proposals, b"[\n", b",\n", b"\n]\n"),
}
"""The forms, by name."""


class Exporter:
    """Writes the catalog of a workspace for others.

    Parameters
    ----------
    workspace : Workspace
        The workspace.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __call__(
        self,
        form: str,
        path: Path,
        *,
        since: str | timedelta | datetime | None = None,
        namespace: str | None = None,
        progress: Progress | None = None,
    ) -> CatalogExport:
        """Write it: `nbmlops.store.service.Store.export`."""
        if form not in FORMS:
            raise InvalidError(f"there is no form {form!r}", hint=nearest(form, FORMS) or f"one of {', '.join(FORMS)}")
        workspace, now = self._workspace, self._workspace.clock.now()
        begin = parse_moment(since, now)
        space = f"nbmlops://{workspace.marker.id}" if namespace is None else _checked(namespace)
        if path.exists():
            raise ConflictError(f"{path} is there already", hint="give the export another name")
        workspace.run.reap()
        root = workspace.marker.root
        reading = Reading(workspace.catalog, root, workspace.data.kept_profile, begin)
        counted = _Counting(reading)
        entries = 0

        def write(sink: IO[bytes]) -> None:
            nonlocal entries
            way = FORMS[form]
            sink.write(way.before)
            for entry in way.told(counted, space, Repository(root)):
                written = json.dumps(entry, allow_nan=False, separators=(",", ":")).encode("ascii")
                sink.write(way.between + written if entries else written)
                entries += 1
                if progress is not None:
                    progress(len(written) + 1)
            sink.write(way.after if entries else way.after.lstrip())

        write_atomically(path, write)
        known = counted.runs, len(counted.names), entries, reading.running
        return CatalogExport(str(path), form, space, *known, now, path.stat().st_size)


class _Counting:
    """Facts as they pass, and how many runs and names they were about."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts = facts
        self.runs = 0
        self.names: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Fact]:
        for fact in self._facts:
            match fact:
                case Finished():
                    self.runs += 1
                    things = (*fact.inputs, *fact.outputs)
                    self.names |= {(one.version.kind, one.version.name) for one in things}
                case Saved():
                    self.names.add((fact.thing.version.kind, fact.thing.version.name))
                case Dropped():
                    self.names.add((fact.kind, fact.name))
            yield fact


def _checked(namespace: str) -> str:
    if not namespace.strip() or not namespace.isprintable():
        raise InvalidError(f"{namespace!r} is no namespace", hint="a name or an address, such as team://flights")
    return namespace.strip()
