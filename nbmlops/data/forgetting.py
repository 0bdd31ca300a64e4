"""The verb that makes the store forget: erase."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.core.refs import check_name
from nbmlops.data.erasable import Erasable
from nbmlops.data.loading import Loading
from nbmlops.store import holds, lineage

if TYPE_CHECKING:
    from nbmlops.data.erasing import Eraser
    from nbmlops.data.erasure_plan import Plan
    from nbmlops.data.erasure_records import Erasure

__all__ = ["Forgetting"]

Progress = Callable[[int], None]


class Forgetting(Loading):
    """What takes rows out of versions that are there."""

    erasables: Callable[[], Sequence[Erasable]] = staticmethod(tuple)
    """Gives what keeps such rows beyond versions; the workspace hands it in."""
    certify: Callable[[str, Path], object]
    """Writes the certificate of an erasure to a file; the workspace hands it in."""

    def erase(
        self,
        *names: str,
        where_file: str | Path | None = None,
        dry_run: bool = False,
        yes: bool = False,
        resume: bool = False,
        remotes: Sequence[str] = (),
        derived: bool = False,
        certificate: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Erasure:
        """Erase rows from every version of some names, and what was recorded of them; this cannot be undone.

        The condition is asked for without being shown, or read from a file, and kept nowhere. All remotes that the
        project names are purged too.

        Parameters
        ----------
        *names : str
            The names; deleted versions of them lose the rows too.
        where_file : str or Path, optional
            A text file that holds the condition; delete it afterwards.
        dry_run, yes : bool
            Only tell what would happen; do not ask before it happens.
        resume : bool
            Complete an erasure that was cut off, or that a remote was away from, without names and condition.
        remotes : sequence of str
            Places that the project does not name, and that are to be purged too.
        derived : bool
            Take rows out of tables too that were made from these, such as those of features, as far as lineage tells.
        certificate : str or Path, optional
            A new file, of ``.json``, ``.html`` or ``.md``, for a signed certificate of what was erased.
        progress : callable, optional
            Called with numbers of bytes as tables are read and written.

        Raises
        ------
        RefusedError
            Inside a pipeline run, while a hold is on something of it, or when there is nobody to ask.
        InvalidError
            When the condition does not parse, or fits no version of a name; it is not repeated.
        ConflictError, UnavailableError
            When another erasure goes on, or others keep saving; when the catalog stays in use: `resume` goes on then.
        """
        _refuse_in_pipelines()
        from nbmlops.data import secret

        target, eraser = _target(certificate, dry_run=dry_run), self._eraser()
        if resume:
            return self._certified(self._resume(eraser, (names, where_file), remotes, progress), target)
        self._refuse_names(names)
        condition = secret.asked() if where_file is None else secret.from_file(where_file)
        look = partial(eraser.plan, condition=condition, remotes=remotes, progress=progress, fetch=not dry_run)
        with eraser.alone(), self._later.first():
            self._later.stop()  # a profile that is being made tells of the rows
            plan, planned = _followed(look, names) if derived else look(names)
            if dry_run or not (yes or _agreed(planned)):
                return planned if dry_run else replace(planned, state="declined")
            return self._certified(eraser.erase(plan, condition, remotes, progress), target)

    def _certified(self, done: Erasure, target: Path | None) -> Erasure:
        if target is not None:
            self.certify(done.id, target)
        return done

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
        return Eraser(
            self._versions,
            self._objects,
            self._lineage,
            self._lock,
            self._tables,
            state,
            self.exchange,
            self.erasables(),
        )


def _target(certificate: str | Path | None, *, dry_run: bool) -> Path | None:
    """The file of a certificate, refused before anything is erased when it cannot be one."""
    if certificate is None:
        return None
    from nbmlops.store import certificate_files

    if dry_run:
        raise InvalidError(
            "nothing is erased in a dry run, so there is nothing to certify", hint="leave one of them out"
        )
    return certificate_files.target(Path(certificate))


def _followed(look: Callable[[tuple[str, ...]], tuple[Plan, Erasure]], names: tuple[str, ...]) -> tuple[Plan, Erasure]:
    """What would happen to names and to all tables that were made from them, directly or not, and hold such rows."""
    while True:
        plan, planned = look(names)
        holding = {one.ref.partition("@")[0] for one in planned.descendants if one.state == "holds"}
        if holding <= set(names):
            return plan, planned
        names = (*names, *sorted(holding.difference(names)))


def _refuse_in_pipelines() -> None:
    if lineage.current().pipeline_run_id is not None:
        raise RefusedError("rows cannot be erased inside a pipeline run", hint="erase when it has ended")


def _agreed(planned: Erasure) -> bool:
    """Tell what would happen, and ask whether it shall."""
    from nbmlops.data import secret
    from nbmlops.render.dispatch import text

    print(text(planned), file=sys.stderr)  # noqa: T201 - what the question is about
    return secret.agreed("erase them? this cannot be undone")
