"""The verbs ``describe`` and ``tag`` on models: what people say of them, which no run could know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.refs import Ref
from nbmlops.store import audit, descriptions, tags

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.core.clock import Clock
    from nbmlops.models.records import ModelVersion
    from nbmlops.store.versions import Version, Versions

__all__ = ["KEYS", "Describing"]

KEYS = ("description", "owner", "licence", "intended_use", "limits")
"""What can be said of a model."""
_LIMIT = 20_000


class Describing(ABC):
    """The verbs that say more of models without changing them."""

    _versions: Versions
    _clock: Clock

    @abstractmethod
    def show(self, ref: str) -> ModelVersion:
        """What is known of a version."""

    def describe(
        self,
        ref: str,
        *,
        description: str | None = None,
        owner: str | None = None,
        licence: str | None = None,
        intended_use: str | None = None,
        limits: str | None = None,
        remove: Collection[str] = (),
    ) -> ModelVersion:
        """Say what a model is, whose, and what for; kept across its versions, with an Event in the audit trail.

        Parameters
        ----------
        ref : str
            The model: what is said of a bare name holds for all its versions, also those to come. What is said of one
            version, as ``delay@v3``, holds for that one and goes before what is said of the name.
        description, owner, licence, intended_use, limits : str, optional
            Texts; each takes the place of an earlier one.
        remove : collection of str
            Which of these to take back.

        Raises
        ------
        InvalidError
            When there is nothing to say, or a text is empty or too long.
        NotFoundError
            When there is no such model, or nothing to take back.
        """
        asked = dict(zip(KEYS, (description, owner, licence, intended_use, limits), strict=True))
        said = {key: _checked(key, text) for key, text in asked.items() if text is not None}
        parsed, taken = Ref.parse(ref), [_known(key) for key in remove]
        if not said and not taken:
            raise InvalidError("there is nothing to say", hint=f'`ml model describe {ref} --owner "the delays team"`')
        if both := said.keys() & set(taken):
            raise InvalidError(f"{min(both)} is both said and taken back", hint="leave out one of them")

        def work(connection: Connection) -> Version:
            version = self._versions.resolve_in(connection, parsed)
            descriptions.change(connection, self._clock, version, said, taken, one=not parsed.is_bare)
            return version

        return self.show(self._versions.catalog.transact(work).ref)

    def tag(self, ref: str, tags: Mapping[str, Any] | None = None, *, remove: Collection[str] = ()) -> ModelVersion:
        """Set tags of a version, and take others off it, as `Data.tag` does; with an Event in the audit trail.

        Parameters
        ----------
        ref : str
            The version.
        tags : mapping, optional
            Values by key; a key that is there gets the new value.
        remove : collection of str
            Keys to take off.

        Raises
        ------
        InvalidError
            When there is nothing to do, or a tag cannot be kept.
        NotFoundError
            When there is no such version, or it has no such tag.
        """
        return self.show(self._tagged(ref, tags or {}, remove).ref)

    def _tagged(self, ref: str, given: Mapping[str, Any], remove: Collection[str]) -> Version:
        kept, parsed = tags.asked("model", ref, given, remove), Ref.parse(ref)

        def work(connection: Connection) -> Version:
            version = self._versions.resolve_in(connection, parsed)
            tags.remove(connection, version.id, remove)
            tags.put(connection, version.id, kept)
            audit.append(
                connection, self._clock, "model.tag", version.ref, {"set": kept, "removed": sorted(set(remove))}
            )
            return version

        return self._versions.catalog.transact(work)

    def _said(self, version: Version) -> dict[str, str]:
        """What is said of a version."""
        return self._versions.catalog.read(lambda connection: descriptions.said(connection, version))


def _checked(key: str, text: str) -> str:
    if not text.strip() or len(text) > _LIMIT:
        what = f"{len(text):,} characters" if text.strip() else "nothing"
        raise InvalidError(f"the {key} of a model cannot be {what}", hint=f"a text of up to {_LIMIT:,} characters")
    return text.strip()


def _known(key: str) -> str:
    found = key.replace("-", "_")
    if found not in KEYS:
        raise InvalidError(f"models have no {key!r}", hint=nearest(found, KEYS) or f"they have {', '.join(KEYS)}")
    return found
