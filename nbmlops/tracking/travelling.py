"""Runs that travel with the versions that they wrote: who they were, what they were given, what they measured."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbmlops.core.clock import microseconds
from nbmlops.core.errors import CorruptError, NbmlopsError
from nbmlops.core.refs import check_name
from nbmlops.store.adoption import instant
from nbmlops.tracking.queries import metrics, runs, values

if TYPE_CHECKING:
    from nbmlops.store.catalog import Connection

__all__ = ["Travels"]

_ID = re.compile(r"[0-9a-f]{32}")
_SAME = ("id", "experiment", "number", "kind", "status", "parent_id", "notebook", "git", "error")
_KINDS = frozenset({"run", "step", "pipeline", "proof"})
_STATUSES = frozenset({"running", "finished", "failed", "killed"})


class Travels:
    """Tells runs as plain values, and adds those that were told elsewhere; a port of the store."""

    def told(self, connection: Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Some runs and those that they are a part of, by their start."""
        found: dict[str, dict[str, Any]] = {}
        waiting = list(ids)
        while waiting:
            run_id = waiting.pop()
            row = runs.told(connection, run_id) if run_id not in found else None
            if row is not None:
                found[run_id] = row
                if row["parent_id"]:
                    waiting.append(row["parent_id"])
        params, tags = (values.values(connection, name, list(found)) for name in ("param", "tag"))
        measured = metrics.last(connection, list(found))
        return [
            {
                **{key: row[key] for key in _SAME},
                "started_at": row["started_at"].isoformat(),
                "ended_at": row["ended_at"].isoformat() if row["ended_at"] else None,
                "params": params[run_id],
                "tags": tags[run_id],
                # JSON has no word for what is not finite.
                "metrics": {k: v if math.isfinite(v) else repr(v) for k, v in measured[run_id].items()},
            }
            for run_id, row in sorted(found.items(), key=lambda item: (item[1]["started_at"], item[0]))
        ]

    def adopt(self, connection: Connection, documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """Add the runs that are not here; friendly names there and here of those that got another number."""
        renamed = []
        for run_id, document in {each["id"]: each for each in documents}.items():
            if runs.told(connection, run_id) is not None:
                continue
            fields, measured = _checked(document)
            number = runs.adopt(connection, fields)
            values.add_params(connection, run_id, document["params"])
            values.add_tags(connection, run_id, document["tags"])
            at = microseconds(fields["ended_at"] or fields["started_at"])
            metrics.add(connection, [metrics.Point(run_id, key, 0, at, value) for key, value in measured.items()])
            if number != fields["number"]:
                renamed.append((f"{fields['experiment']}-{fields['number']}", f"{fields['experiment']}-{number}"))
        return renamed


def _checked(document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """Columns and metrics of a run, when they are of the kinds that a run has."""
    try:
        fields = {key: document[key] for key in _SAME}
        check_name(fields["experiment"])
        ended = document["ended_at"]
        fields |= {"started_at": instant(document["started_at"]), "ended_at": instant(ended) if ended else None}
        holds = (
            _ID.fullmatch(fields["id"])
            and (fields["parent_id"] is None or _ID.fullmatch(fields["parent_id"]))
            and type(fields["number"]) is int
            and 0 < fields["number"] < 1 << 31
            and fields["kind"] in _KINDS
            and fields["status"] in _STATUSES
            and isinstance(document["params"], dict)
            and all(isinstance(text, str) for text in document["tags"].values())
        )
        if not holds:
            raise ValueError("a value cannot be")
        return fields, {str(key): float(value) for key, value in document["metrics"].items()}
    except (AttributeError, KeyError, TypeError, ValueError, NbmlopsError) as error:
        raise CorruptError(
            f"a record tells of a run that cannot be: {error!r}"[:300],
            hint="push again from a workspace that has the version",
        ) from None
