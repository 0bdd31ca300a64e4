"""The verb that makes the store forget: erase."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.core.refs import check_name
from nbmlops.data.loading import Loading
from nbmlops.store import holds, lineage

if TYPE_CHECKING:
    from nbmlops.data.erasing import Eraser
    from nbmlops.data.erasure_records import Erasure

__all__ = ["Forgetting"]

Progress = Callable[[int], None]


class Forgetting(Loading):
    """What takes rows out of versions that are there."""

    def erase(
        self,
        *names: str,
        where_file: str | Path | None = None,
        dry_run: bool = False,
        yes: bool = False,
        resume: bool = False,
        remotes: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Erasure:
        """Erase rows from every version of some names, and what was recorded of them; this cannot be undone.

        Each version keeps its name, number, time and author; its old digest leads to the new one. The condition is
        asked for without being shown, or read from a file; it is kept nowhere. All remotes that the project names are
        purged too.

        Parameters
        ----------
        *names : str
            The names; deleted versions of them lose the rows too.
        where_file : str or Path, optional
            A text file that holds the condition; delete it afterwards.
        dry_run : bool
            Only tell what would happen.
        yes : bool
            Do not ask before it happens.
        resume : bool
            Complete an erasure that was cut off, or that a remote was away from; needs no names and no condition.
        remotes : sequence of str
            Folders and URLs that the project does not name, and that are to be purged too.
        progress : callable, optional
            Called with numbers of bytes as tables are read and written.

        Raises
        ------
        RefusedError
            Inside a pipeline run, or when something has to be asked and there is nobody to ask.
        InvalidError
            When the condition does not parse, or fits no version of a name; it is not repeated.
        ConflictError
            When another erasure is going on, or others keep saving data.
        UnavailableError
            When the catalog stays in use; once the rows have left, `resume` does the rest.
        """
        _refuse_in_pipelines()
        from nbmlops.data import secret

        eraser = self._eraser()
        if resume:
            return self._resume(eraser, (names, where_file), remotes, progress)
        self._refuse_names(names)
        condition = secret.asked() if where_file is None else secret.from_file(where_file)
        with eraser.alone(), self._later.first():
            self._later.stop()  # a profile that is being made tells of the rows
            plan, planned = eraser.plan(names, condition, remotes, progress, fetch=not dry_run)
            if dry_run:
                return planned
            if not yes and not _agreed(planned):
                return replace(planned, state="declined")
            return eraser.erase(plan, condition, remotes, progress)

    def _resume(
        self, eraser: Eraser, given: tuple[Sequence[str], object], remotes: Sequence[str], progress: Progress | None
    ) -> Erasure:
        if any(given):
            raise InvalidError("what is resumed has its names already", hint="`ml data erase --resume`")
        with eraser.alone():
            return eraser.resume(remotes, progress)

    def _refuse_names(self, names: Sequence[str]) -> None:
        if not names:
            raise InvalidError("erase needs the names of data", hint="`ml data erase flights`")
        known = {version.name for version in self._versions.everything()}
        for name in names:
            check_name(name)
            if name not in known:
                self._versions.resolve(name)  # says which names are near
            hold = self._versions.catalog.read(lambda c, n=name: holds.on_name(c, "data", n))  # type: ignore[misc]
            if hold is not None and hold.ref == name:
                raise holds.refusal(name, "erased", hold)

    def _eraser(self) -> Eraser:
        from nbmlops.data.erasing import Eraser

        state = self._scratch.parent
        return Eraser(self._versions, self._objects, self._lineage, self._lock, self._tables, state, self.exchange)


def _refuse_in_pipelines() -> None:
    if lineage.current().pipeline_run_id is not None:
        raise RefusedError("rows cannot be erased inside a pipeline run", hint="erase when it has ended")


def _agreed(planned: Erasure) -> bool:
    """Tell what would happen, and ask whether it shall."""
    from nbmlops.data import secret
    from nbmlops.render.dispatch import text

    print(text(planned), file=sys.stderr)  # noqa: T201 - what the question is about
    return secret.agreed("erase them? this cannot be undone")
