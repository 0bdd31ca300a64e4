"""Verbs on data."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb(
        *("data", "save", "[VALUE] [NAME]", "Save a table, array, file, folder or query as a version.", "ml.data.save"),
        only_here=dict.fromkeys(("query", "query_file", "from_"), "in Python: ml.data.save(Query(text, url), name)"),
        only_python=DRAWN,
    ),
    Verb("data", "load", "REF", "Load a version; every byte is hashed again.", "ml.data.load"),
    Verb(
        *("data", "track", "WHERE [NAME]", "Pin a file, folder or Delta table where it is.", "ml.data.track"),
        only_python=DRAWN,
    ),
    Verb("data", "list", "", "List the newest version of every name.", "ml.data.list"),
    Verb("data", "show", "REF", "Show what is known of a version.", "ml.data.show", detail=True),
    Verb("data", "history", "NAME", "List all versions of a name, newest first.", "ml.data.history"),
    Verb("data", "diff", "BEFORE [AFTER]", "Tell which rows, cells and columns differ.", "ml.data.diff", detail=True),
    Verb(
        *("data", "profile", "VALUE", "Tell what each column of a version, file or table holds.", "ml.data.profile"),
        only_python=DRAWN,
    ),
    Verb(
        *("data", "concat", "REFS…", "Save the rows of tables, one below another, as a version.", "ml.data.concat"),
        only_python=DRAWN,
    ),
    Verb("data", "blame", "REF", "Tell which version and cell last changed a column.", "ml.data.blame"),
    Verb("data", "tag", "REF KEY=VALUE…", "Set tags of a version, or take them off.", "ml.data.tag"),
    Verb("data", "alias", "REF ALIAS", "Move an alias to a version, or take it off.", "ml.data.alias"),
    Verb("data", "delete", "REF", "Hide a version, or a whole name, until restored.", "ml.data.delete"),
    Verb("data", "restore", "REF", "Bring back what was deleted.", "ml.data.restore"),
    Verb("data", "rename", "OLD NEW", "Give all versions of a name another name.", "ml.data.rename"),
    Verb(
        *("data", "push", "[REFS]…", "Send versions to a remote, what is missing there.", "ml.data.push"),
        only_python=DRAWN,
    ),
    Verb(
        *("data", "pull", "[REFS]…", "Fetch versions from a remote, with their lineage.", "ml.data.pull"),
        only_python=DRAWN,
    ),
    Verb(
        *("data", "erase", "[NAMES]…", "Erase rows by a condition from every version.", "ml.data.erase"),
        detail=True,
        only_python=DRAWN,
    ),
)
