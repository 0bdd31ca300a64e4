"""The verb ``lint``: what would stop a notebook, or the notebooks of a pipeline, from running at night."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.notebook import read_content
from nbmlops.store import lineage
from nbmlops.tracking import capture
from nbmlops.tracking.notebook_source import file_of, saved

if TYPE_CHECKING:
    from nbmlops.pipelines.linting.lint import Finding
    from nbmlops.pipelines.planner import Planner
    from nbmlops.tracking.records import HiddenState

__all__ = ["Linting"]


class Linting:
    """The verb on the sources of notebooks."""

    _planner: Planner

    def lint(self, target: str) -> list[Finding]:
        """Findings in a notebook, given by its path, or in all notebooks of a pipeline.

        Of the notebook that this is called from, what its session has executed counts too.
        """
        from nbmlops.pipelines.linting.lint import lint

        path = Path(target)
        if path.suffix == ".ipynb":
            paths = [path]
        elif target in self._planner.settings:
            paths = self._planner.notebooks(target)
        else:
            raise InvalidError(
                f"{target!r} is neither a notebook nor a pipeline",
                hint=f"give a path that ends in .ipynb, or one of {', '.join(self._planner.settings) or 'none'}",
            )
        return [finding for one in paths for finding in lint(read_content(one), one, hidden=self._hidden(one))]

    def _hidden(self, path: Path) -> Sequence[HiddenState]:
        from nbmlops.tracking.hidden_state import hidden_state

        notebook = lineage.current().notebook
        own = file_of(notebook, self._planner.root)
        if own is None or not own.samefile(path):
            return ()
        return hidden_state(capture.log.executed, saved(notebook, self._planner.root))
