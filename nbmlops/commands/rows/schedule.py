"""Verbs on schedules."""

from __future__ import annotations

from nbmlops.commands.verb import Verb

__all__ = ["VERBS"]

VERBS = (
    Verb(
        *("schedule", "add", "TARGET [CRON]", "Start a pipeline at times, or after events.", "ml.schedule.add"),
        only_here=dict.fromkeys("tz every on older catchup overlap late".split(), "in Python: a keyword of this name"),
        only_python={"asked": "the keywords, each an option here"},
    ),
    Verb("schedule", "list", "", "List what starts when, how it went, and what is late.", "ml.schedule.list"),
    Verb("schedule", "show", "NAME", "Show what is known of a schedule.", "ml.schedule.show", detail=True),
    Verb("schedule", "next", "NAME", "List the next times of a schedule.", "ml.schedule.next"),
    Verb("schedule", "history", "NAME", "List what has come due, newest first.", "ml.schedule.history"),
    Verb("schedule", "pause", "NAME", "Start nothing of it until it is resumed.", "ml.schedule.pause"),
    Verb("schedule", "resume", "NAME", "Let it start again from now on.", "ml.schedule.resume"),
    Verb(
        *("schedule", "run", "", "Be the daemon: start what is due, until stopped.", "ml.schedule.run"),
        only_python={"tell": "the face prints a line for each"},
    ),
    Verb("schedule", "unit", "", "Write the unit by which systemd keeps the daemon.", "ml.schedule.unit"),
    Verb("schedule", "delete", "NAME", "Start nothing of it until it is restored.", "ml.schedule.delete"),
    Verb("schedule", "restore", "NAME", "Bring back what was deleted, paused.", "ml.schedule.restore"),
    Verb("schedule", "rename", "OLD NEW", "Give a schedule another name.", "ml.schedule.rename"),
)
