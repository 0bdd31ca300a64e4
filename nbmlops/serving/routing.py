"""Which version answers a caller: the same for the same key, in every worker and after every restart."""

from __future__ import annotations

from blake3 import blake3

from nbmlops.serving.records import Deployment

__all__ = ["place", "route"]

_RANGE = 1 << 64


def place(name: str, key: str) -> float:
    """Where a key falls among all, as a number from 0 to below 100; even, and another for each deployment.

    The first eight bytes of BLAKE3 over the name, a zero byte and the key, as a share of 2**64, which is below 100 also
    when it is rounded up.
    """
    digest = blake3(f"{name}\0{key}".encode()).digest(length=8)
    return min(int.from_bytes(digest, "little") * 100.0 / _RANGE, 99.999999)


def route(deployment: Deployment, key: str) -> str:
    """The alias or version that answers the caller with this key.

    Shares lie one after the other in the order in which they were given, and what is left of the hundred is the
    alias's. So a share that comes first and grows keeps whom it has.

    Examples
    --------
    >>> split = Deployment("delay", split=(("challenger", 10.0), ("champion", 90.0)))
    >>> route(split, "flight 7") == route(split, "flight 7")
    True
    >>> sum(route(split, str(number)) == "challenger" for number in range(10_000)) // 100
    9
    """
    if not deployment.split:
        return deployment.alias
    at, end = place(deployment.name, key), 0.0
    for ref, percent in deployment.split:
        end += percent
        if at < end:
            return ref
    # Shares such as 33.3 three times add up to a hair below the hundred.
    return deployment.split[-1][0] if end >= 100.0 - 1e-6 else deployment.alias
