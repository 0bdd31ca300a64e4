"""Names that a project may have, and its package with it."""

from __future__ import annotations

import keyword
import re
import sys

from nbmlops.core.errors import InvalidError
from nbmlops.core.refs import check_name

__all__ = ["package_of"]

_LONGEST = 40
# What its notebooks and tests import: a package of that name would stand before it.
_TAKEN = frozenset("features model nbmlops numpy pandas polars pyarrow pytest sklearn skops src test tests".split())


def package_of(name: str) -> str:
    """The name of the package of a project, which its data, model and pipeline have too.

    Raises
    ------
    InvalidError
        When no package can be called so; the hint has the nearest name that one can.

    Examples
    --------
    >>> package_of("flights-late")
    'flights_late'
    """
    package = name.replace("-", "_")
    if len(name) > _LONGEST:
        raise InvalidError(f"the project's name has {len(name)} characters; at most {_LONGEST} are allowed")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", package) or package.endswith("_"):
        raise InvalidError(
            f"the project's name {name!r} is no name of a Python package: a letter, then letters, digits, '-' or '_'",
            hint=f"`ml init --project {_nearest(name)}`",
        )
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package in _TAKEN:
        raise InvalidError(
            f"{package} is the name of something that Python or the project imports",
            hint=f"`ml init --project my-{package.replace('_', '-')}`",
        )
    return check_name(package)


def _nearest(name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST].strip("-")
    return words if words[:1].isalpha() else f"project-{words}".strip("-")
