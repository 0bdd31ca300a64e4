"""The verbs of the store on who may do what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from nbmlops.store.access.grants import Grants
    from nbmlops.store.access.records import Glass, Grant, Standing
    from nbmlops.store.access.service import Access

__all__ = ["AccessVerbs"]


class AccessVerbs:
    """Who may do what: the policy, the glass, and the roles of the database."""

    _access: Access

    def policy(self, file: str | Path | None = None) -> Standing:
        """Show the policy that counts and what each role may do; or make a file the one that counts.

        Parameters
        ----------
        file : str or Path, optional
            The policy to adopt. Once there is one, only an admin may.

        Raises
        ------
        InvalidError
            When the file is no policy, contradicts itself, or would lock everybody out.
        RefusedError
            When who asks is no admin.
        """
        return self._access.standing() if file is None else self._access.adopt(Path(file))

    def break_glass(self, reason: str) -> Glass:
        """Allow yourself everything for an hour; each use of it is an Event, with the reason.

        Raises
        ------
        InvalidError
            When there is no reason, or no policy.
        """
        return self._access.break_glass(reason)

    def grant(self, user: str | None = None, role: str | None = None, *, listed: bool = False) -> list[Grant]:
        """Give a user of PostgreSQL one role, in place of the one they have; or list who has which.

        Parameters
        ----------
        user, role : str, optional
            The user, who is made when there is none, and the role.
        listed : bool
            Only list who has which.

        Raises
        ------
        UnsupportedError
            When the catalog is SQLite, which has no users.
        InvalidError
            When there is no such role, or one of the two is missing.
        """
        grants = self._grants()
        if listed:
            return grants.list()
        if user is None or role is None:
            raise InvalidError("a user and a role are wanted", hint="`ml store grant ben scientist`")
        return grants.grant(user, role)

    def revoke(self, user: str) -> list[Grant]:
        """Take the role from a user of PostgreSQL; who has one still is listed.

        Raises
        ------
        UnsupportedError
            When the catalog is SQLite.
        NotFoundError
            When the user has none.
        """
        return self._grants().revoke(user)

    def _grants(self) -> Grants:
        from nbmlops.store.access.grants import Grants

        return Grants(self._access.catalog, self._access.clock)
