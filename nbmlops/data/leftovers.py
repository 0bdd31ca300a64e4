"""Values in what was recorded beside the tables: reports, artifacts of runs, executed notebooks, files handed out.

Text is written anew with a mark in the place of the value; what is no text, or is somebody's own, is only told.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import spoken
from nbmlops.data import files, queries
from nbmlops.data.erasable import Reached
from nbmlops.store.redaction import MARK

if TYPE_CHECKING:
    import numpy as np

    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.redaction import Redaction
    from nbmlops.store.versions import Version

__all__ = ["Leftovers", "clear_backups", "clear_handed_out", "clear_notebooks", "in_project"]

Progress = Callable[[int], None]
_REWRITTEN = 64 << 20
# Of a report: members that are no free text, and numbers that are positions and counts, never values.
_REPORT = frozenset("after before check created_at format judged kind numbers rows run_id section status total".split())
# Of a notebook (nbformat 4): members that are no free text, and all that the format names.
_KEPT = frozenset(
    "cell_type id image/jpeg image/png kernelspec language_info nbformat nbformat_minor output_type".split()
)
_NOTEBOOK = _KEPT | frozenset(
    "attachments cells data ename evalue execution_count metadata name outputs papermill source tags text "
    "traceback".split()
)
_TEXT = frozenset(".csv .html .ipynb .json .jsonl .log .md .py .sql .toml .tsv .txt .yaml .yml".split())
_OWN_LIMIT = 16 << 20
_EVIDENCE = f"such as {MARK}"


@dataclass(slots=True)
class Leftovers:
    """What was found in objects.

    `moved` leads from the digest of each object that was written anew to the new one and its size, `records` counts
    them by kind, `listed` says what holds a value and was left alone.
    """

    moved: dict[str, tuple[str, int]] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def look(
        self,
        objects: ObjectStore,
        catalog: Catalog,
        redaction: Redaction,
        erased: Mapping[str, np.ndarray],
        progress: Progress | None,
        *,
        write: bool,
    ) -> None:
        """Look through the reports and the artifacts of runs.

        Parameters
        ----------
        objects, catalog : ObjectStore, Catalog
            Where they are.
        redaction : Redaction
            What to find.
        erased : mapping
            For each reference of a version the numbers of its erased rows: reports on it name rows.
        progress : callable, optional
            Told the bytes looked through.
        write : bool
            Whether to write anew, or only to count.
        """
        for report in catalog.read(queries.reports):
            content = objects.read(report.object)
            document = json.loads(content)
            clean = _without_rows(document, erased)
            clean = redaction.json(clean, _REPORT)
            if clean != document:
                self._moved(objects, "reports", report.object, canonical_json(clean), write=write)
        for artifact in catalog.read(queries.artifacts):
            with objects.open(artifact.digest) as stream:
                if not redaction or not redaction.is_in_stream(stream, progress):
                    continue
            if artifact.size > _REWRITTEN:
                self.listed.append(_told(redaction, artifact, "it is larger than what is rewritten"))
                continue
            anew = rewritten(objects.read(artifact.digest), artifact.name, redaction)
            if anew is None:
                self.listed.append(_told(redaction, artifact, "it is no text"))
            else:
                self._moved(objects, "artifacts", artifact.digest, anew, write=write)

    def reached(self, places: Iterable[Sequence[Reached]]) -> None:
        """Count what goes of places beyond the catalog and the objects, and tell what does not."""
        for place in itertools.chain.from_iterable(places):
            if place.rows:
                self.records[place.what] = self.records.get(place.what, 0) + place.rows
            self.listed += place.left

    def look_through_versions(
        self, objects: ObjectStore, versions: list[Version], redaction: Redaction, progress: Progress | None
    ) -> None:
        """Look through files, folders, arrays and frozen pipelines, which stay as they are."""
        for version in versions if redaction else []:
            if any(redaction.is_in_stream(stream, progress) for stream in _streams(objects, version)):
                what = version.detail.get("format", version.kind) if version.kind == "data" else version.kind
                ref = redaction.text(version.ref)
                self.listed.append(spoken(f"the {what} {ref}: `ml {version.kind} delete {ref}`"))

    def _moved(self, objects: ObjectStore, kind: str, digest: str, content: bytes, *, write: bool) -> None:
        self.records[kind] = self.records.get(kind, 0) + 1
        if write:
            stored = objects.put(content)
            self.moved[digest] = stored.digest, stored.size


def _told(redaction: Redaction, artifact: Any, why: str) -> str:
    return f"the artifact {redaction.text(artifact.name)} of run {artifact.run_id[:8]}: {why}"


def _streams(objects: ObjectStore, version: Version) -> Iterator[Any]:
    if version.kind == "data" and version.detail["format"] == "folder":
        yield io.BytesIO(objects.read(version.root))
        for member in files.members(objects, version.root).values():
            with objects.open(member.digest) as stream:
                yield stream
    else:
        with objects.open(version.root) as stream:
            yield stream


def _without_rows(document: Any, erased: Mapping[str, np.ndarray]) -> Any:
    """A report in which the rows have the numbers that they have now; what told of an erased row is gone."""
    outcomes = [_outcome_without_rows(outcome, document["subject"], erased) for outcome in document["outcomes"]]
    return {**document, "outcomes": outcomes}


def _outcome_without_rows(outcome: Any, subject: str, erased: Mapping[str, np.ndarray]) -> Any:
    rows, gone = _renumbered(outcome["rows"], erased.get(subject))
    evidence = []
    for each in outcome.get("evidence", ()):
        if each["kind"] == "rows":
            numbers, lost = _renumbered(each["numbers"], erased.get(each["source"] or subject))
            values = [row for place, row in enumerate(each["values"]) if place not in lost]
            gone = gone or lost
            each = {**each, "numbers": numbers, "values": values, "total": each["total"] - len(lost)}  # noqa: PLW2901
        evidence.append(each)
    if not gone:
        return {**outcome, "rows": rows, **({"evidence": evidence} if evidence else {})}
    # Words about rows of which one is gone may tell of it; rows, and counts of many, do not.
    told = [{**each, "words": MARK} if each["kind"] == "bars" and each["words"] else each for each in evidence]
    kept = [each for each in told if each["kind"] not in ("note", "table")]
    kept += [{"kind": "note", "text": MARK}] if len(kept) < len(told) else []
    detail = _EVIDENCE if outcome["detail"] else ""
    return {**outcome, "rows": rows, "detail": detail, **({"evidence": kept} if evidence else {})}


def _renumbered(rows: list[int], erased: np.ndarray | None) -> tuple[list[int], frozenset[int]]:
    """The rows that are left, by the numbers that they have now, and the places in the list of those that are gone."""
    import numpy as np

    if erased is None or not len(erased):
        return rows, frozenset()
    numbers = np.array(rows, np.int64)
    gone = np.isin(numbers, erased)
    left = numbers[~gone] - np.searchsorted(erased, numbers[~gone])
    return left.tolist(), frozenset(np.flatnonzero(gone).tolist())


def rewritten(content: bytes, name: str, redaction: Redaction) -> bytes | None:
    """Text with the mark in the place of values; None for what is no text.

    Notebooks and JSON stay what they are: their structure is kept, and only the texts and numbers in it change.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if Path(name).suffix in {".ipynb", ".json"}:
        try:
            document = json.loads(text)
        except ValueError:
            pass
        else:
            is_notebook = name.endswith(".ipynb")
            clean = redaction.json(document, _KEPT if is_notebook else (), _NOTEBOOK if is_notebook else ())
            if clean == document:
                return content
            indent = None if "\n" not in text.strip() else 1 if is_notebook else 2
            return (json.dumps(clean, indent=indent, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
    return redaction.text(text).encode("utf-8", "surrogatepass")


def clear_notebooks(folder: Path, redaction: Redaction, *, write: bool) -> int:
    """Write the executed notebooks below a folder anew; how many held a value."""
    found = 0
    for path in sorted(folder.rglob("*")) if redaction and folder.is_dir() else []:
        if not path.is_file() or not _is_in(path, redaction):
            continue
        found += 1
        if write:
            anew = rewritten(path.read_bytes(), path.name, redaction)
            if anew is None:
                path.unlink()
            else:
                _put(path, anew)
    return found


def _put(path: Path, content: bytes) -> None:
    files.write_atomically(path, lambda sink: sink.write(content))


def clear_handed_out(scratch: Path, digests: set[str], redaction: Redaction) -> None:
    """Remove the files that `load` handed out of some contents, and any other that holds a value."""
    begins = {digest[:16] for digest in digests}
    for path in list(scratch.iterdir()) if scratch.is_dir() else []:
        if path.name in begins:
            shutil.rmtree(path, ignore_errors=True)
    for path in sorted(scratch.rglob("*")) if redaction and scratch.is_dir() else []:
        if path.is_file() and _is_in(path, redaction):
            path.unlink(missing_ok=True)


def clear_backups(catalog: Catalog, state: Path) -> int:
    """Remove the copies of the catalog that migrations made before they changed it; how many there were.

    Of a SQLite file they lie beside it, of what is no file in the workspace's own folder.
    """
    copies = list(state.glob("catalog-*.before.zip"))
    if catalog.is_sqlite:
        copies += catalog.path.parent.glob(f"{catalog.path.name}.before*")
    for copy in copies:
        copy.unlink()
    return len(copies)


def in_project(root: Path, redaction: Redaction) -> list[str]:
    """Notebooks and other text files of the project that hold a value; they are their author's, and stay."""
    found = []
    for path in _own_files(root) if redaction else []:
        if _is_in(path, redaction):
            shown = redaction.text(path.relative_to(root).as_posix())
            found.append(f"{shown}: a file of yours; clear it, and mind its history in git")
    return found


def _own_files(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        here = Path(folder)
        below[:] = sorted(
            name
            for name in below
            if (not name.startswith(".") or name == ".ipynb_checkpoints")
            and name not in {"__pycache__", "node_modules"}
            and not (here / name / "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            path = here / name
            if path.suffix in _TEXT and path.is_file() and path.stat().st_size <= _OWN_LIMIT:
                yield path


def _is_in(path: Path, redaction: Redaction) -> bool:
    try:
        with path.open("rb") as stream:
            return redaction.is_in_stream(stream)
    except FileNotFoundError:  # somebody else removed it, which is as well
        return False
