"""Verbs on remotes."""

from __future__ import annotations

from nbmlops.commands.verb import Verb

__all__ = ["VERBS"]

VERBS = (
    Verb("remote", "add", "NAME WHERE", "Give a folder or URL a name in pyproject.toml.", "ml.remote.add"),
    Verb("remote", "list", "", "List the remotes that the project names.", "ml.remote.list"),
    Verb("remote", "remove", "NAME", "Forget a remote; what lies there stays.", "ml.remote.remove"),
)
