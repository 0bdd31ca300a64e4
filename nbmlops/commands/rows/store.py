"""Verbs on the store itself."""

from __future__ import annotations

from nbmlops.commands.verb import DRAWN, Verb

__all__ = ["VERBS"]

_VERIFY = "in Python: ml.store.verify_audit(against)"
_EXPORT = "in Python: ml.store.export_audit(form, path)"

VERBS = (
    Verb("store", "verify", "", "Look for damaged or missing bytes.", "ml.store.verify", only_python=DRAWN),
    Verb(
        *("store", "stats", "", "Tell what each name takes, what it shares, and what gc would free.", "ml.store.stats"),
        only_python=DRAWN,
    ),
    Verb(
        *("store", "gc", "", "Free the bytes that nothing needs, and say whose they were.", "ml.store.gc"),
        only_python=DRAWN,
    ),
    Verb(
        *("store", "audit", "", "List who did what, newest first; verify the trail, export it.", "ml.store.audit"),
        only_here={"verify": _VERIFY, "against": _VERIFY, "export": _EXPORT, "to": _EXPORT},
    ),
    Verb(
        *("store", "export", "FORM FILE", "Write the catalog for OpenLineage or DataHub.", "ml.store.export"),
        only_python=DRAWN,
    ),
    Verb("store", "hold", "REFS…", "Let nothing of it be deleted or erased.", "ml.store.hold"),
    Verb("store", "release", "HOLDS…", "Release holds, by number or by what each is on.", "ml.store.release"),
    Verb("store", "holds", "", "List what may not be deleted or erased, and why.", "ml.store.holds"),
    Verb("store", "retention", "", "List the rules by which versions are retired.", "ml.store.retention"),
    Verb("store", "retain", "", "Tell which versions no rule keeps, or delete them.", "ml.store.retain"),
    Verb(
        *("store", "certificate", "[ERASURE]", "Sign what an erasure did, or verify it.", "ml.store.certificate"),
        only_here={"verify": "in Python: ml.store.verify_certificate(path)"},
        detail=True,
    ),
    Verb("store", "repair", "", "Fetch good copies from where they were pushed to.", "ml.store.repair"),
    Verb("store", "backup", "FILE", "Copy the catalog into a file.", "ml.store.backup", only_python=DRAWN),
    Verb(
        *("store", "restore", "FILE", "Make the catalog what it was at a backup.", "ml.store.restore"),
        only_python=DRAWN,
    ),
    Verb("store", "policy", "", "Show who may do what, or adopt a policy.", "ml.store.policy", detail=True),
    Verb("store", "break-glass", "REASON", "Allow yourself everything for an hour, on record.", "ml.store.break_glass"),
    Verb("store", "grant", "[USER] [ROLE]", "Give a user of PostgreSQL a role, or list who has one.", "ml.store.grant"),
    Verb("store", "revoke", "USER", "Take the role from a user of PostgreSQL.", "ml.store.revoke"),
)
