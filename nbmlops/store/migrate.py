"""Brings an older catalog to this version's tables, after a copy of it was made."""

from __future__ import annotations

import shutil
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import make_url

__all__ = ["revisions", "upgrade"]

_FOLDER = Path(__file__).parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def revisions() -> frozenset[str]:
    """All revisions that this version of nbmlops knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config("")).walk_revisions())


def upgrade(url: str, revision: str = "head") -> None:
    """Run the revisions that a catalog lacks; an embedded one is copied to ``catalog.db.before`` first."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and Path(parsed.database).exists():
        shutil.copy2(parsed.database, f"{parsed.database}.before")
    command.upgrade(_config(url), revision)
