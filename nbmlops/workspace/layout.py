"""A workspace on disk: where it is, whether this version can read it, how a new one is made.

::

    project/
      pyproject.toml     settings, in [tool.nbmlops]
      nbmlops.lock       which content each name has
      .nbmlops/
        workspace.json   format number, id, who made it and when
        catalog.db       facts
        objects/         bytes
        live/            one locked file per writing process
        scratch/         temporary files, and files handed out by `load`

Everything here reads and writes small files only, so that the banner of ``%load_ext`` can use it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import tomllib
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, UnavailableError, UnsupportedError
from nbmlops.core.settings import FOLDER, Settings
from nbmlops.core.version import STORE_FORMAT

__all__ = ["FOLDER", "Marker", "config_folder", "find", "locate", "make", "read_marker", "settings_of"]

_MARKER = "workspace.json"


@dataclass(frozen=True, slots=True)
class Marker:
    """What ``workspace.json`` says."""

    root: Path
    id: str
    format: int
    created_by: str
    created_at: str

    @property
    def state(self) -> Path:
        """The folder ``.nbmlops``."""
        return self.root / FOLDER

    @property
    def name(self) -> str:
        """Name of the project: that of its folder."""
        return self.root.name


def find(start: Path | None = None) -> Path | None:
    """The nearest folder at or above `start` (the current one by default) that is a workspace, or None."""
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / FOLDER / _MARKER).is_file():
            return folder
    return None


def locate(start: Path | None = None) -> Marker:
    """The workspace around `start`.

    Raises
    ------
    NotFoundError
        When there is none.
    UnsupportedError
        When a newer nbmlops made it, or on Windows.
    CorruptError
        When its marker cannot be read.
    """
    if sys.platform == "win32":
        raise UnsupportedError("nbmlops does not run on Windows itself", hint="use it inside WSL")
    root = find(start)
    if root is None:
        _check_whole((start or Path.cwd()).absolute())
        raise NotFoundError(
            f"{(start or Path.cwd()).absolute()} is not in a workspace", hint="make one here with `ml init`"
        )
    return read_marker(root)


def _check_whole(here: Path) -> None:
    """Say that a folder of ours has lost its marker; "make one" and "there is one" would send people in a circle."""
    for folder in (here, *here.parents):
        # A person's own folder of settings may bear the name; it has no objects.
        if (folder / FOLDER / "objects").is_dir():
            raise CorruptError(
                f"{folder / FOLDER} has no {_MARKER}, so it is no workspace",
                hint=f"restore {_MARKER} from a backup, or move the folder away and type `ml init`",
            )


def read_marker(root: Path) -> Marker:
    """Read and check the marker of the workspace at `root`."""
    path = root / FOLDER / _MARKER
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        marker = Marker(root, content["id"], content["format"], content["created_by"], content["created_at"])
    except PermissionError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise CorruptError(f"{path} is damaged: {error!r}", hint="restore it from a backup") from None
    if marker.format > STORE_FORMAT:
        raise UnsupportedError(
            f"the workspace {root} has format {marker.format}, this nbmlops reads up to {STORE_FORMAT}",
            hint="pip install --upgrade nbmlops",
        )
    return marker


def make(root: Path, *, user: str, now: datetime, fill: Any) -> Marker:
    """Make a workspace at `root`, whole or not at all.

    Parameters
    ----------
    root : Path
        The project's folder; made when missing.
    user : str
        Who makes it.
    now : datetime
        When.
    fill : callable
        Called with the new folder before it gets its name, to create the catalog in it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-", dir=root))
    except OSError as error:
        raise UnavailableError(
            f"cannot make a workspace in {root}: {error.strerror}", hint="choose a folder that you may write to"
        ) from error
    try:
        temporary.chmod(0o755)
        content = {"format": STORE_FORMAT, "id": uuid.uuid4().hex, "created_by": user, "created_at": now.isoformat()}
        (temporary / ".gitignore").write_text("*\n", encoding="utf-8")
        for name in ("objects", "live", "scratch"):
            (temporary / name).mkdir()
        fill(temporary)
        (temporary / _MARKER).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        temporary.rename(root / FOLDER)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return read_marker(root)


def settings_of(root: Path) -> Settings:
    """Settings of the project at `root`, with the environment's on top.

    Raises
    ------
    InvalidError
        When ``pyproject.toml`` does not parse, or a setting is unknown or of a wrong type.
    """
    path = root / "pyproject.toml"
    table: dict[str, Any] = {}
    if path.is_file():
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("nbmlops", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidError(f"{path} cannot be read: {error}", hint="mend that line, then try again") from None
    return Settings.read(table, os.environ)


def config_folder() -> Path:
    """Where the user's own keys and trust lie: ``NBMLOPS_CONFIG``, else below ``XDG_CONFIG_HOME`` or ``~/.config``."""
    if named := os.environ.get("NBMLOPS_CONFIG"):
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "nbmlops"
