"""A frozen pipeline: sources of its notebooks and modules, parameters, lock, environment and schedules as one object.

``docs/formats/pipeline.md`` specifies it: canonical JSON, so that the same content has the same digest
wherever and whenever it is frozen.
"""

from __future__ import annotations

import base64
import copy
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbmlops.core import digests
from nbmlops.core.errors import UnsupportedError

__all__ = ["PROTOCOL", "Frozen", "differences", "freeze", "source_only", "thaw", "unpack"]

_NAMED = 3

PROTOCOL = 2


@dataclass(frozen=True, slots=True)
class Frozen:
    """Content of a frozen pipeline.

    `notebooks` are by their path relative to the project, in step order; `parameters` by step and name;
    `lock` holds the digest of what came from outside the pipeline, by kind and reference. `modules` are the files of
    the project that the notebooks import, by their path, and `path` the folders of it where they are looked for.
    `schedules` are those that start it. Protocol 1 had none of the last three.
    """

    name: str
    notebooks: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, Mapping[str, Any]]
    lock: Mapping[str, str]
    environment: Mapping[str, Any]
    modules: Mapping[str, bytes] = field(default_factory=dict)
    path: Sequence[str] = ()
    schedules: Sequence[Mapping[str, Any]] = ()
    protocol: int = PROTOCOL


def freeze(frozen: Frozen) -> bytes:
    """The object of a pipeline, without outputs, execution counts and run metadata of its notebooks."""
    content = {
        "protocol": frozen.protocol,
        "name": frozen.name,
        "notebooks": [[path, source_only(notebook)] for path, notebook in frozen.notebooks.items()],
        "parameters": dict(frozen.parameters),
        "lock": dict(frozen.lock),
        "environment": dict(frozen.environment),
    }
    if frozen.protocol > 1:
        content["modules"] = {path: _written(held) for path, held in frozen.modules.items()}
        content |= {"path": list(frozen.path), "schedules": [dict(one) for one in frozen.schedules]}
    return digests.canonical_json(content)


def thaw(archive: bytes) -> Frozen:
    """Read the object of a pipeline.

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
        content["name"],
        dict(content["notebooks"]),
        content["parameters"],
        content["lock"],
        content["environment"],
        {path: _read(held) for path, held in content.get("modules", {}).items()},
        tuple(content.get("path", ())),
        tuple(content.get("schedules", ())),
        content["protocol"],
    )


def _written(content: bytes) -> dict[str, str]:
    """The content of a module as JSON can hold it: its text, or what is no UTF-8 in base64."""
    try:
        return {"text": content.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _read(held: Mapping[str, str]) -> bytes:
    return held["text"].encode() if "text" in held else base64.b64decode(held["base64"], validate=True)


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
