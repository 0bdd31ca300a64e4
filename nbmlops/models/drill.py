"""The rollback drill: promote, roll back, and see that the old version answers again, without touching a real alias.

An alias of its own goes from the version that a rollback would lead to, to the present one, and back by the very
code of `Models.rollback`. Every move leaves its Event, and in the end the alias is taken off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbmlops.checks.behaviour.attempts import attempt
from nbmlops.checks.behaviour.trial import answers, differing, named
from nbmlops.checks.records import Outcome, Report
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError
from nbmlops.core.refs import Ref, check_alias
from nbmlops.store import lineage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from nbmlops.core.clock import Clock
    from nbmlops.models.opening import Opening
    from nbmlops.models.promotion import ModelPromoter
    from nbmlops.store.aliases import Aliases
    from nbmlops.store.versions import Version, Versions

__all__ = ["DRILL", "SUITE", "RollbackDrill"]

DRILL = "rollback-drill"
SUITE = "rollback drill"
"""The alias that is moved."""
_ROWS = 1_000


class RollbackDrill:
    """Carries out drills.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``model``.
    aliases : Aliases
        Their aliases.
    opening : Opening
        Opens versions after all checks of trust.
    promoter : ModelPromoter
        Rolls back.
    clock : Clock
        Tells when.
    """

    def __init__(
        self, versions: Versions, aliases: Aliases, opening: Opening, promoter: ModelPromoter, clock: Clock
    ) -> None:
        self._versions = versions
        self._aliases = aliases
        self._opening = opening
        self._promoter = promoter
        self._clock = clock

    def drill(self, name: str, alias: str, table: pd.DataFrame | None) -> Report:
        """Rehearse a rollback; see `Models.drill`. The report is not kept yet."""
        if check_alias(alias) == DRILL:
            raise InvalidError(f"{DRILL} is the alias that a drill moves", hint=f"`ml model drill {name}`")
        present, earlier, way = self._pair(name, alias)
        before = self._aliases.at(name, alias)
        try:
            outcomes = [way, *self._rehearsed(present, earlier, table)]
        finally:
            self._take_off(name)
        after = self._aliases.at(name, alias)
        stayed = (before.id if before else None) == (after.id if after else None)
        where = f"on {after.ref}" if after else "nowhere"
        outcomes.append(Outcome(f"{alias} is not touched", None, "passed" if stayed else "failed", where, "as before"))
        judged = tuple(f"model:{version.id}" for version in (present, earlier))
        run_id = lineage.current().run_id
        now = self._clock.now()
        return Report(None, SUITE, "infrastructure", present.ref, tuple(outcomes), now, run_id, judged)

    def _pair(self, name: str, alias: str) -> tuple[Version, Version, Outcome]:
        """The present version, the one a rollback leads to, and whether there is a way back at all."""
        check = "way back"
        try:
            present, earlier = self._aliases.way_back(name, alias)
        except NotFoundError as error:
            versions = self._versions.history(name)
            if len(versions) < 2:
                raise NotFoundError(
                    f"{name} has one version only: there is nothing to roll back to", hint="save another, then drill"
                ) from None
            why = f"{error.message}: the drill takes the two newest versions"
            return versions[0], versions[1], Outcome(check, None, "warned", "none", f"of {alias}", why)
        return present, earlier, Outcome(check, None, "passed", f"{present.ref} to {earlier.ref}", f"of {alias}")

    def _rehearsed(self, present: Version, earlier: Version, table: pd.DataFrame | None) -> Iterator[Outcome]:
        self._placed(earlier)
        yield from self._timed("promotion", lambda: self._placed(present), present, table)
        yield from self._timed("rollback", lambda: self._promoter.rollback(present.name, DRILL), earlier, table)

    def _placed(self, version: Version) -> None:
        self._versions.catalog.transact(lambda connection: self._aliases.place(connection, DRILL, version))

    def _timed(
        self, check: str, move: Callable[[], object], wanted: Version, table: pd.DataFrame | None
    ) -> Iterator[Outcome]:
        """Move, load what the alias names then, and compare its answers with those of the version by its number."""
        begun, asked = time.perf_counter(), f"serves {wanted.ref}"
        try:
            move()
            found = self._versions.resolve(Ref(wanted.name, alias=DRILL))
            opened = self._opening.opened(found)
        except NbmlopsError as error:
            yield Outcome(check, None, "failed", "", asked, error.message)
            return
        seconds = time.perf_counter() - begun
        status = "passed" if found.id == wanted.id and found.digest == wanted.digest else "failed"
        figure = f"{found.ref} loaded after {seconds:.2g} s"
        yield Outcome(check, None, status, figure, asked, number=seconds)  # type: ignore[arg-type]
        if table is not None:
            yield self._answered(f"answers after the {check}", opened, wanted, table.head(_ROWS))

    def _answered(self, check: str, opened: Any, wanted: Version, table: pd.DataFrame) -> Outcome:
        asked = f"those of {wanted.ref}"
        direct = self._opening.opened(wanted)
        tried = attempt(lambda: [answers(each.model, each.inputs(table, "")) for each in (opened, direct)])
        if not tried.ended:
            return Outcome(check, None, "errored", "", asked, tried.words)
        places = differing(*tried.value)
        figure = f"{len(places):,} of {len(table):,} differ"
        status = "failed" if len(places) else "passed"
        return Outcome(check, None, status, figure, asked, "", named(places), number=len(places))  # type: ignore[arg-type]

    def _take_off(self, name: str) -> None:
        at = self._aliases.at(name, DRILL)
        if at is not None:
            self._versions.catalog.transact(lambda connection: self._aliases.remove(connection, DRILL, at))
