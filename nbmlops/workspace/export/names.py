"""Names that stay: the id of a run as others know it, and the name of what it is a run of."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from nbmlops.workspace.export.facts import RunName

__all__ = ["job_name", "run_uuid"]

_RUNS: Final = uuid.UUID("6d0b6a4e-5d0c-5c2f-9a53-0b8d1f0a7c11")
"""The namespace of ids of runs whose own are no UUIDs, as of runs that came from another system."""


def run_uuid(run_id: str) -> str:
    """The UUID of a run: its own id, or one that is made from it, always the same.

    Examples
    --------
    >>> run_uuid("0854940fcbb24e939e1ab05104858e46")
    '0854940f-cbb2-4e93-9e1a-b05104858e46'
    >>> run_uuid("gbm-12") == run_uuid("gbm-12")
    True
    """
    try:
        return str(uuid.UUID(hex=run_id))
    except ValueError:
        return str(uuid.uuid5(_RUNS, run_id))


def job_name(kind: str, experiment: str, above: tuple[RunName, ...]) -> str:
    """What a run is one of, given what it is a part of; a step belongs to its pipeline.

    No name of ours holds a slash, so that none is taken twice.

    Examples
    --------
    >>> job_name("run", "gbm", ())
    'run/gbm'
    """
    pipeline = next((one.experiment for one in above if one.kind in {"pipeline", "proof"}), None)
    return f"{kind}/{pipeline}/{experiment}" if pipeline and kind in {"step", "proof"} else f"{kind}/{experiment}"
