"""The workspace itself: where one stands, and what spans all nouns."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb("", "init", "[PATH]", "Make a workspace in a folder, or a whole project.", "ml.init"),
    Verb("", "status", "", "Say where one stands: workspace, git, active run.", "ml.status"),
    Verb("", "doctor", "", "Look whether everything is in order.", "ml.doctor", only_python={"path": "cd there"}),
    Verb("", "trust", "[PATH]", "Trust a workspace that someone else made.", "ml.trust"),
    Verb(
        *("", "demo", "[PATH]", "Do the main job on real flights, in a new folder.", "demo.story.run_demo"),
        exempt={"python": "it stands above the workspace: nbmlops.demo.story.run_demo(folder, teller)"},
    ),
    Verb(
        *("", "lint", "TARGET", "Find what would stop a notebook or a pipeline from running at night.", "ml.lint"),
        only_here=dict.fromkeys(("fix", "yes"), "in Python: ml.pipeline.fix(target, yes=True)"),
    ),
    Verb(
        *("", "step", "[NOTEBOOK]", "Say how a notebook wants to run as a step; a cell's body says it.", "ml.step"),
        body="settings",
        only_python={"settings": "the body of the cell"},
    ),
    Verb(
        *("", "reproduce", "RUN", "Execute a run again and tell whether it gives the same.", "ml.reproduce"),
        only_python=DRAWN,
    ),
    Verb("", "search", "[TEXT]…", "Find what there is, by what is said of it, whose, how old, how good.", "ml.search"),
    Verb(
        *("", "lineage", "REF", "Draw what a version came from and what was built on it.", "ml.lineage"),
        only_here={"mermaid": "in Python: ml.lineage(ref).mermaid()"},
    ),
    Verb(
        *("", "log", "KEY=VALUE…", "Log metrics to the active run.", "ml.log"),
        only_here={"artifact": "in Python: run.artifact(value, name)"},
        only_python={"metrics": "pairs of key=value are one mapping here"},
    ),
    Verb("", "story", "NAME", "Tell what happened to a model, in the order of time.", "ml.story"),
    Verb("", "serve", "[REF]", "Serve a model over HTTP; without REF, list what is served.", "ml.serve"),
    Verb("", "score", "NAME", "Score a model: the 28 tests of the ML Test Score, by evidence.", "ml.score"),
    Verb(
        *("", "panel", "[NAME]", "Look at what is stored, and act on it, in the cell below.", "ml.panel"),
        exempt={"shell": "a panel is drawn below a cell: in a shell it says so"},
    ),
    Verb(
        *("", "ui", "", "Serve the panels as a page, until stopped.", "ml.ui"),
        exempt=dict.fromkeys(("python", "cell"), "it serves until it is stopped: there `panel` is what shows them"),
    ),
)
