"""Shares of the callers as people write them: ``champion=90``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from nbmlops.core.errors import InvalidError

__all__ = ["parse_shares", "without"]


def parse_shares(shares: Iterable[str | Mapping[str, float]]) -> tuple[tuple[str, float], ...]:
    """Read shares, each a text or some in a mapping.

    Raises
    ------
    InvalidError
        When one is no share, or one version has two.

    Examples
    --------
    >>> parse_shares(["champion=90", "challenger=7.5"])
    (('champion', 90.0), ('challenger', 7.5))
    """
    found: dict[str, float] = {}
    for share in shares:
        parts = share.items() if isinstance(share, Mapping) else [_parted(share)]
        for ref, percent in parts:
            if ref in found:
                raise InvalidError(f"{ref} has two shares", hint="give each version one")
            found[ref] = _percent(ref, percent)
    return tuple(found.items())


def without(split: tuple[tuple[str, float], ...], ref: str) -> tuple[tuple[str, float], ...]:
    """The shares of all others."""
    return tuple(share for share in split if share[0] != ref)


def _parted(share: str) -> tuple[str, str]:
    ref, equals, percent = share.partition("=")
    if not equals or not ref:
        raise InvalidError(f"{share!r} is no share", hint="an alias or version and its percentage: challenger=10")
    return ref.removeprefix("@"), percent.removesuffix("%")


def _percent(ref: str, percent: str | float) -> float:
    try:
        value = float(percent)
    except ValueError:
        value = math.nan
    if not 0 < value <= 100:
        raise InvalidError(f"{percent!r} is no percentage of {ref}", hint="a number above 0 and up to 100")
    return value
