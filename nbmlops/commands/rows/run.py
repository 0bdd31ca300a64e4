"""Verbs on runs."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb(
        *("run", "start", "NAME", "Record the cell below as a run.", "ml.run.start"),
        body="code",
        exempt={"shell": "a run spans code, and a shell line has none: use `%%ml run`, or `with ml.run(name)`"},
        only_python={
            "also": "pipelines claim the step in the same transaction",
            "kind": "pipelines set it",
            "parent_id": "the active run is the parent",
            "notebook": "the cell knows its notebook",
            "like": "pipelines set it",
        },
    ),
    Verb(
        *("run", "resume", "REF", "Go on with a run whose process was killed.", "ml.run.resume"),
        body="code",
        exempt={"shell": "a run spans code, and a shell line has none: use `%%ml run resume`"},
    ),
    Verb(
        *("run", "autolog", "", "Log what scikit-learn fits from now on.", "ml.run.autolog"),
        exempt={"shell": "nothing is fitted in a line of it: use `%ml run autolog`, or `ml.run.autolog()`"},
    ),
    Verb(
        *("run", "list", "", "List runs by a condition, in any order.", "ml.run.list"),
        only_python={"parent_id": "run show tells the parent"},
    ),
    Verb("run", "best", "EXPERIMENT", "Show the run with the best metric.", "ml.run.best", detail=True),
    Verb("run", "compare", "REFS…", "Tell what differs between runs.", "ml.run.compare", detail=True),
    Verb("run", "show", "REF", "Show what is known of a run.", "ml.run.show", detail=True),
    Verb("run", "note", "REF TEXT", "Write the note of a run, in Markdown.", "ml.run.note", detail=True),
    Verb("run", "artifact", "REF NAME", "Load what a run kept, or write it to a file.", "ml.run.load_artifact"),
    Verb(
        *("run", "export", "[REFS]…", "Write runs into a folder, or into MLflow.", "ml.run.export"),
        only_python=DRAWN,
    ),
    Verb(
        *("run", "import", "SOURCE", "Take runs in from a folder, or from MLflow.", "ml.run.import_"),
        only_python=DRAWN,
    ),
)
