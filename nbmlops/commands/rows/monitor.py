"""Verbs on monitors."""

from __future__ import annotations

from nbmlops.commands.verb import Verb

__all__ = ["VERBS"]

VERBS = (
    Verb(
        *("monitor", "add", "NAME DEPLOYMENT KIND", "Watch what a deployment answers.", "ml.monitor.add"),
        only_here=dict.fromkeys(
            "reference window bound metric severity owner code key column better features".split(),
            "in Python: a keyword of this name",
        ),
        only_python={"asked": "the keywords, each an option here"},
    ),
    Verb("monitor", "list", "[DEPLOYMENT]", "List monitors and how they stand.", "ml.monitor.list"),
    Verb("monitor", "show", "NAME", "Show a monitor and its figures over time.", "ml.monitor.show", detail=True),
    Verb(
        "monitor", "simulate", "NAME", "Tell what would have fired when, had it watched before.", "ml.monitor.simulate"
    ),
    Verb("monitor", "run", "[NAMES]…", "Look now, and keep a report of each.", "ml.monitor.run"),
    Verb(
        *("monitor", "labels", "DEPLOYMENT DATA", "Take in what turned out to be true of rows that it answered."),
        "ml.monitor.labels",
    ),
    Verb("monitor", "history", "NAME", "List the reports of a monitor, newest first.", "ml.monitor.history"),
    Verb("monitor", "alerts", "[DEPLOYMENT]", "List why monitors fail, one alert for each cause.", "ml.monitor.alerts"),
    Verb("monitor", "digest", "", "Tell what was worth no message of its own.", "ml.monitor.digest"),
    Verb("monitor", "silence", "NAME SPAN", "Tell nobody of it for some time.", "ml.monitor.silence"),
    Verb("monitor", "pause", "NAME", "Leave it out when all are run.", "ml.monitor.pause"),
    Verb("monitor", "resume", "NAME", "Run it again with all others.", "ml.monitor.resume"),
    Verb("monitor", "delete", "NAME", "Run it no more until it is restored.", "ml.monitor.delete"),
    Verb("monitor", "restore", "NAME", "Bring back what was deleted.", "ml.monitor.restore"),
)
