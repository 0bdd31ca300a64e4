"""Verbs of continuous integration."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb(
        *("ci", "run", "[NAMES]…", "Lint, test and run pipelines, as a push is judged.", "ml.ci.run"),
        only_python=DRAWN,
    ),
    Verb("ci", "init", "TARGET", "Write the workflow for GitHub that does so, and promotes.", "ml.ci.init"),
)
