"""The verbs ``approve`` and ``reject``: another person lets a promotion go on, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops.core.errors import ConflictError, NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.pipelines.packaging.needed import needs_of

if TYPE_CHECKING:
    from nbmlops.models.approvals import Approvals
    from nbmlops.models.records import Promotion
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.asks import Ask
    from nbmlops.store.catalog import Connection

__all__ = ["Approving"]


class Approving:
    """The verbs of those who did not ask."""

    _stores: Stores
    _planner: Planner
    _approvals: Approvals

    def approve(self, name: str, to: str = "production", *, message: str | None = None) -> Promotion:
        """Approve a promotion that another person asked for; the last approval that is needed moves the alias.

        What the verdict was computed on is looked at again: that the frozen version and what it reads are what they
        were, that the alias is where it was, and that as many approvals are needed. The approval, the move and its
        Event are written together.

        Parameters
        ----------
        name : str
            The pipeline, or the version that is approved: ``delays@v4`` is refused when another one waits.
        to : str
            The alias.
        message : str, optional
            Why.

        Returns
        -------
        Promotion
            `moved` is False, and `waits` says for how many others, while more must approve.

        Raises
        ------
        NotFoundError
            When nothing waits.
        RefusedError
            When you asked for it yourself, or have approved already.
        ConflictError
            When another version waits, or something has changed since it was judged.
        CorruptError
            When the frozen version is damaged.
        """
        for ask in self._approvals.told(Ref.parse(name).name):
            if (ask.state, ask.alias) == ("waiting", to):
                # It is read through before the transaction, which waits for nothing.
                self._planner.frozen(self._stores.versions["pipeline"].get(ask.version_id))
        return self._approvals.approve(name, to, message, self._still_there)

    def reject(self, name: str, to: str = "production", *, message: str | None = None) -> Ask:
        """Say no to a promotion that waits for approval, or take your own back; the alias stays.

        Parameters
        ----------
        name : str
            The pipeline, or the version that is rejected.
        to : str
            The alias.
        message : str, optional
            Why.

        Raises
        ------
        NotFoundError
            When nothing waits.
        ConflictError
            When another version waits.
        """
        return self._approvals.reject(name, to, message)

    def waiting(self, name: str) -> list[Ask]:
        """The promotions of a pipeline that wait for the approval of others, newest first."""
        return [ask for ask in self._approvals.told(name) if ask.state == "waiting"]

    def _still_there(self, connection: Connection, ask: Ask) -> None:
        """Refuse when something is gone that the frozen version reads."""
        version = self._stores.versions["pipeline"].get_in(connection, ask.version_id)
        for need in needs_of(version.detail.get("lock", {})):
            try:
                found = self._stores.versions[need.kind].resolve_in(connection, Ref(need.name, prefix=need.digest))
            except NotFoundError:
                found = None
            if found is None or found.digest != need.digest:
                raise ConflictError(
                    f"{ask.ref} reads what is not here any more: {need}",
                    hint=f"`ml pipeline promote {ask.name}` judges anew",
                )
