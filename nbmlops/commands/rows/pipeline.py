"""Verbs on pipelines."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb("pipeline", "list", "", "List the pipelines and where they stand.", "ml.pipeline.list"),
    Verb(
        *("pipeline", "show", "NAME", "Draw the graph of the steps.", "ml.pipeline.show"),
        only_here={"mermaid": "in Python: ml.pipeline.show(name).mermaid()"},
    ),
    Verb(
        *("pipeline", "run", "NAME", "Run the steps; unchanged ones are skipped.", "ml.pipeline.run"),
        only_here={
            **dict.fromkeys(("start", "until", "only"), "in Python: steps=Selection(start=[name])"),
            **dict.fromkeys(("timeout", "cell_timeout", "memory"), "in Python: limits=Limits(step=60)"),
            "log_output": "in Python: the signs that progress is called with hold what is printed",
        },
        only_python={
            **DRAWN,
            "steps": "--from, --until and --only say it",
            "limits": "--timeout, --cell-timeout and --memory say it",
            "cancellation": "a face is stopped by Ctrl-C",
        },
    ),
    Verb(
        *("pipeline", "resume", "RUN", "Go on with a run that failed.", "ml.pipeline.resume"),
        only_python=DRAWN,
    ),
    Verb("pipeline", "stop", "RUN", "Stop a run, in whatever process it goes on.", "ml.pipeline.stop"),
    Verb("pipeline", "explain", "NAME", "Tell which steps would run, and why.", "ml.pipeline.explain"),
    Verb(
        *("pipeline", "rehearse", "NAME", "Run the steps on samples, leave only a report.", "ml.pipeline.rehearse"),
        only_python=DRAWN,
    ),
    Verb(
        *("pipeline", "backfill", "NAME", "Run it for the times of the past that are missing.", "ml.pipeline.backfill"),
        only_here=dict.fromkeys("cron tz parallel reprocess dry_run".split(), "in Python: a keyword of this name"),
        only_python={"asked": "the keywords, each an option here", **DRAWN},
    ),
    Verb("pipeline", "export", "NAME TARGET", "Write what Airflow, cron and others run it by.", "ml.pipeline.export"),
    Verb("pipeline", "package", "NAME [FILE]", "Write a frozen version into one file.", "ml.pipeline.package"),
    Verb(
        *("pipeline", "promote", "NAME", "Lint, prove, gate, freeze, then move an alias.", "ml.pipeline.promote"),
        only_python=DRAWN,
    ),
    Verb("pipeline", "approve", "NAME", "Approve what another person asked to promote.", "ml.pipeline.approve"),
    Verb("pipeline", "reject", "NAME", "Say no to what waits for approval.", "ml.pipeline.reject"),
    Verb("pipeline", "rollback", "NAME [ALIAS]", "Move an alias back to where it was.", "ml.pipeline.rollback"),
    Verb("pipeline", "history", "NAME", "List all frozen versions, newest first.", "ml.pipeline.history"),
    Verb("pipeline", "delete", "REF", "Hide a frozen version until restored.", "ml.pipeline.delete"),
    Verb("pipeline", "restore", "REF", "Bring back what was deleted.", "ml.pipeline.restore"),
    Verb("pipeline", "rename", "OLD NEW", "Give all frozen versions another name.", "ml.pipeline.rename"),
)
