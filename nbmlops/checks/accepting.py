"""What may stand where a suite is wanted: a suite, one that is being built, its text or file, a schema of pandera."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nbmlops.checks.suite import Suite, SuiteBuilder
from nbmlops.core.errors import InvalidError, NotFoundError

__all__ = ["read_suite"]


def read_suite(value: Any, name: str = "") -> Suite:
    """Read `value` as a suite, called `name` when it has no name of its own.

    Raises
    ------
    InvalidError
        When the text does not parse, or `value` is nothing that a suite can be read from.
    NotFoundError
        When the file does not exist.
    """
    if isinstance(value, Suite):
        return value
    if isinstance(value, SuiteBuilder):
        return value.done()
    if isinstance(value, os.PathLike):
        path = Path(value)
        if not path.exists() or path.is_dir():
            raise NotFoundError(f"there is no file {path}")
        try:
            return Suite.parse(path.read_text(encoding="utf-8"), name)
        except UnicodeDecodeError:
            raise InvalidError(f"{path} is no text in UTF-8, and so no suite") from None
    if isinstance(value, str):
        return Suite.parse(value, name)
    from nbmlops.checks.schemas import imported, is_schema

    if is_schema(value):
        return imported(value, name)
    kind = value.__name__ if isinstance(value, type) else type(value).__qualname__
    raise InvalidError(f"{kind} is no suite", hint="give a suite, its text, or a schema of pandera")
