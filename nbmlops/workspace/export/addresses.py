"""What is meant outside of the workspace: a table's address elsewhere, and a notebook's in the team's repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from nbmlops.store import git
from nbmlops.store.addresses import recordable

__all__ = ["External", "Repository", "external"]

_SSH = re.compile(r"(?:ssh://)?(?:[\w.-]+@)?([\w.-]+)(?::\d+/|:|/)(?P<path>[^\s]+)")
_STORES = frozenset({"s3", "gs", "abfs", "abfss", "az", "http", "https", "hdfs", "file"})
_BLOBS = ("github", "gitlab", "gitea", "codeberg")
"""Hosts that show a file of a commit below ``/blob/``."""


class External(NamedTuple):
    """A dataset elsewhere, by the naming of OpenLineage: https://openlineage.io/docs/spec/naming."""

    namespace: str
    name: str


def external(source: str | None) -> External | None:
    """The dataset that an address names; None where it names none, as the URL of a database does.

    Examples
    --------
    >>> external("s3://bucket/a/flights.parquet")
    External(namespace='s3://bucket', name='a/flights.parquet')
    >>> external("postgresql://host/db") is None, external("s3://[bucket/a") is None
    (True, True)
    """
    try:
        parts = urlsplit(recordable(source or ""))
    except ValueError:  # no address by any reading, such as a bracket that nothing closes
        return None
    if parts.scheme not in _STORES or not parts.path.strip("/"):
        return None
    # Whoever is logged in is not part of where it is.
    return External(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path.strip("/"))


class Repository:
    """The repository around a project: where others find a file of it.

    Parameters
    ----------
    root : Path
        The project's folder.
    """

    def __init__(self, root: Path) -> None:
        self._url, self._below = git.origin(root) or ("", "")

    def location(self, state: Mapping[str, Any] | None, path: str | None) -> dict[str, str] | None:
        """Where a file of a commit is; None without a commit, or where the repository is on this machine only."""
        web = _web(self._url)
        commit = (state or {}).get("commit")
        if web is None or not commit:
            return None
        told = {"type": "git", "url": web, "repoUrl": f"{web}.git", "version": str(commit)}
        if branch := (state or {}).get("branch"):
            told["branch"] = str(branch)
        if path:
            inside = f"{self._below}{path}"
            told["path"] = inside
            if any(host in urlsplit(web).netloc for host in _BLOBS):
                told["url"] = f"{web}/blob/{commit}/{quote(inside)}"
        return told


def _web(url: str) -> str | None:
    """The page of a repository, from the address that git has of it; never with a login.

    Examples
    --------
    >>> _web("git@github.com:team/flights.git"), _web("https://ann:geheim@host/team/flights.git")
    ('https://github.com/team/flights', 'https://host/team/flights')
    >>> _web("/srv/git/flights.git") is None
    True
    """
    url = url.strip()
    if url.startswith(("https://", "http://")):
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        host, path, scheme = parts.netloc.rpartition("@")[2], parts.path, parts.scheme
    elif (found := _SSH.fullmatch(url)) and not url.startswith(("/", ".", "file:")):
        host, path, scheme = found[1], f"/{found['path'].lstrip('/')}", "https"
    else:
        return None
    path = path.rstrip("/").removesuffix(".git")
    return f"{scheme}://{host}{quote(path)}" if host and path.strip("/") else None
