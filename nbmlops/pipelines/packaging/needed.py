"""What a frozen pipeline reads from outside: whether it is here, sent into a package, fetched from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import NotFoundError
from nbmlops.core.refs import Ref

if TYPE_CHECKING:
    from nbmlops.pipelines.stores import Stores

__all__ = ["Need", "bring", "missing", "needs_of", "refuse_missing", "send"]


@dataclass(frozen=True, order=True, slots=True)
class Need:
    """A content that is read under a name: its kind, ``data`` or ``model``, and its digest."""

    kind: str
    name: str
    digest: str

    @property
    def ref(self) -> str:
        """The reference that means it wherever it is."""
        return f"{self.name}@{self.digest}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}@{self.digest[:16]}"


def needs_of(lock: Mapping[str, str]) -> list[Need]:
    """What a lock pins, each once."""
    found = set()
    for key, digest in lock.items():
        kind, _, ref = key.partition(":")
        found.add(Need("data" if kind == "lock" else kind, Ref.parse(ref).name, digest))
    return sorted(found)


def send(stores: Stores, lock: Mapping[str, str], folder: Path) -> None:
    """Send what a lock pins into a folder, with the records that another workspace takes it by.

    Raises
    ------
    NotFoundError
        When it is not here, or only known here.
    """
    for kind, needs in _by_kind(needs_of(lock)).items():
        stores.data.exchange.push(kind, [need.ref for need in needs], str(folder))


def bring(stores: Stores, needs: list[Need], folder: Path) -> None:
    """Fetch what is needed from such a folder.

    Raises
    ------
    CorruptError
        When what is there is not what it claims to be.
    """
    for kind, own in _by_kind(needs).items():
        stores.data.exchange.pull(kind, [Ref.parse(need.ref) for need in own], str(folder))


def missing(stores: Stores, lock: Mapping[str, str]) -> list[Need]:
    """What a lock pins that is not here, or only known here."""
    return [need for need in needs_of(lock) if not _is_here(stores, need)]


def refuse_missing(stores: Stores, lock: Mapping[str, str], name: str) -> None:
    """Say what is missing here, and how it comes here.

    Raises
    ------
    NotFoundError
        When anything is.
    """
    if lacking := missing(stores, lock):
        first = lacking[0]
        how = f"`ml model pull {first.ref}`" if first.kind == "model" else f"`ml data pull {first.ref}`"
        raise NotFoundError(
            f"{name} reads what is not here: {', '.join(map(str, lacking))}",
            hint=f"{how}, or have it packaged --with-data",
        )


def _is_here(stores: Stores, need: Need) -> bool:
    try:
        version = stores.versions[need.kind].resolve(Ref(need.name, prefix=need.digest))
    except NotFoundError:
        return False
    return not stores.data.exchange.absent(version)


def _by_kind(needs: list[Need]) -> dict[str, list[Need]]:
    return {kind: [need for need in needs if need.kind == kind] for kind in sorted({need.kind for need in needs})}
