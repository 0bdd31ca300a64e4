"""How an estimator becomes bytes and comes back: one object for each format, found by its recorded name.

The format is written into the registry when a model is saved and is part of what is signed. It is never
guessed from bytes or a file's ending, and there is no second try with another format: a file that skops
refuses is refused, never unpickled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from nbmlops.core.errors import UnsupportedError

__all__ = ["FORMATS", "Format", "Skops", "format_named"]


class Format(Protocol):
    """A way to write an estimator as bytes and to build it again."""

    @property
    def name(self) -> str:
        """What the registry records."""

    def dump(self, estimator: Any) -> bytes:
        """Write `estimator`; the same fitted estimator always gives the same bytes."""

    def load(self, content: bytes, types: Iterable[str]) -> Any:
        """Build the estimator from bytes whose digest and signature have been checked.

        `types` are those that the person trusts by name.
        """


class Skops:
    """scikit-learn estimators as canonical skops files (``docs/formats/model.md``)."""

    name = "skops"

    def dump(self, estimator: Any) -> bytes:
        """Write `estimator`; whether it may be loaded again is for `load` to say.

        Raises
        ------
        UnsupportedError
            When skops cannot write it.
        """
        from skops.io import dumps

        from nbmlops.models.canonical import canonical
        from nbmlops.models.reach import without_cycles

        try:
            with without_cycles(estimator):
                return canonical(dumps(estimator))
        except RecursionError:
            raise UnsupportedError(
                f"{_name(estimator)} refers to itself, which a skops file cannot hold",
                hint="save the fitted part that predicts",
            ) from None
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            raise UnsupportedError(
                f"{_name(estimator)} cannot be written as a skops file: {error}",
                hint="skops holds scikit-learn estimators and what is made of them",
            ) from error

    def load(self, content: bytes, types: Iterable[str]) -> Any:
        """Screen the file, build the estimator, and check its indices.

        Raises
        ------
        UntrustedError, InvalidError, CorruptError, UnsupportedError
            See `nbmlops.models.screening.screen` and `nbmlops.models.bounds.check`; also an
            UnsupportedError when a library that the model needs is missing or of another version.
        """
        from skops.io import loads

        from nbmlops.models import bounds
        from nbmlops.models.screening import screen

        trusted = screen(content, types)
        try:
            model = loads(content, trusted=trusted)
        except (AttributeError, ImportError) as error:
            raise UnsupportedError(
                f"the model needs code that is not installed here: {error}",
                hint="install the library versions that it was saved with: `ml model show NAME`",
            ) from error
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise UnsupportedError(
                f"the model cannot be built by the libraries installed here: {error}",
                hint="install the library versions that it was saved with: `ml model show NAME`",
            ) from error
        bounds.check(model)
        return model


FORMATS: dict[str, Format] = {"skops": Skops()}


def format_named(name: str) -> Format:
    """Format of that name.

    Raises
    ------
    UnsupportedError
        When this version has no such format; nothing else is tried.
    """
    if name not in FORMATS:
        raise UnsupportedError(
            f"the model was saved in the format {name!r}; this nbmlops knows {', '.join(FORMATS)}",
            hint="pip install --upgrade nbmlops",
        )
    return FORMATS[name]


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"
