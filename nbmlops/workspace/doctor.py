"""Is everything here in order? What `nbmlops doctor` and `nbmlops status` say."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from nbmlops.core.clock import CLOCK, clock_here
from nbmlops.core.errors import NbmlopsError, spoken
from nbmlops.core.version import __version__

if TYPE_CHECKING:
    from nbmlops.core.settings import Settings
    from nbmlops.store.access.service import Access
    from nbmlops.store.audit import Audit
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.trust import Keyring
    from nbmlops.workspace.layout import Marker

__all__ = ["Diagnosis", "Observation", "diagnose", "jupyter_enabled"]

_LOW_DISK = 1 << 30
_SHOWN = (
    "ipython",
    "ipykernel",
    "jupyterlab",
    "papermill",
    "pandas",
    "pyarrow",
    "polars",
    "scikit-learn",
    "skops",
    "sqlalchemy",
)


class Examined(Protocol):
    """What the doctor looks at in a workspace; each is opened when it is looked at."""

    marker: Marker
    settings: Settings

    @property
    def catalog(self) -> Catalog:
        """The catalog."""

    @property
    def objects(self) -> ObjectStore:
        """The objects."""

    @property
    def audit(self) -> Audit:
        """The audit trail."""

    @property
    def access(self) -> Access:
        """Who may do what."""

    @property
    def keyring(self) -> Keyring:
        """The user's keys and trust."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at: whether it is in order, what was seen, and what to do about it."""

    what: str
    state: Literal["ok", "note", "bad"]
    seen: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All observations of the doctor."""

    observations: tuple[Observation, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is bad."""
        return all(finding.state != "bad" for finding in self.observations)


def jupyter_enabled() -> tuple[bool, str]:
    """Whether a Jupyter configuration on this Python's paths enables the server extension, and which file does."""
    for folder in _config_paths():
        path = folder / "jupyter_server_config.d" / "nbmlops.json"
        if path.is_file():
            enabled = json.loads(path.read_text(encoding="utf-8"))
            extensions = enabled.get("ServerApp", {}).get("jpserver_extensions", {})
            return bool(extensions.get("nbmlops")), str(path)
    return False, "no jupyter_server_config.d/nbmlops.json on Jupyter's paths"


def _config_paths() -> list[Path]:
    from jupyter_core.paths import jupyter_config_path

    return [Path(path) for path in jupyter_config_path()]


def _versions() -> list[Observation]:
    found = []
    for name in _SHOWN:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    python = f"Python {platform.python_version()} on {platform.platform()}"
    too_old = sys.version_info < (3, 11)
    return [
        Observation(
            "nbmlops",
            "bad" if too_old else "ok",
            f"{__version__}, {python}",
            "use Python 3.11 or later" if too_old else None,
        ),
        Observation("packages", "ok", ", ".join(found)),
    ]


def _jupyter() -> Observation:
    enabled, where = jupyter_enabled()
    if enabled:
        return Observation("jupyter", "ok", f"server extension enabled by {where}")
    return Observation(
        "jupyter", "note", where, "pip install nbmlops puts it there; or: jupyter server extension enable nbmlops"
    )


def _disk(folder: Path) -> Observation:
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK:
        return Observation(
            "disk", "bad", f"{free / 1e9:.2f} GB free in {folder}", "free some space before the next save"
        )
    return Observation("disk", "ok", f"{free / 1e9:.1f} GB free in {folder}")


def _clock() -> list[Observation]:
    """Whose time it is, when it is not the machine's: whatever is recorded meanwhile has that time."""
    named = os.environ.get(CLOCK)
    if not named:
        return []
    try:
        said = f"{clock_here().now():%Y-%m-%d %H:%M} UTC"
    except NbmlopsError as error:
        return [Observation("clock", "bad", error.message, error.hint)]
    hint = f"unset {CLOCK} unless the past is being rehearsed: what is recorded now has that time"
    return [Observation("clock", "note", f"{named} says that it is {said}", hint)]


def _catalog(workspace: Examined) -> Observation:
    from nbmlops.store.catalog import journal_mode

    catalog = workspace.catalog
    if not catalog.is_sqlite:
        number = catalog.read(lambda c: c.exec_driver_sql("SHOW server_version").scalar())
        seen = f"PostgreSQL {number} at {catalog.shown}; its roles are a security boundary"
        if workspace.settings.objects is None:
            seen += "; the objects are in this workspace, where others who share the catalog cannot load them"
            return Observation("catalog", "note", seen, "name one place for all: NBMLOPS_OBJECTS, or objects = …")
        return Observation("catalog", "ok", seen)
    mode, synchronous, why = journal_mode()
    said = catalog.read(lambda c: c.exec_driver_sql("PRAGMA quick_check").scalar())
    seen = f"SQLite {sqlite3.sqlite_version}, journal {mode}, synchronous {synchronous}: {why}; quick_check {said}"
    return Observation(
        "catalog", "ok" if said == "ok" else "bad", seen, None if said == "ok" else "restore it from a backup"
    )


