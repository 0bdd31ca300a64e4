"""Services put together by hand, for tests of one noun without a workspace."""

from __future__ import annotations

from pathlib import Path

from nbmlops.core.clock import SystemClock
from nbmlops.data import Data
from nbmlops.data.holding import DataHolding
from nbmlops.data.lockfile import LockFile
from nbmlops.models.holding import ModelHolding
from nbmlops.store.aliases import Aliases
from nbmlops.store.catalog import Catalog
from nbmlops.store.exchange import Exchange
from nbmlops.store.lineage import Lineage
from nbmlops.store.objects import ObjectStore
from nbmlops.store.remote import Remote
from nbmlops.store.versions import Versions
from nbmlops.tracking.travelling import Travels

__all__ = ["data_in"]


def data_in(folder: Path, catalog: Catalog, objects: ObjectStore) -> Data:
    """Verbs on data of a catalog, with a lock and a folder for scratch below `folder`."""
    clock = SystemClock()
    state = folder / "state"
    state.mkdir(exist_ok=True)
    versions = Versions(catalog, clock, "data")
    holdings = {"data": DataHolding(objects), "model": ModelHolding()}
    exchange = Exchange(
        catalog, objects, clock, Travels(), holdings, lambda where: Remote(str(where)), state / "remotes"
    )
    lock = LockFile(folder / "nbmlops.lock", folder / "guard")
    aliases = Aliases(versions, clock)
    lineage = Lineage(catalog, clock)
    return Data(versions, aliases, objects, lineage, lock, state / "scratch", lambda: exchange, lambda: True)
