"""Takes over results that have committed before: of all steps that are settled at one moment, in one transaction.

A step that has nothing to do costs little then, and there may be a thousand of them. What a name means, which results
there are and what their runs were called is asked for all of them at once, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbmlops.core.errors import NotFoundError
from nbmlops.pipelines import keys
from nbmlops.pipelines.cells import code_digest
from nbmlops.pipelines.fan_in import joined_of
from nbmlops.pipelines.ledger import Claimant, Committed, Ledger, Slot, Taken
from nbmlops.pipelines.local_modules import Seen, code_of
from nbmlops.pipelines.records import StepResult
from nbmlops.store import lineage
from nbmlops.store.meaning import digests_of
from nbmlops.store.naming import adopt_outputs
from nbmlops.tracking.queries.values import add_tags

if TYPE_CHECKING:
    from nbmlops.pipelines.graph import Step
    from nbmlops.pipelines.plan import Plan
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.catalog import Connection
    from nbmlops.tracking.records import Run

__all__ = ["SKIPPED", "Settled", "TakingOver"]

SKIPPED = "skipped."
"""Before a step's name, the tag by which a pipeline run names the run whose result it took over."""

_MISSING = "missing"


class Settled(NamedTuple):
    """What became of some steps: results of those that have nothing to do, and who claims each of the others."""

    results: Mapping[str, StepResult]
    claimants: Mapping[str, Claimant]


class _Read(NamedTuple):
    """A name that a step reads."""

    kind: str
    ref: str
    locked: bool = False


class _Earlier(NamedTuple):
    """A result that a step takes over, the run that made it, and what is said of that."""

    taken: Taken
    run: Run
    why: str


