"""Retention of captured requests: hours that the rules keep no longer are removed, with their profiles.

The rules are about deployments by name, and about the versions that answered by their tags. An hour that several rules
are about stays as long as any of them keeps it, and all of it while a hold is on the model.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.serving.capture.folding import fold, folder_hour
from nbmlops.store.retaining import Retiree
from nbmlops.store.retention_rules import REQUESTS

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.serving.capture.reading import Captured
    from nbmlops.serving.capture.segments import Place
    from nbmlops.store.retention_rules import RetentionRule

__all__ = ["RequestsRetention"]

_Of = dict[tuple[str, tuple[str, ...]], list[Path]]
"""Folders of hours, by the version that answered and the rules that are about it."""


class RequestsRetention:
    """What was captured of the deployments of a workspace, as something that rules of retention are about.

    Parameters
    ----------
    captured : Captured
        What was captured.
    tags : callable
        Gives the tags of the versions of a model, by their number.
    held : callable
        Why what was captured of a deployment may not go; None when it may.
    clock : Clock
        The time.
    """

    def __init__(
        self,
        captured: Captured,
        tags: Callable[[str], Mapping[int, Mapping[str, str]]],
        held: Callable[[str], str | None],
        clock: Clock,
    ) -> None:
        self._captured = captured
        self._tags = tags
        self._held = held
        self._clock = clock

    def retire(self, rules: Sequence[RetentionRule], *, apply: bool) -> list[Retiree]:
        """Remove the hours that the rules keep no longer, or only tell them; those with a reason stay."""
        own = [rule for rule in rules if rule.kind == REQUESTS]
        found: list[Retiree] = []
        for name in self._captured.deployments() if own else []:
            place = self._captured.place(name)
            fold(place)
            with place.locked():
                why = self._held(name) or ""
                for (version, about), homes in self._outworn(place, own).items():
                    since = min(folder_hour(home.parent)[0] for home in homes)
                    hours = len({home.parent for home in homes})
                    found.append(Retiree(f"{name}@{version}", REQUESTS, since, about, why, hours))
                    if apply and not why:
                        _remove(homes)
        return found

    def _outworn(self, place: Place, rules: Sequence[RetentionRule]) -> _Of:
        found: _Of = {}
        tags, now = self._tags(place.deployment), self._clock.now()
        for home in sorted(_homes(place)):
            version = home.name.partition("-")[0]
            said = tags.get(int(version.removeprefix("v")), {})
            about = [rule for rule in rules if rule.is_about(REQUESTS, place.deployment, said)]
            ended = folder_hour(home.parent)[1]
            if about and not any(_keeps(rule, ended, now) for rule in about):
                found.setdefault((version, tuple(rule.name for rule in about)), []).append(home)
        return found


def _keeps(rule: RetentionRule, ended: datetime, now: datetime) -> bool:
    return rule.keep is None or ended > now - rule.keep


def _homes(place: Place) -> Iterator[Path]:
    """The folders of each hour, one for each version that answered in it."""
    for hour in place.hours.iterdir() if place.hours.is_dir() else []:
        yield from (home for home in hour.iterdir() if home.is_dir())


def _remove(homes: Sequence[Path]) -> None:
    for home in homes:
        shutil.rmtree(home)
    for hour in {home.parent for home in homes}:
        if not any(hour.iterdir()):
            hour.rmdir()
