"""Reading a notebook file, and saying in one sentence what is wrong with one that cannot be run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core import digests
from nbmlops.core.errors import InvalidError, NotFoundError, UnavailableError, UnsupportedError

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["as_notebook", "kernel_of", "read_content", "read_notebook", "tagged"]


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook and check it against the schema of nbformat 4.5.

    Raises
    ------
    NotFoundError, UnavailableError, InvalidError, UnsupportedError
        As `read_content`, and where the schema is not kept.
    """
    return as_notebook(read_content(path), path)


def read_content(path: Path) -> dict[str, Any]:
    """Read a notebook as plain JSON values, each source as one text, each cell with an id.

    A cell without an id, or with one that another cell has, gets one from its place and source, so that
    the same file always gives the same ids. The schema is not checked: that needs nbformat, whose import
    takes longer than finding out that none of a pipeline's steps has to run.

    Raises
    ------
    NotFoundError
        There is no such file.
    UnavailableError
        It cannot be read.
    InvalidError
        It is not JSON, or not a notebook.
    UnsupportedError
        It is of nbformat 3 or older, or of one newer than nbformat knows.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no notebook {path}", hint="give its path from the current folder") from error
    except UnicodeDecodeError as error:
        raise InvalidError(f"{path} is not a notebook: it is not UTF-8 text") from error
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        merge = "it holds the marks of a git merge: resolve it first" if "<<<<<<<" in text else None
        raise InvalidError(
            f"{path} is not a notebook: {error}", hint=merge or "open it in JupyterLab and save it again"
        ) from error
    return _completed(content, path)


def as_notebook(content: Any, path: Path | str) -> NotebookNode:
    """Check what the JSON of a notebook file holds, and give it as a notebook; `content` is completed.

    Raises
    ------
    InvalidError, UnsupportedError
        As `read_notebook`, which says `path` in the same places.
    """
    from nbformat import ValidationError, v4, validate

    content = _completed(content, path)
    try:
        notebook: NotebookNode = v4.to_notebook(content)  # type: ignore[no-untyped-call]
        validate(notebook)
    except ValidationError as error:
        place = "".join(f"[{part!r}]" for part in error.relative_path) if error.relative_path else ""
        raise InvalidError(f"{path} is not a valid notebook: {error.message}{place and f' at {place}'}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidError(f"{path} is not a valid notebook: cells or metadata have the wrong type") from error
    return notebook


def _completed(content: Any, path: Path | str) -> dict[str, Any]:
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise InvalidError(f"{path} is not a notebook: it says no nbformat")
    if content["nbformat"] < 4:
        raise UnsupportedError(
            f"{path} is of nbformat {content['nbformat']}; steps are of nbformat 4",
            hint=f"jupyter nbconvert --to notebook --inplace {path}",
        )
    if content["nbformat"] > 4:
        raise UnsupportedError(f"{path} is of nbformat {content['nbformat']}, newer than this version knows")
    try:
        _complete(content)
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidError(f"{path} is not a valid notebook: cells or metadata have the wrong type") from error
    return content


def _complete(content: dict[str, Any]) -> None:
    seen: set[str] = set()
    for number, cell in enumerate(content["cells"], start=1):
        cell["source"] = "".join(cell["source"])
        if cell.get("id") in seen or not cell.get("id"):
            cell["id"] = digests.of_json([number, cell.get("source")])[:8]
        seen.add(cell["id"])
        cell.setdefault("metadata", {})
    content["nbformat_minor"] = max(int(content.get("nbformat_minor", 0)), 5)


def tagged(notebook: Mapping[str, Any], tag: str) -> list[int]:
    """Give the indexes, from 0, of the cells that carry `tag`."""
    return [index for index, cell in enumerate(notebook["cells"]) if tag in cell["metadata"].get("tags", [])]


def kernel_of(notebook: NotebookNode, name: str) -> str:
    """Give the name of the kernel that the notebook asks for.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook.
    name : str
        What to call it in an error.

    Raises
    ------
    InvalidError
        It names no kernel.
    UnsupportedError
        It is written in another language than Python.
    """
    spec = notebook.metadata.get("kernelspec", {})
    language = notebook.metadata.get("language_info", {}).get("name") or spec.get("language") or "python"
    if language.lower() != "python":
        raise UnsupportedError(f"{name} is written in {language}; steps are Python notebooks")
    kernel = spec.get("name")
    if not isinstance(kernel, str) or not kernel:
        raise InvalidError(f"{name} names no kernel", hint="open it in JupyterLab, choose a kernel and save it")
    return kernel
