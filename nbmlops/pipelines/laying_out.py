"""The code of a frozen pipeline in a folder of its own, where the project's own cannot come between it and a step."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.errors import InvalidError, UnavailableError
from nbmlops.pipelines.plan import Home

if TYPE_CHECKING:
    from nbmlops.pipelines.freezing import Frozen

__all__ = ["lay_out"]


def lay_out(frozen: Frozen, root: Path) -> tuple[Home, tuple[Path, ...]]:
    """Write the notebooks and modules of a frozen pipeline below `root`, at the paths that they had in their project.

    Gives where its code lies then, and the paths of the notebooks in step order.

    Raises
    ------
    InvalidError
        When something in the folder leads out of it.
    UnavailableError
        When it cannot be written.
    """
    root = root.resolve()
    notebooks = {
        name: json.dumps(each, indent=1, ensure_ascii=False).encode() for name, each in frozen.notebooks.items()
    }
    _write(root, {**frozen.modules, **notebooks})
    return Home(root, tuple(root / entry for entry in frozen.path)), tuple(root / name for name in frozen.notebooks)


def _write(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each whole or not at all: others may run the same version at this moment."""
    for name, content in files.items():
        path = root / name
        if not path.resolve().is_relative_to(root):
            raise InvalidError(f"{path} leads out of {root}", hint=f"remove {root}, which may be lost")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.read_bytes() == content:
                continue
            made = path.with_name(f".{secrets.token_hex(8)}")
            made.write_bytes(content)
            made.replace(path)
        except OSError as error:
            raise UnavailableError(
                f"cannot unpack {name} into {root}: {error.strerror}", hint="check permissions and free space"
            ) from error
