"""A frozen pipeline: its notebooks' sources, parameters, lock and environment as one object.

``docs/formats/pipeline.md`` specifies the archive: canonical JSON, so that the same content has the
same digest wherever and whenever it is frozen.
"""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbmlops.core import digests
from nbmlops.core.errors import UnsupportedError

__all__ = ["PROTOCOL", "Frozen", "differences", "freeze", "source_only", "thaw", "unpack"]

_NAMED = 3

PROTOCOL = 1


@dataclass(frozen=True, slots=True)
class Frozen:
    """Content of a frozen pipeline.

    `notebooks` are by their path relative to the project, in step order; `parameters` by step and name;
    `lock` holds the digest of what came from outside the pipeline, by kind and reference.
    """

    name: str
    notebooks: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Mapping[str, Any]]
    lock: Mapping[str, str]
    environment: Mapping[str, Any]


def freeze(frozen: Frozen) -> bytes:
    """The archive of a pipeline, without outputs, execution counts and run metadata of its notebooks."""
    return digests.canonical_json(
        {
            "protocol": PROTOCOL,
            "name": frozen.name,
            "notebooks": [[path, source_only(notebook)] for path, notebook in frozen.notebooks.items()],
            "parameters": dict(frozen.parameters),
            "lock": dict(frozen.lock),
            "environment": dict(frozen.environment),
        }
    )


def thaw(archive: bytes) -> Frozen:
    """Read an archive.

    Raises
    ------
    UnsupportedError
        When a newer nbmlops wrote it.
    """
    content = json.loads(archive)
    if content["protocol"] > PROTOCOL:
        raise UnsupportedError(
            f"the frozen pipeline has protocol {content['protocol']}, this nbmlops reads up to {PROTOCOL}",
            hint="pip install --upgrade nbmlops",
        )
    return Frozen(
        content["name"], dict(content["notebooks"]), content["parameters"], content["lock"], content["environment"]
    )


def differences(frozen: Mapping[str, Any], present: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the present environment is another than the frozen one, a sentence for each sort of thing.

    Examples
    --------
    >>> differences({"python": "3.12.1", "distributions": {"numpy": "2.0"}}, {"python": "3.12.1"})
    ('distributions are not as frozen: numpy 2.0 → none',)
    """
    notes = []
    if frozen.get("python") != present.get("python"):
        notes.append(f"Python is not as frozen: {frozen.get('python')} → {present.get('python')}")
    for sort in ("distributions", "modules"):
        before, after = frozen.get(sort, {}), present.get(sort, {})
        other = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        said = [
            name if sort == "modules" else f"{name} {before.get(name, 'none')} → {after.get(name, 'none')}"
            for name in other[:_NAMED]
        ]
        more = [f"{len(other) - _NAMED} more"] if len(other) > _NAMED else []
        if other:
            notes.append(f"{sort} are not as frozen: {', '.join([*said, *more])}")
    return tuple(notes)


def unpack(frozen: Frozen, folder: Path) -> list[Path]:
    """Write the notebooks of a frozen pipeline below `folder`; their paths in step order.

    Each is there as a whole or not at all: others may run the same version at this moment.
    """
    paths = []
    for name, notebook in frozen.notebooks.items():
        path = folder / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{secrets.token_hex(8)}.ipynb")
        made.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        made.replace(path)
        paths.append(path)
    return paths


def source_only(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a notebook without outputs, execution counts and what runs wrote into its metadata."""
    kept = copy.deepcopy({key: notebook[key] for key in ("cells", "metadata", "nbformat", "nbformat_minor")})
    kept["metadata"] = {
        key: kept["metadata"][key] for key in ("kernelspec", "language_info") if key in kept["metadata"]
    }
    kept["metadata"].get("language_info", {}).pop("version", None)
    for cell in kept["cells"]:
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key == "tags"}
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return kept
