"""Versions opened for checks: with what they take of a table, their age, and the versions beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.checks.model.case import Opened
from nbmlops.core.errors import NbmlopsError
from nbmlops.models.formats import format_named
from nbmlops.models.inputs import taken
from nbmlops.models.records import ModelSignature
from nbmlops.models.sealing import trust_in

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.core.clock import Clock
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Version, Versions

__all__ = ["Opening"]

_DAY = timedelta(days=1)
_VERSIONS = 50


class Opening:
    """Opens versions of models.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``model``.
    opener : callable
        Opens a version after all checks of trust.
    keyring : Keyring
        Says which types to trust when a model is read back.
    clock : Clock
        Tells how old a version is.
    """

    def __init__(self, versions: Versions, opener: Callable[[Version], Any], keyring: Keyring, clock: Clock) -> None:
        self._versions = versions
        self._open = opener
        self._keyring = keyring
        self._clock = clock

    def opened(self, version: Version) -> Opened:
        """Open a version; raises what `Models.load` raises."""
        learnt = ModelSignature.from_json(version.detail["signature"])
        chosen = format_named(version.detail["format"])

        trust = trust_in(self._keyring, version.detail["signed"]["key"])

        def inputs(table: pd.DataFrame, target: str) -> Any:
            return taken(learnt, table, target)

        return Opened(
            version.ref,
            self._open(version),
            inputs,
            (f"model:{version.id}",),
            reload=lambda model: chosen.load(chosen.dump(model, trust), trust),
            size=version.size,
            age=(self._clock.now() - version.created_at) / _DAY,
            history=lambda: self._history(version.name),
        )

    def _history(self, name: str) -> list[Opened]:
        """The newest fifty versions of a name; those that cannot be opened are left out."""
        found = []
        for version in self._versions.history(name)[:_VERSIONS]:
            try:
                found.append(self.opened(version))
            except NbmlopsError:  # what is not trusted or not here any more has no figure to compare with
                continue
        return found
