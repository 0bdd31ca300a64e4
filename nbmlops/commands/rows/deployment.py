"""Verbs on deployments."""

from __future__ import annotations

from nbmlops.commands.verb import Verb

__all__ = ["VERBS"]

VERBS = (
    Verb("deployment", "list", "", "List who is answered by which version.", "ml.deployment.list"),
    Verb("deployment", "show", "NAME", "Show what is said of a deployment.", "ml.deployment.show", detail=True),
    Verb("deployment", "history", "NAME", "List its changes, newest first.", "ml.deployment.history"),
    Verb("deployment", "split", "NAME [SHARES]…", "Share out the callers among versions.", "ml.deployment.split"),
    Verb("deployment", "shadow", "NAME [REFS]…", "Let versions answer too, unheard.", "ml.deployment.shadow"),
    Verb("deployment", "ramp", "NAME CHALLENGER", "Give a challenger more and more callers.", "ml.deployment.ramp"),
    Verb(
        *(
            "deployment",
            "challenge",
            "NAME PIPELINE",
            "Train a challenger after an event, and test it.",
        ),
        "ml.deployment.challenge",
        only_here=dict.fromkeys("share least within every measure risk".split(), "in Python: a keyword of this name"),
        only_python={"asked": "the keywords, each an option here"},
    ),
    Verb("deployment", "set", "NAME", "Say how it serves and what is kept.", "ml.deployment.set"),
    Verb("deployment", "test", "NAME", "Compare the challenger with the champion.", "ml.deployment.test", detail=True),
    Verb(
        *("deployment", "replay", "REQUEST", "Answer a captured request again, step by step."),
        "ml.deployment.replay",
        detail=True,
    ),
    Verb("deployment", "forget", "NAME", "Remove what was captured long ago.", "ml.deployment.forget"),
)
