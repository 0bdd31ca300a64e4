"""The state of the git repository around a folder; asked beside the work that wants to know it.

The repository may be somebody else's, so nothing that its configuration names is run: no monitor of files, no hook, no
filter, no external diff, no conversion to text, no transport of what a partial clone lacks, nothing of a submodule.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["LONGEST_DIFF", "asked", "diff", "is_in_repository", "origin", "state"]

LONGEST_DIFF: Final = 1_000_000
"""Bytes of a diff that are kept."""
_PATIENCE = 5.0
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_PLAIN = ("--no-color", "--no-renames", "--unified=3", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/")

State = Mapping[str, Any]


def state(folder: Path) -> dict[str, Any] | None:
    """Commit, branch and dirty flag of the repository around `folder`; None when there is none, or no git.

    Parameters
    ----------
    folder : Path
        A folder of the project.
    """
    if not is_in_repository(folder):
        return None
    told = _told(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=dirty")
    return None if told is None else _read(told[0])


def diff(folder: Path) -> tuple[str, bool] | None:
    """What differs between the commit and the files, as ``git diff HEAD`` tells it, and whether its end was cut off.

    None where there is no commit, no repository, or no git.

    Parameters
    ----------
    folder : Path
        A folder of the project; the whole repository is looked at.
    """
    if not is_in_repository(folder):
        return None
    return _told(folder, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", *_PLAIN)


def origin(folder: Path) -> tuple[str, str] | None:
    """The address of the remote ``origin``, and where in the repository the folder is; None where there is none.

    Parameters
    ----------
    folder : Path
        A folder of the project; where it is ends in ``/``, and is empty for the repository's own folder.
    """
    if not is_in_repository(folder):
        return None
    url, below = _told(folder, "config", "--get", "remote.origin.url"), _told(folder, "rev-parse", "--show-prefix")
    return None if url is None or below is None else (url[0].strip(), below[0].strip())


def _told(folder: Path, *words: str) -> tuple[str, bool] | None:
    """What git says to a question, at most `LONGEST_DIFF` bytes to the end of a line, and whether that cut it off."""
    try:
        unfiltered = _unfiltered(folder)
        asking = subprocess.Popen(
            ["git", *_QUIET, "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environ() | unfiltered,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    late = threading.Timer(_PATIENCE, asking.kill)
    late.start()
    try:
        with asking:
            content = asking.stdout.read(LONGEST_DIFF + 1) if asking.stdout else b""
            if cut := len(content) > LONGEST_DIFF:
                asking.kill()
                content = content[: content.rfind(b"\n", 0, LONGEST_DIFF) + 1]
    finally:
        late.cancel()
    # What is no text in a file is no reason to lose the rest; no database keeps a null in a text.
    said = content.decode("utf-8", "replace").replace("\0", "\ufffd")
    return (said, cut) if cut or asking.returncode == 0 else None


def _unfiltered(folder: Path) -> dict[str, str]:
    """Variables by which git uses none of the filters that the repository's own configuration defines."""
    question = ["config", "--show-scope", "--includes", "--name-only", "-z", "--get-regexp", r"^filter\."]
    done = subprocess.run(
        ["git", "-C", str(folder), *question], capture_output=True, timeout=_PATIENCE, env=_environ(), check=False
    )
    words = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    keys = [key for scope, key in zip(words[::2], words[1::2], strict=False) if scope in {"local", "worktree"}]
    if not keys:
        return {}
    there = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    variables = {"GIT_CONFIG_COUNT": str(there + len(keys))}
    for number, key in enumerate(keys, there):
        value = "false" if key.endswith(".required") else ""
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _environ() -> dict[str, str]:
    # Optional locks would make a user's own git command fail now and then.
    return {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}


def _read(told: str) -> dict[str, Any]:
    commit, branch, dirty = None, None, False
    for line in told.splitlines():
        if line.startswith("# branch.oid "):
            commit = line.split(" ", 2)[2]
        elif line.startswith("# branch.head "):
            branch = line.split(" ", 2)[2]
        elif not line.startswith("#"):
            dirty = True
    return {"commit": None if commit == "(initial)" else commit, "branch": branch, "dirty": dirty}


def is_in_repository(folder: Path) -> bool:
    """Whether git may find a repository: it need not be asked where no folder has one."""
    here = folder.absolute()
    return "GIT_DIR" in os.environ or any((one / ".git").exists() for one in (here, *here.parents))


def asked(folder: Path) -> Callable[[], dict[str, Any] | None]:
    """Begin to ask for the state; what is given waits for the answer.

    Git takes longer than a small save (6 ms here, some 100 ms in a large repository), and uses another core.
    """
    if not is_in_repository(folder):
        return lambda: None
    answer: list[dict[str, Any] | None] = []
    thread = threading.Thread(target=lambda: answer.append(state(folder)), name="nbmlops-git", daemon=True)
    thread.start()

    def wait() -> dict[str, Any] | None:
        thread.join()
        return answer[0] if answer else None

    return wait
