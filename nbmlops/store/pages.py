"""Which part of a long history is wanted: so many versions, after the last of the page before.

A page begins after a version, never after a count of them, so that what is saved meanwhile shifts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import Ref

__all__ = ["WHOLE", "Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a history.

    Attributes
    ----------
    limit : int, optional
        How many versions at most; all by default.
    after : Ref, optional
        The last version of the page before.
    aliased : bool
        Whether only versions are wanted that an alias is on.
    """

    limit: int | None = None
    after: Ref | None = None
    aliased: bool = False

    @classmethod
    def of(cls, name: str, limit: int | None, after: str | None, aliased: bool) -> Self:
        """Read what was asked of the history of a name.

        Raises
        ------
        InvalidError
            When `limit` is below 1, or `after` is a version of another name.

        Examples
        --------
        >>> Page.of("flights", 100, "flights@v7", False).after.number
        7
        """
        if limit is not None and limit < 1:
            raise InvalidError(f"at least one version is listed, not {limit}")
        last = None if after is None else Ref.parse(after)
        if last is not None and last.name != name:
            raise InvalidError(f"{after} is no version of {name}", hint=f"name a version of {name} that was listed")
        return cls(limit, last, aliased)


WHOLE: Final = Page()
"""All of it."""
