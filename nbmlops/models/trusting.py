"""The verbs ``trust``, ``verify`` and ``export`` on models: what may be built, what was signed, and for others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.models.allowlist import check_exists, never
from nbmlops.models.exporting import Bundle, bundled
from nbmlops.models.seals import Seal, seal_of
from nbmlops.store import audit

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nbmlops.core.clock import Clock
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.trust import Keyring
    from nbmlops.store.versions import Versions

__all__ = ["Trusting"]

_CODE = "joblib:"


class Trusting:
    """The verbs of trust."""

    _versions: Versions
    _objects: ObjectStore
    _keyring: Keyring
    _clock: Clock

    def verify(self, ref: str | None = None, *, every: bool = False) -> list[Seal]:
        """Look whether a version, or each of all models, is what a trusted key signed; nothing is built.

        Parameters
        ----------
        ref : str, optional
            The version.
        every : bool
            All versions of all models, the newest of each first.

        Returns
        -------
        list of Seal
            One for each version: what of digest, signature, format and types holds, and why not.

        Raises
        ------
        InvalidError
            Unless either a version or all are asked for.
        NotFoundError
            When there is no such version.
        """
        if (ref is None) == (not every):
            raise InvalidError("say which version to look at, or all", hint="`ml model verify --all`")
        if ref is not None:
            versions = [self._versions.resolve(ref)]
        else:
            versions = [each for one in self._versions.newest() for each in self._versions.history(one.name)]
        return [seal_of(version, self._objects, self._keyring) for version in versions]

    def export(self, ref: str, *, oms: str | Path | None = None) -> Bundle:
        """Write a version and a signature of OpenSSF Model Signing to a new folder, for use without nbmlops.

        Parameters
        ----------
        ref : str
            The version; its own signature must hold.
        oms : str or Path
            The folder to make.

        Returns
        -------
        Bundle
            Where it is, the public key that checks it, and the command that does.

        Raises
        ------
        NotFoundError
            When there is no such version.
        InvalidError
            When no folder is named, or the one around it is not there.
        ConflictError
            When something is there already.
        CorruptError, UntrustedError
            When the version is not what a trusted key signed.
        DependencyError
            When the extra ``oms`` is not installed.
        """
        if oms is None:
            raise InvalidError(
                "say in which form to export, and where to", hint=f"`ml model export {ref} --oms FOLDER`"
            )
        version = self._versions.resolve(ref)
        return bundled(version, self._objects, self._keyring, Path(oms).expanduser())

    def trust_type(self, name: str) -> tuple[str, ...]:
        """Trust a type that models may hold, by its dotted name; gives all that the person trusts.

        ``joblib:KEY`` lets joblib files of a trusted key run code, which is what reading one means.

        Raises
        ------
        RefusedError
            When building it can run any code, or it is defined in a notebook.
        NotFoundError
            When it cannot be imported.
        InvalidError
            When `name` is not a dotted name, or the key is not trusted yet.
        """
        if not name.startswith(_CODE):
            if why := never(name):
                raise RefusedError(f"{name} cannot be trusted: {why}", hint="save a model that does without it")
            if "." in name:
                check_exists(name)

        def trusted(connection: Connection) -> None:
            # The line is the last thing to be written: where the Event cannot be, there is no trust either.
            audit.append(connection, self._clock, "model.trust", name, {})
            if name.startswith(_CODE):
                self._keyring.trust_code(name.removeprefix(_CODE))
            else:
                self._keyring.trust_type(name)

        self._versions.catalog.transact(trusted)
        return tuple(sorted(self._keyring.types()))
