"""Where the tutorial notebooks lie.

An installed package carries them as data; a checkout has them in ``notebooks/``, where people look for them.
"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from nbmlops.core.errors import NotFoundError

__all__ = ["tutorials"]


def tutorials(package: Traversable | None = None, checkout: Path | None = None) -> tuple[Traversable, ...]:
    """Give the tutorial notebooks, ordered by name.

    Parameters
    ----------
    package : Traversable, optional
        The folder of an installed package that carries them as ``tutorials``; this package by default.
    checkout : Path, optional
        The folder of a checkout that has them as ``notebooks``; the one this file lies in by default.

    Returns
    -------
    tuple of Traversable
        Files such as ``1_ingest.ipynb``; read them with ``read_bytes()``.

    Raises
    ------
    NotFoundError
        Neither place has any: the package is damaged.

    Examples
    --------
    >>> [file.name for file in tutorials()][:2]
    ['0_tour.ipynb', '1_ingest.ipynb']
    """
    package = resources.files("nbmlops.demo") if package is None else package
    checkout = Path(__file__).parents[2] if checkout is None else checkout
    for folder in (package / "tutorials", checkout / "notebooks"):
        found = _notebooks(folder)
        if found:
            return found
    raise NotFoundError(
        "this installation of nbmlops carries no tutorial notebooks: it is damaged",
        hint="pip install --force-reinstall nbmlops",
    )


def _notebooks(folder: Traversable) -> tuple[Traversable, ...]:
    if not folder.is_dir():
        return ()
    return tuple(
        sorted((file for file in folder.iterdir() if file.name.endswith(".ipynb")), key=lambda file: file.name)
    )