def _store(workspace: Examined) -> Observation:
    checked = workspace.objects.verify()
    seen = f"{checked.objects} objects, {checked.chunks} chunks, {len(checked.damages)} damaged"
    return Observation(
        "store", "ok" if checked.ok else "bad", seen, None if checked.ok else spoken("`ml store verify --full`")
    )


def _audit(workspace: Examined) -> Observation:
    return Observation("audit", "ok", f"{workspace.audit.verify()} events, chain unbroken")


def _erasures(workspace: Examined) -> Observation:
    from nbmlops.store.erasures import unfinished

    left = unfinished(workspace.catalog)
    if not left:
        return Observation("erasures", "ok", "none is unfinished")
    first = left[0]
    names = " ".join(first.names)
    seen = f"the erasure of {names}, begun {first.at:%Y-%m-%d %H:%M} UTC by {first.actor}, was not completed"
    if first.state == "begun":
        return Observation("erasures", "bad", f"{seen}: nothing has left yet", spoken(f"`ml data erase {names}`"))
    if first.state == "pending":
        away = first.detail.get("remotes", {})
        told = "; ".join(f"{name}: {what.get('why', 'not purged yet')}" for name, what in away.items())
        return Observation("erasures", "bad", f"{seen} on remotes ({told})", spoken("`ml data erase --resume`"))
    seen = f"{seen}: the rows have left, bytes may not have"
    return Observation("erasures", "bad", seen, spoken("`ml data erase --resume`"))


def _trust(workspace: Examined) -> Observation:
    marker, keyring = workspace.marker, workspace.keyring
    seen = f"made by {marker.created_by} on {marker.created_at[:10]}"
    if keyring.is_trusted(marker.id, marker.root):
        return Observation("trust", "ok", f"{seen}; trusted by you")
    return Observation(
        "trust", "note", f"{seen}; not trusted: URLs and keys that it names are not used", spoken("`ml trust`")
    )


def _access(workspace: Examined) -> Observation:
    workspace.access.verify()
    standing = workspace.access.standing()
    if standing.number is None:
        seen, hint = "no policy: everybody may do everything", None
        if standing.file == "edited":
            seen, hint = f"{seen}; nbmlops-policy.toml is not adopted", "`ml store policy --set nbmlops-policy.toml`"
        return Observation("access", "note" if hint else "ok", seen, spoken(hint) if hint else None)
    seen = (
        f"policy {standing.number}, adopted by {standing.by}; you are {', '.join(standing.roles) or 'without a role'}"
    )
    if standing.embedded:
        seen += "; on SQLite roles prevent accidents and leave evidence: they are a boundary only on PostgreSQL"
    else:
        seen += "; for users of the database with a role (store grant) it is a boundary"
    for glass in standing.glasses:
        seen += f"; glass broken by {glass.actor}: {glass.reason}"
    if standing.file == "edited":
        seen += "; nbmlops-policy.toml was edited since, which has no effect"
        return Observation("access", "note", seen, spoken("`ml store policy --set nbmlops-policy.toml`"))
    return Observation("access", "note" if standing.glasses else "ok", seen)


def _keys(workspace: Examined) -> Observation:
    keyring = workspace.keyring
    trusted = keyring.trusted_keys()
    own = keyring.public_key() if keyring.has_key else None
    seen = f"your public key is {own}" if own else "you have no key yet: the first model that you save makes one"
    return Observation("keys", "ok", f"{seen}; keys of others that you trust: {len(trusted) - bool(own)}")


def diagnose(workspace: Examined | None, problem: NbmlopsError | None = None) -> Diagnosis:
    """Look at everything; what raises becomes a bad finding, and the rest is still looked at.

    Parameters
    ----------
    workspace : Examined or None
        The workspace, when there is one.
    problem : NbmlopsError, optional
        Why it could not be opened.
    """
    observations = [*_versions(), _jupyter(), *_clock()]
    if workspace is None:
        state: Literal["note", "bad"] = "note" if problem is None else "bad"
        seen = "none here" if problem is None else problem.message
        observations.append(Observation("workspace", state, seen, problem.hint if problem else spoken("`ml init`")))
        return Diagnosis((*observations, _disk(Path.cwd())))
    observations += [
        Observation("workspace", "ok", f"{workspace.marker.name} in {workspace.marker.root}"),
        _disk(workspace.marker.root),
    ]
    for look in (_catalog, _store, _audit, _erasures, _access, _trust, _keys):
        try:
            observations.append(look(workspace))
        except NbmlopsError as error:
            observations.append(Observation(look.__name__.removeprefix("_"), "bad", error.message, error.hint))
    return Diagnosis(tuple(observations))
