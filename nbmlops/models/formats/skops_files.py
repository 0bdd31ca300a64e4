"""scikit-learn estimators as canonical skops files (``docs/formats/model.md``): the default."""

from __future__ import annotations

from typing import Any

from nbmlops.core.errors import UnsupportedError
from nbmlops.models.formats.protocol import Trust
from nbmlops.render.units import count

__all__ = ["Skops"]

_OTHER_LIBRARY = "install the library versions that it was saved with: `ml model show NAME`"


class Skops:
    """Files whose every type is judged before anything is built."""

    name = "skops"
    ending = ".skops"
    libraries = ("skops",)
    bound = 0.0

    def made_for(self, estimator: Any) -> bool:  # noqa: ARG002 - what no other format is made for comes here
        """No class in particular: it is the default."""
        return False

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:  # noqa: ARG002 - see `Format.dump`
        """Write `estimator`; whether it may be loaded again is for `load` to say.

        The same fitted estimator always gives the same bytes.

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

    def inspect(self, content: bytes, trust: Trust) -> str:
        """Screen the file; see `nbmlops.models.screening.screen` for what is raised."""
        from nbmlops.models.screening import screen

        doubted = screen(content, trust.types)
        by_name = sorted(trust.types.intersection(doubted))
        told = f"{count(len(doubted) - len(by_name), 'type')} of the reviewed list"
        return f"{told}, trusted by you: {', '.join(by_name)}" if by_name else told

    def load(self, content: bytes, trust: Trust) -> Any:
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

        trusted = screen(content, trust.types)
        try:
            model = loads(content, trusted=trusted)
        except (AttributeError, ImportError) as error:
            raise UnsupportedError(
                f"the model needs code that is not installed here: {error}", hint=_OTHER_LIBRARY
            ) from error
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise UnsupportedError(
                f"the model cannot be built by the libraries installed here: {error}", hint=_OTHER_LIBRARY
            ) from error
        bounds.check(model)
        return model


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"
