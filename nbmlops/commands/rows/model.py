"""Verbs on models."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

VERBS = (
    Verb("model", "save", "ESTIMATOR NAME", "Save a trained model as a new version.", "ml.model.save"),
    Verb("model", "load", "REF", "Load a model that a trusted key signed.", "ml.model.load"),
    Verb("model", "list", "", "List the newest version of every model.", "ml.model.list"),
    Verb("model", "show", "REF", "Show what is known of a version.", "ml.model.show", detail=True),
    Verb("model", "history", "NAME", "List all versions of a model, newest first.", "ml.model.history"),
    Verb("model", "diff", "BEFORE AFTER", "Tell what differs between two versions.", "ml.model.diff"),
    Verb("model", "card", "REF [FILE]", "Gather what is known of a version for others to read.", "ml.model.card"),
    Verb("model", "dossier", "REF", "Answer what an auditor asks of a version.", "ml.model.dossier", detail=True),
    Verb(
        *("model", "score", "REF DATA", "Answer every row of a table, and save the answers.", "ml.model.score"),
        only_python=DRAWN,
    ),
    Verb("model", "describe", "REF", "Say what a model is, whose, and what for.", "ml.model.describe", detail=True),
    Verb("model", "tag", "REF KEY=VALUE…", "Set tags of a version, or take them off.", "ml.model.tag"),
    Verb("model", "promote", "REF", "Move an alias to a version, if its gate passes.", "ml.model.promote"),
    Verb("model", "approve", "NAME", "Approve what another person asked to promote.", "ml.model.approve"),
    Verb("model", "reject", "NAME", "Say no to what waits for approval.", "ml.model.reject"),
    Verb("model", "rollback", "NAME [ALIAS]", "Move an alias back to where it was.", "ml.model.rollback"),
    Verb("model", "drill", "NAME [ALIAS]", "Rehearse a rollback; the alias stays.", "ml.model.drill"),
    Verb(
        *("model", "push", "[REFS]…", "Send versions to a remote, what is missing there.", "ml.model.push"),
        only_python=DRAWN,
    ),
    Verb(
        *("model", "pull", "[REFS]…", "Fetch versions from a remote, with their lineage.", "ml.model.pull"),
        only_python=DRAWN,
    ),
    Verb("model", "delete", "REF", "Hide a version until restored.", "ml.model.delete"),
    Verb("model", "restore", "REF", "Bring back what was deleted.", "ml.model.restore"),
    Verb("model", "rename", "OLD NEW", "Give all versions of a model another name.", "ml.model.rename"),
    Verb("model", "verify", "[REF]", "Look whether versions are what trusted keys signed.", "ml.model.verify"),
    Verb("model", "export", "REF", "Write a version with a signature that others check.", "ml.model.export"),
    Verb("model", "trust", "TYPE", "Trust a type that models may hold.", "ml.model.trust_type"),
)
