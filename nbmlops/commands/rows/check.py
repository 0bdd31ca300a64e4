"""Verbs on checks and reports."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb("check", "infer", "VALUES…", "Learn a suite from versions, test it on the last.", "ml.check.infer"),
    Verb(
        *("check", "data", "VALUE", "Judge data by a suite; a cell's body is the suite.", "ml.check.data"),
        body="suite",
        only_python={"functions": "a cell knows what its notebook defines"},
    ),
    Verb(
        *("check", "model", "MODEL TABLE", "Judge a model on rows that it has not seen.", "ml.check.model"),
        only_here=dict.fromkeys(
            "metric floor ceiling tolerance risk slices sensitive fairness calibration overfit change latency "
            "batch_latency memory size max_age lost".split(),
            "in Python: a keyword of this name, which `Asked` takes",
        ),
        only_python={"asked": "the keywords, each an option here", **DRAWN},
    ),
    Verb(
        *("check", "feature", "[NOTEBOOK]", "Test the code that makes features.", "ml.check.feature"),
        body="code",
        only_python={"tests": "the body of the cell", "names": "the notebook's variables", **DRAWN},
    ),
    Verb(
        *("check", "importance", "MODEL TABLE", "Tell which features add nothing, and costs.", "ml.check.importance"),
        only_python=DRAWN,
    ),
    Verb(
        *("check", "leakage", "TABLE", "Look for what will not be known when predicting.", "ml.check.leakage"),
        only_python=DRAWN,
    ),
    Verb(
        *("check", "drift", "CURRENT", "Tell which columns have drifted from a reference.", "ml.check.drift"),
        only_here=dict.fromkeys(
            ("joint", "profiles", "like"), "in Python: a keyword of this name, which `Manner` takes"
        ),
        only_python={"how": "the keywords, each an option here", **DRAWN},
    ),
    Verb("check", "policy", "VALUE", "Look for personal data, and judge by the project's rules.", "ml.check.policy"),
    Verb("check", "list", "", "List reports, the newest first.", "ml.check.list"),
    Verb("check", "show", "NUMBER", "Show a report with every outcome.", "ml.check.show", detail=True),
    Verb(
        *("check", "diff", "BEFORE AFTER", "Compare two reports, or a suite with a version.", "ml.check.diff"),
        detail=True,
    ),
)
