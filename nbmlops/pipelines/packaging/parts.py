"""What a frozen pipeline is in a package: files that people can read, which give its digest when put together again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError, RefusedError
from nbmlops.core.refs import check_name
from nbmlops.pipelines import freezing
from nbmlops.pipelines.packaging.archive import fault_of, refused

if TYPE_CHECKING:
    from nbmlops.pipelines.packaging.archive import Archive

__all__ = ["DATA", "PROJECT", "frozen_of", "head_of", "parts_of", "requirements"]

PROJECT = "project/"
"""Where the notebooks and modules are."""
DATA = "data/"
"""Where the data is that comes along, as a remote."""

_DOCUMENTS = ("parameters", "lock", "environment", "schedules")
_LIST = "requirements.txt"
_ITSELF = "nbmlops"


def head_of(frozen: freezing.Frozen, number: int | None) -> dict[str, Any]:
    """What the manifest says of a frozen pipeline, besides the parts."""
    return {
        "name": frozen.name,
        "number": number,
        "digest": digests.of_bytes(freezing.freeze(frozen)),
        "frozen": frozen.protocol,
        "python": frozen.environment["python"],
        "notebooks": list(frozen.notebooks),
        "modules": sorted(frozen.modules),
        "path": list(frozen.path),
    }


def parts_of(frozen: freezing.Frozen) -> dict[str, bytes]:
    """The parts of a frozen pipeline, by their path in the package.

    Raises
    ------
    RefusedError
        When modules that it needs were not frozen with it, or lie outside of the project.
    """
    _refuse_lacking(frozen)
    parts = {f"{PROJECT}{path}": content for path, content in frozen.modules.items()}
    parts |= {f"{PROJECT}{path}": _json(freezing.source_only(one)) for path, one in frozen.notebooks.items()}
    parts |= {f"{name}.json": _json(getattr(frozen, name)) for name in _DOCUMENTS}
    return {**parts, _LIST: requirements(frozen.environment).encode()}


def _refuse_lacking(frozen: freezing.Frozen) -> None:
    needed = frozen.environment.get("modules", {})
    lacking = [path for path in needed if path not in frozen.modules]
    if lacking:
        raise RefusedError(
            f"{frozen.name} was frozen by an earlier nbmlops, without the modules that it imports: {lacking[0]}",
            hint=f"promote it again, which freezes them too: `ml pipeline promote {frozen.name}`",
        )
    outside = [path for path in needed if PurePosixPath(path).is_absolute()]
    if outside:
        raise RefusedError(
            f"{frozen.name} imports {outside[0]}, which lies outside of the project",
            hint="move it into the project, or install it as a distribution",
        )


def requirements(environment: Mapping[str, Any]) -> str:
    """The distributions that a pipeline was proved with, as pip takes them, without nbmlops, which reads the package.

    Examples
    --------
    >>> print(requirements({"python": "3.12.1", "distributions": {"nbmlops": "0.1.0", "numpy": "2.0"}}), end="")
    # Python 3.12.1
    # nbmlops 0.1.0
    numpy==2.0
    """
    known = dict(environment["distributions"])
    head = [f"# Python {environment['python']}", f"# {_ITSELF} {known.pop(_ITSELF, 'is not installed')}"]
    return "\n".join([*head, *(f"{name}=={version}" for name, version in sorted(known.items()))]) + "\n"


def frozen_of(archive: Archive) -> freezing.Frozen:
    """Put a frozen pipeline together again.

    Raises
    ------
    CorruptError
        When a part is damaged, or all of them do not give the digest that the manifest tells.
    """
    head = archive.head
    try:
        documents = {name: json.loads(archive.read(f"{name}.json")) for name in _DOCUMENTS}
        notebooks = {path: json.loads(archive.read(f"{PROJECT}{path}")) for path in head["notebooks"]}
        modules = {path: archive.read(f"{PROJECT}{path}") for path in head["modules"]}
        found = freezing.Frozen(
            check_name(head["name"]),
            notebooks,
            **documents,
            modules=modules,
            path=head["path"],
            protocol=head["frozen"],
        )
        frozen = freezing.freeze(found)
        asked, listed = (_lines(text) for text in (requirements(found.environment), archive.read(_LIST).decode()))
        outside = fault_of(found.path)
    except InvalidError as error:
        raise refused(archive.name, error.message) from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise refused(archive.name, f"its parts are no pipeline ({error!r})"[:300]) from None
    if digests.of_bytes(frozen) != head["digest"]:
        raise refused(archive.name, "its parts are not the version that its manifest names")
    if asked != listed or outside:
        raise refused(archive.name, outside or f"its {_LIST} is not that of the version")
    own = {_LIST, *(f"{name}.json" for name in _DOCUMENTS), *(f"{PROJECT}{path}" for path in (*notebooks, *modules))}
    other = [path for path in archive.parts if path not in own and not path.startswith(DATA)]
    if other:
        raise refused(archive.name, f"it has parts that no package has: {', '.join(map(repr, other[:3]))}")
    return freezing.thaw(frozen)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
