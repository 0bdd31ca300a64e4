"""The verbs ``approve`` and ``reject`` on models: another person lets a promotion go on, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbmlops.models.promotion import ModelPromoter
    from nbmlops.models.records import Promotion
    from nbmlops.store.asks import Ask

__all__ = ["Approving"]


class Approving:
    """The verbs of those who did not ask."""

    _promoter: ModelPromoter

    def approve(self, name: str, to: str = "production", *, message: str | None = None) -> Promotion:
        """Approve a promotion that another person asked for; the last approval that is needed moves the alias.

        The model is opened once more, and the gate, its tables, the alias and the number of approvals must be those
        of the verdict. The approval, the move and its Event are written together.

        Parameters
        ----------
        name : str
            The model, or the version that is approved: ``delay@v4`` is refused when another one waits.
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
            When you asked for it yourself, have approved already, or the model does not open for you.
        ConflictError
            When another version waits, or something has changed since it was judged.
        """
        return self._promoter.approve(name, to, message)

    def reject(self, name: str, to: str = "production", *, message: str | None = None) -> Ask:
        """Say no to a promotion that waits for approval, or take your own back; the alias stays.

        Parameters
        ----------
        name : str
            The model, or the version that is rejected.
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
        return self._promoter.reject(name, to, message)

    def waiting(self, name: str | None = None) -> list[Ask]:
        """What waits for approval, of one model or of all, the oldest first."""
        return self._promoter.waiting(name)
