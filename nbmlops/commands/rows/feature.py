"""Verbs on features."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb(
        *(
            "feature",
            "define",
            "FUNCTION",
            "Define a view by a function; a cell's body defines it.",
            "ml.feature.define",
        ),
        body="code",
        only_here=dict.fromkeys(
            "entity from_ time ttl on_demand inputs owner description tags message".split(),
            "in Python: a keyword of this name, which `Said` lists",
        ),
        only_python={"said": "the keywords, each an option here"},
    ),
    Verb("feature", "list", "", "List the newest version of every view and service.", "ml.feature.list"),
    Verb("feature", "show", "REF", "Show the code, features and sources of a version.", "ml.feature.show", detail=True),
    Verb("feature", "search", "TEXT", "Find features by names, columns, owners, words.", "ml.feature.search"),
    Verb("feature", "history", "NAME", "List all versions of a view, newest first.", "ml.feature.history"),
    Verb("feature", "diff", "BEFORE [AFTER]", "Tell what differs between two versions.", "ml.feature.diff"),
    Verb(
        "feature", "service", "NAME FEATURES…", "Name a list of features to train and serve with.", "ml.feature.service"
    ),
    Verb("feature", "compute", "REF", "Compute the offline table of a view, once.", "ml.feature.compute"),
    Verb(
        *(
            "feature",
            "training",
            "SPINE FEATURES…",
            "Join features to rows as they were known then.",
            "ml.feature.training",
        )
    ),
    Verb(
        *("feature", "materialize", "[VIEWS]…", "Bring views online, as far as they have changed."),
        "ml.feature.materialize",
        only_python=DRAWN,
    ),
    Verb("feature", "online", "KEYS FEATURES…", "Read features by key, such as carrier=AA.", "ml.feature.online"),
    Verb("feature", "freshness", "[VIEWS]…", "Tell how fresh views are online.", "ml.feature.freshness"),
    Verb("feature", "usage", "[NAME]", "Tell who uses features, what they cost and bring.", "ml.feature.usage"),
    Verb("feature", "export", "", "Write all views as a repository of Feast.", "ml.feature.export"),
    Verb("feature", "retire", "NAME", "Let nothing new use a view or a service.", "ml.feature.retire"),
    Verb("feature", "delete", "REF", "Hide a version until restored.", "ml.feature.delete"),
    Verb("feature", "restore", "REF", "Bring back what was deleted or retired.", "ml.feature.restore"),
    Verb("feature", "rename", "OLD NEW", "Give all versions of a view another name.", "ml.feature.rename"),
)
