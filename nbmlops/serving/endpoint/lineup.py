"""Who answers now: the versions of a deployment in memory, taken as a whole by each request and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nbmlops.serving.endpoint.served import Served
from nbmlops.serving.records import Deployment
from nbmlops.serving.routing import route

__all__ = ["Lineup", "Missing", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the catalog says: the deployment, and what its aliases and versions mean.

    Attributes
    ----------
    deployment : Deployment
        Its shares and shadows, and the alias that answers whom no share takes.
    ids : mapping of str to int
        The row of each of them, the alias's among them.
    absent : mapping of str to str
        Those that mean nothing any more, and why.
    """

    deployment: Deployment
    ids: Mapping[str, int]
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missing:
    """A version that has a share and does not answer: its number, if it is one, and why."""

    version: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Lineup:
    """The versions that answer.

    Attributes
    ----------
    deployment : Deployment
        How callers are shared out.
    champion : Served
        What the alias means: it answers whom no share takes, and for versions that are missing.
    versions : mapping of str to Served
        All that are in memory, by the alias or number that the deployment knows them by.
    missing : mapping of str to Missing
        The others.
    """

    deployment: Deployment
    champion: Served
    versions: Mapping[str, Served] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)

    def choose(self, key: str) -> tuple[Served, Missing | None]:
        """The version that answers the caller with this key, and the one that should have."""
        if not self.deployment.split:
            return self.champion, None
        ref = route(self.deployment, key)
        found = self.versions.get(ref)
        return (self.champion, self.missing.get(ref)) if found is None else (found, None)

    def numbered(self, version: str) -> Served | None:
        """The version in memory with a number, such as ``7`` or ``v7``."""
        for served in (self.champion, *self.versions.values()):
            if version in {str(served.version), f"v{served.version}"}:
                return served
        return None

    @property
    def heard(self) -> list[Served]:
        """The versions that may answer, the champion first, each once."""
        shares = [self.versions[ref] for ref, _ in self.deployment.split if ref in self.versions]
        return list({served.version: served for served in (self.champion, *shares)}.values())

    @property
    def shadows(self) -> list[Served]:
        """The versions that are asked too, unheard, each once."""
        found = [self.versions[ref] for ref in self.deployment.shadow if ref in self.versions]
        return list({served.version: served for served in found}.values())
