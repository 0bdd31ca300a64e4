"""Checks exported runs before anything of them is imported: their form, and each byte of their artifacts."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbmlops.core import digests
from nbmlops.core.clock import instant
from nbmlops.core.errors import NbmlopsError, NotFoundError
from nbmlops.core.refs import check_name
from nbmlops.store.streams import digest_of_file
from nbmlops.tracking.active import labels
from nbmlops.tracking.artifacts import check_artifact
from nbmlops.tracking.interchange.form import ARTIFACTS, LINES, Line, corrupt, lines
from nbmlops.tracking.interchange.telling import ABOUT
from nbmlops.tracking.records import Cell, Resources
from nbmlops.tracking.wording import check_key

__all__ = ["Found", "Place", "cell_of", "check"]

_ID = re.compile(r"[0-9a-f]{32}")
_STATUSES = frozenset({"running", "finished", "failed", "killed"})
_KINDS = frozenset({"run", "step", "pipeline", "proof"})
_LIMIT = 1 << 63
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lines of a run stand, from its own to the one before the next run's, in bytes."""

    id: str
    experiment: str
    begin: int
    end: int


@dataclass(slots=True)
class Found:
    """What a file of lines holds."""

    runs: list[Place] = field(default_factory=list)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: dict[str, int] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Names of the artifacts of the last run."""


def check(folder: Path, progress: Callable[[int], object] | None = None) -> Found:
    """Read all lines and artifacts of a folder.

    Raises
    ------
    NotFoundError
        When no runs were exported there.
    CorruptError
        When anything in it cannot be; nothing that it names is looked for outside the folder.
    UnsupportedError
        When a newer nbmlops wrote it.
    """
    path, found, ids = folder / LINES, Found(), set[str]()
    if not path.is_file():
        raise NotFoundError(f"there are no exported runs in {folder}: it has no {LINES}", hint="check the path")
    for line in lines(path):
        try:
            _check(line.said, found)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, NbmlopsError) as error:
            why = error.message if isinstance(error, NbmlopsError) else error
            raise corrupt(path, f"line {line.number} tells what cannot be: {why}") from None
        _placed(line, found, ids, path)
        if progress is not None:
            progress(line.end - line.begin)
    for digest, size in found.artifacts.items():
        _check_artifact(folder, digest, size)
        if progress is not None:
            progress(size)
    return found


def _placed(line: Line, found: Found, ids: set[str], path: Path) -> None:
    if line.said[0] == "run":
        found.names.clear()
        _once(line.said[1]["id"], ids, line, path)
        found.runs.append(Place(line.said[1]["id"], line.said[1]["experiment"], line.begin, line.end))
    elif line.said[0] != "environment":
        if not found.runs:
            raise corrupt(path, f"line {line.number} belongs to no run")
        found.runs[-1] = replace(found.runs[-1], end=line.end)
        if line.said[0] == "artifact":
            _once(line.said[1], found.names, line, path)


def _once(what: str, seen: set[str], line: Line, path: Path) -> None:
    if what in seen:
        raise corrupt(path, f"line {line.number} tells of {what[:80]!r} a second time")
    seen.add(what)


def _check(said: list[Any], found: Found) -> None:
    match said:
        case ["environment", str(digest), dict(content)]:
            _must(digests.of_json(content) == digest, "an environment is not that of its digest")
            found.environments[digest] = content
        case ["run", dict(fields)]:
            _check_run(fields, found)
        case ["text", "source" | "diff", str(content)]:
            content.encode()
        case ["params", dict(pairs)]:
            for key in pairs:
                check_key(key)
        case ["tags", dict(pairs)]:
            _must(all(isinstance(value, str) for value in pairs.values()), "a tag is no text")
            labels(pairs)
        case ["metrics", str(key), list(points)]:
            check_key(key)
            for step, at, value in points:
                _must(type(step) is int and -_LIMIT < step < _LIMIT, "a step is no whole number")
                _time(at)
                _must(type(value) in {int, float} or value in _NOT_FINITE, "a value of a metric is no number")
                float(value)
        case ["artifact", str(name), str(digest), int(size)]:
            check_artifact(name)
            _must(digests.is_digest(digest), "a digest is none")
            _must(found.artifacts.setdefault(digest, size) == size, "an artifact has two sizes")
        case ["cell", dict(fields)]:
            cell_of(fields)
        case ["edge", "reads" | "writes" | "carries", dict(version), int(at)]:
            _time(at)
            _must(version["kind"] in {"data", "model", "pipeline"}, "a version is of no kind")
            _must(all(isinstance(version[key], str) for key in ("name", "digest")), "a version has no name")
            _must(version["number"] is None or type(version["number"]) is int, "a version has no number")
        case _:
            raise ValueError(f"{said[0]!r} is not of the form")


def _check_run(fields: dict[str, Any], found: Found) -> None:
    check_name(fields["experiment"])
    _must(set(ABOUT) <= fields.keys(), "a run lacks something")
    for key in ("id", "parent_id"):
        _must(fields[key] is None or _ID.fullmatch(fields[key]), f"its {key} is none")
    _must(fields["id"], "it has no id")
    _must(type(fields["number"]) is int and 0 < fields["number"] < 1 << 31, "its number is none")
    _must(fields["kind"] in _KINDS and fields["status"] in _STATUSES, "its kind or status is none")
    _must(fields["environment"] is None or fields["environment"] in found.environments, "its environment is missing")
    _must(isinstance(fields["notebook"], str | None), "its notebook is no text")
    (fields["notebook"] or "").encode()
    for key in ("error", "git", "resources", "hidden_state"):
        _must(isinstance(fields.get(key), dict | list | None), f"its {key} is no mapping")
    _must(all(isinstance(text, str) for text in (fields["error"] or {}).values()), "its error is no text")
    began, ended = fields["started_at"], fields["ended_at"]
    _time(began)
    _must((ended is None) == (fields["status"] == "running"), "it has ended and runs, or neither")
    if ended is not None:
        _time(ended)
    if fields.get("resources"):
        Resources(**fields["resources"])


def _time(at: Any) -> None:
    _must(type(at) is int, "a time is no whole number")
    instant(at)


def cell_of(told: dict[str, Any]) -> Cell:
    """A cell; its digest is that of the source that it comes with, whatever the file says."""
    source, resources = told["source"], told.get("resources")
    kinds = {"position": int, "status": str, "source": str, "defines": list, "uses": list}
    _must(all(isinstance(told[key], kind) for key, kind in kinds.items()), "a cell is none")
    for text in (source, told["status"], told.get("error") or "", told.get("cell_id") or ""):
        text.encode()
    fields = {
        **told,
        "digest": digests.of_text(source),
        "seconds": float(told["seconds"]),
        "started_at": instant(told["started_at"]),
        "defines": tuple(map(str, told["defines"])),
        "uses": tuple(map(str, told["uses"])),
        "resources": Resources(**resources) if resources else None,
    }
    return Cell(**fields)


def _check_artifact(folder: Path, digest: str, size: int) -> None:
    path = folder / ARTIFACTS / digest
    try:
        # A pipe would be waited for without an end, and a link leads elsewhere.
        _must(stat.S_ISREG(path.lstat().st_mode), "it is no file")
        with path.open("rb") as stream:
            _must(digest_of_file(stream) == digest and path.stat().st_size == size, "its bytes are not those exported")
    except (OSError, ValueError) as error:
        raise corrupt(folder / LINES, f"the artifact {digest[:8]}…: {error}") from None


def _must(holds: object, what: str) -> None:
    if not holds:
        raise ValueError(what)