class TakingOver:
    """Knows what decides the results of steps, and which of these there are already.

    Parameters
    ----------
    stores : Stores
        What steps read, and where they are recorded.
    ledger : Ledger
        Remembers results.
    root : Path
        The project's folder, whose modules count as a step's code.
    """

    def __init__(self, stores: Stores, ledger: Ledger, root: Path) -> None:
        self._stores = stores
        self._runs = stores.runs
        self._ledger = ledger
        self._root = root

    def settle(self, plan: Plan, steps: Sequence[Step], run_id: str, cache: bool) -> Settled:
        """Take over the results of those of some steps that have them, for the pipeline run `run_id`."""
        with lineage.activate(lineage.Active(run_id, run_id, pins=plan.pins)):
            made_of = self.parts(plan, steps)
            claimants = {
                name: Claimant(run_id, keys.step_key(parts), plan.version, parts) for name, parts in made_of.items()
            }
            found = self._earlier(plan, steps, claimants, run_id, cache)
            if found:
                self._runs.catalog.transact(lambda c: self._take(c, run_id, found))
        done = {
            each.taken.slot.step: StepResult(
                each.taken.slot.step,
                "skipped",
                each.why,
                run=each.run.name,
                outputs=each.run.outputs,
                metrics=each.run.metrics,
            )
            for each in found
        }
        return Settled(done, {name: claimant for name, claimant in claimants.items() if name not in done})

    def parts(self, plan: Plan, steps: Sequence[Step]) -> dict[str, dict[str, Any]]:
        """What decides the result of each of some steps, as things are now; see `keys.parts`."""
        meant = self._meant(_Read(read.kind, read.ref, read.locked) for step in steps for read in step.reads)
        seen, versions = Seen(), dict[str, str]()
        return {step.name: self._parts(plan, step, meant, seen, versions) for step in steps}

    def _parts(
        self, plan: Plan, step: Step, meant: Mapping[_Read, str], seen: Seen, versions: dict[str, str]
    ) -> dict[str, Any]:
        reads = dict.fromkeys(_Read(read.kind, read.ref, read.locked) for read in step.reads)
        inputs = [(f"locked {read.kind}" if read.locked else read.kind, read.ref, meant[read]) for read in reads]
        if step.parts:
            return joined_of(step, inputs)
        notebook = plan.notebooks[step.name]
        own = code_of(plan, step.name, self._root, seen)
        environment = keys.relevant(own.imports, versions)
        made_of = keys.parts(code_digest(notebook), plan.parameters[step.name], inputs, own.files, environment)
        # The same code writes under other names when it runs for some values.
        return {**made_of, "branch": str(step.branch)} if step.branch else made_of

    def before(self, step_keys: Iterable[str]) -> dict[str, Committed]:
        """By key, the newest committed result whose every read still means the same content."""
        newest = self._ledger.newest(step_keys)
        held = self._held([result for result in newest.values() if result is not None])
        found = {}
        for key, result in newest.items():
            if result is not None and result in held:
                found[key] = result
            elif older := self._held(self._ledger.cached(key)):
                found[key] = older[0]
        return found

    def age(self, run: Run) -> timedelta:
        """How long ago the notebook ended that made a result, whoever has taken it over since."""
        return self._runs.clock.now() - (run.ended_at or datetime.min.replace(tzinfo=UTC))

    def _held(self, results: Sequence[Committed]) -> list[Committed]:
        """Those of some results whose every read still means the same content."""
        meant = self._meant(_Read(kind, name) for result in results for kind, name, _ in result.reads)
        return [
            result
            for result in results
            if all(meant[_Read(kind, name)] == digest for kind, name, digest in result.reads)
        ]

    def _meant(self, reads: Iterable[_Read]) -> dict[_Read, str]:
        """Digests that names mean now for this pipeline run; the step itself says what is missing, where it reads."""
        asked = list(dict.fromkeys(reads))
        found = {read: self._locked(read.ref) for read in asked if read.locked}
        for kind in dict.fromkeys(read.kind for read in asked if not read.locked):
            own = [read for read in asked if read.kind == kind and not read.locked]
            digests = digests_of(self._stores.versions[kind], (read.ref for read in own))
            found |= {read: digests.get(read.ref, _MISSING) for read in own}
        return found

    def _locked(self, ref: str) -> str:
        try:
            return self._stores.data.locked(ref)
        except NotFoundError:
            return _MISSING

    def _earlier(
        self, plan: Plan, steps: Sequence[Step], claimants: Mapping[str, Claimant], run_id: str, cache: bool
    ) -> list[_Earlier]:
        own = [(step, claimants[step.name]) for step in steps]
        asked = (claimant.step_key for step, claimant in own if step.name not in plan.taken)
        before = self.before(asked) if cache else {}
        runs = self._runs.several({result.run_id for result in (*before.values(), *plan.taken.values())})
        found = []
        for step, claimant in own:
            slot, result = Slot.of(plan, step.name, run_id), before.get(claimant.step_key)
            if (stands := plan.taken.get(step.name)) is not None:
                # With the key that it had: under the one of now, a later run would take it for up to date.
                had = Claimant(run_id, stands.step_key, plan.version, stands.parts)
                changed = "" if had.step_key == claimant.step_key else ", though something has changed since"
                run = runs[stands.run_id]
                found.append(_Earlier(Taken(slot, had, stands), run, f"taken from {run.name}{changed}"))
            elif result is not None and self._is_young(step, run := runs[result.run_id]):
                why = f"same code, parameters and inputs as {run.name}"
                found.append(_Earlier(Taken(slot, claimant, result), run, why))
        return found

    def _is_young(self, step: Step, run: Run) -> bool:
        return step.settings.cache is None or self.age(run) < step.settings.cache

    def _take(self, connection: Connection, run_id: str, found: Sequence[_Earlier]) -> None:
        self._ledger.take_over(connection, [each.taken for each in found])
        adopt_outputs(connection, run_id, (version for each in found for version in each.taken.result.outputs))
        add_tags(connection, run_id, {f"{SKIPPED}{each.taken.slot.step}": each.run.name for each in found})
