"""The verb ``export``: a frozen pipeline for an orchestrator that is there already."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, RefusedError, UnavailableError, nearest
from nbmlops.core.refs import Ref
from nbmlops.pipelines.cron import Cron
from nbmlops.pipelines.export.airflow import airflow
from nbmlops.pipelines.export.github import github
from nbmlops.pipelines.export.kubernetes import argo, kubernetes
from nbmlops.pipelines.export.machine import cron as cron_table
from nbmlops.pipelines.export.machine import systemd
from nbmlops.pipelines.export.records import Export, Wanted

if TYPE_CHECKING:
    from nbmlops.pipelines.planner import Planner

__all__ = ["TARGETS", "Exporting", "program", "write"]

_Made = tuple[dict[str, str], tuple[str, ...]]
_MAKERS: Mapping[str, Callable[[Wanted], _Made]] = {
    "airflow": airflow,
    "argo": argo,
    "cron": cron_table,
    "github": github,
    "kubernetes": kubernetes,
    "systemd": systemd,
}
TARGETS = tuple(_MAKERS)
"""Names of the orchestrators."""
_IN_CONTAINERS = frozenset({"argo", "kubernetes"})
_WORDS = ("nbmlops", "pipeline", "export")
_MARK = "# Written by: nbmlops "


class Exporting:
    """The verb that writes files for other orchestrators."""

    _planner: Planner

    def export(
        self,
        name: str,
        target: str,
        params: Mapping[str, Any] | None = None,
        *,
        to: str | Path | None = None,
        cron: str | None = None,
        tz: str = "UTC",
        image: str | None = None,
    ) -> Export:
        """Write the files by which another orchestrator runs a frozen pipeline.

        Each of them calls the same command, which commits once for the time that a run stands for: an orchestrator may
        start it late, twice, or again after a failure.

        Parameters
        ----------
        name : str
            The pipeline; its alias is ``production`` where none is said.
        target : str
            ``airflow``, ``argo``, ``cron``, ``github``, ``kubernetes`` or ``systemd``.
        params : mapping, optional
            Parameters that each run is given, as text or as Python values.
        to : str or Path, optional
            Folder to write the files to; only shown by default.
        cron : str, optional
            When it is due, such as ``0 6 * * *``; by default that is left to whoever starts it.
        tz : str
            The zone that `cron` is in.
        image : str, optional
            The container image, which Kubernetes and Argo need.

        Raises
        ------
        NotFoundError
            When there is no such frozen version.
        InvalidError
            When a parameter, the target, the cron line or the zone is none, or an image is missing.
        RefusedError
            When a file is there that was not written by this verb.
        """
        due = None if cron is None else Cron(" ".join(cron.split()), tz)
        _check(target, image)
        ref = Ref.parse(name)
        full = f"{ref.name}@production" if ref.is_bare else name
        given = {key: value if isinstance(value, str) else repr(value) for key, value in (params or {}).items()}
        self._planner.plan(full, given)
        options = [("--cron", cron), ("--tz", tz if cron else None), ("--image", image)]
        options += [("-p", f"{key}={value}") for key, value in given.items()]
        asked = [word for option, value in options if value for word in (option, value)]
        made_by = shlex.join([*_WORDS, name, target, *asked]).replace("\n", " ")
        wanted = Wanted(full, given, due, image, self._planner.root, program(), made_by)
        files, notes = _MAKERS[target](wanted)
        folder = None if to is None else write(Path(to), files)
        return Export(full, target, wanted.line(wanted.due), files, folder, notes)


def _check(target: str, image: str | None) -> None:
    if target not in _MAKERS:
        hint = nearest(target, TARGETS) or f"one of {', '.join(TARGETS)}"
        raise InvalidError(f"there is no target named {target!r}", hint=hint)
    if target in _IN_CONTAINERS and not image:
        raise InvalidError(f"{target} runs containers, and no image is named", hint="--image registry/name:tag")


def program() -> tuple[str, ...]:
    """What calls nbmlops here, also for a process that has another PATH."""
    script = Path(sys.executable).parent / "nbmlops"
    return (str(script),) if script.is_file() else (sys.executable, "-m", "nbmlops")


def write(folder: Path, files: Mapping[str, str]) -> str:
    """Write files into a folder, over none that somebody else wrote; the folder.

    Raises
    ------
    RefusedError
        When a file is there that was not written by us.
    UnavailableError
        When the folder cannot be written to.
    """
    for name in files:
        if (folder / name).exists() and _MARK not in (folder / name).read_text(encoding="utf-8", errors="replace"):
            raise RefusedError(
                f"{folder / name} is there, and it was not written by an export",
                hint="move it away, or name another --to",
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(
            f"cannot write to {folder}: {error.strerror}", hint="name another folder: --to"
        ) from error
    return str(folder)
