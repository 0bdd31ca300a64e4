"""What is computed where: the order of a scoring, and its parts in the process of a worker.

A worker opens the project itself, and the model after all checks of trust; nothing that could run code is sent to it
but the names of both. It reads the rows of its part itself too, so they pass through no other process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from nbmlops.core.errors import UnavailableError
from nbmlops.models.records import ModelSignature
from nbmlops.models.sealing import build
from nbmlops.serving.batch.scorer import Part, Scorer
from nbmlops.serving.endpoint.served import Served

if TYPE_CHECKING:
    from nbmlops.data.service import Data
    from nbmlops.data.stored import StoredTable
    from nbmlops.serving.batch.records import Bad
    from nbmlops.serving.endpoint.fields import Unseen
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Version, Versions

__all__ = ["Opened", "Order", "Place", "make_ready", "score_part"]


@dataclass(frozen=True, slots=True)
class Place:
    """A project in this process: what versions there are, and what reads them."""

    models: Versions
    tables: Versions
    data: Data
    objects: ObjectStore
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Order:
    """A scoring as every worker is told of it.

    Attributes
    ----------
    opener : callable
        Gives the project of a folder, opened once in each process.
    root : Path
        The folder.
    model, data : (int, str)
        Rows of the catalog and digests of the versions.
    keep : tuple of str
        Columns of the table that stand beside the answers.
    bad : {"refuse", "null"}
        What becomes of rows that do not fit the signature.
    unseen : {"refuse", "null", "pass"}
        What becomes of categories that the model has not seen.
    """

    opener: Callable[[Path], Place] = field(compare=False)
    root: Path
    model: tuple[int, str]
    data: tuple[int, str]
    keep: tuple[str, ...]
    bad: Bad
    unseen: Unseen


class Opened:
    """A scoring in this process: the model and the table, until it is closed.

    Parameters
    ----------
    order : Order
        The scoring.
    place : Place
        The project here.
    """

    def __init__(self, order: Order, place: Place) -> None:
        model, self._data = _same(place.models, order.model), _same(place.tables, order.data)
        signature = ModelSignature.from_json(model.detail["signature"])
        estimator = build(model, place.objects, place.keyring)
        # A version that its own pipeline run has not committed yet has no number.
        served = Served(model.name, model.number or 0, model.id, model.digest, signature, estimator, order.unseen)
        self._stack = ExitStack()
        self._place = place
        self._table = self._open(None)
        self.scorer = Scorer(served, model.ref, self._table.schema, order.keep, order.bad)
        if self._data.detail["format"] == "tracked":
            self._stack.close()
            self._table = self._open(self.scorer.columns)

    def _open(self, columns: list[str] | None) -> StoredTable:
        return self._stack.enter_context(self._place.data.opened(self._data, columns))

    def score(self, start: int, stop: int) -> Part:
        """Answer the rows from one number to before another."""
        import numpy as np

        rows = self._table.take(self.scorer.columns, np.arange(start, stop))
        try:
            return self.scorer.score(rows, start)
        finally:
            self._table.forget()

    def close(self) -> None:
        """Give the table back."""
        self._stack.close()


def _same(versions: Versions, known: tuple[int, str]) -> Version:
    version_id, digest = known
    version = versions.get(version_id)
    if version.digest != digest:
        raise UnavailableError(
            f"a worker sees another catalog: there {version.ref} is what is number {version_id} here",
            hint="say by NBMLOPS_CATALOG and NBMLOPS_OBJECTS which catalog and objects all of them use",
        )
    return version


class _Kept(threading.local):
    """What a thread of a worker has open: the next part is as a rule of the same scoring."""

    order: Order | None = None
    opened: Opened | None = None


_kept = _Kept()
_limited: list[Any] = []
_guard = threading.Lock()


def make_ready(order: Order) -> None:
    """Open a scoring in the process of a worker, for the parts that will come."""
    _opened(order)


def score_part(order: Order, start: int, stop: int) -> Part:
    """Score rows in the process of a worker; raises what `Scorer` and the opening of versions raise."""
    return _opened(order).score(start, stop)


def _opened(order: Order) -> Opened:
    with _guard:
        if not _limited:  # for good: this process does nothing else
            _limited.append(threadpool_limits(1))
    if _kept.order != order or _kept.opened is None:
        if _kept.opened is not None:
            _kept.opened.close()
            _kept.order = _kept.opened = None
        _kept.opened, _kept.order = Opened(order, order.opener(order.root)), order
    return _kept.opened
