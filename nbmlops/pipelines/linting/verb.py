"""The verb ``lint``: what would stop a notebook, or the notebooks of a pipeline, at night; and its option to fix it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.pipelines.notebook import read_content
from nbmlops.store import lineage
from nbmlops.tracking import capture
from nbmlops.tracking.notebook_source import file_of, saved

if TYPE_CHECKING:
    from nbmlops.pipelines.linting.finding import Finding
    from nbmlops.pipelines.linting.fixing import Fixes
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.tracking.records import HiddenState

__all__ = ["Linting"]


def _agreed(fixes: Fixes) -> bool:
    """Show the diff, and ask whether it is to be written; where nobody can be asked, it is not."""
    from nbmlops.data import secret
    from nbmlops.render.dispatch import text

    print(text(fixes), file=sys.stderr)  # noqa: T201 - what the question is about
    try:
        return secret.agreed("write it?", "the diff is to be seen first", "add --yes")
    except RefusedError:
        return False


class Linting:
    """The verb on the sources of notebooks."""

    _planner: Planner
    _stores: Stores

    def lint(self, target: str) -> list[Finding]:
        """Findings in a notebook, given by its path, or in all notebooks of a pipeline.

        Of the notebook that this is called from, what its session has executed counts too.
        """
        from nbmlops.pipelines.linting.lint import lint

        paths = self._notebooks(target)
        return [finding for one in paths for finding in lint(read_content(one), one, hidden=self._hidden(one))]

    def fix(self, target: str, *, yes: bool = False) -> Fixes:
        """Fix what the lint finds, as far as a fix is certain: the tag, seeds, paths, and reads of files.

        Nothing else of a notebook changes, and a file is written in one step. The diff is shown and asked for first;
        where there is nobody to ask it is what is given, and nothing is written. A table that a notebook reads from a
        file in its folder is saved before the notebook loads it by name.

        Parameters
        ----------
        target : str
            A notebook, by its path, or a pipeline.
        yes : bool
            Do not ask.

        Raises
        ------
        ConflictError
            When a file changed in the meantime.
        UnsupportedError
            When a file cannot be changed in place.
        """
        from nbmlops.pipelines.linting.fixing import Draft, Fixes

        stored = frozenset(record.name for record in self._stores.data.list())
        drafts = [Draft(path, stored) for path in self._notebooks(target)]
        reads = {name: read for draft in drafts for name, read in draft.reads.items()}
        fixes = Fixes(target, tuple(draft.change for draft in drafts), tuple(sorted(reads)), written=False)
        if not fixes.changes or not (yes or _agreed(fixes)):
            return fixes
        for name, (path, function) in reads.items():
            self._save(path, name, function)
        for draft in drafts:
            draft.write()
        return replace(fixes, written=True)

    def _save(self, path: Path, name: str, function: str) -> None:
        """Save a table as the notebook read it."""
        import pandas as pd

        try:
            table = getattr(pd, function)(path)
        except (OSError, ValueError) as error:
            raise InvalidError(f"{path} cannot be read: {error}", hint="see whether the notebook still runs") from error
        self._stores.data.save(table, name, message=f"read from {path.name}")

    def notebooks(self, name: str) -> list[Path]:
        """Paths of the notebooks of a pipeline, in the order of its settings."""
        return self._planner.notebooks(name)

    def _notebooks(self, target: str) -> list[Path]:
        path = Path(target)
        if path.suffix == ".ipynb":
            return [path]
        if target in self._planner.settings:
            return self._planner.notebooks(target)
        raise InvalidError(
            f"{target!r} is neither a notebook nor a pipeline",
            hint=f"give a path that ends in .ipynb, or one of {', '.join(self._planner.settings) or 'none'}",
        )

    def _hidden(self, path: Path) -> Sequence[HiddenState]:
        from nbmlops.tracking.hidden_state import hidden_state

        notebook = lineage.current().notebook
        own = file_of(notebook, self._planner.root)
        if own is None or not own.samefile(path):
            return ()
        return hidden_state(capture.log.executed, saved(notebook, self._planner.root))
