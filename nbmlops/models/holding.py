"""What is known of the bytes of models, for those who send and fetch them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbmlops.core.errors import CorruptError, NbmlopsError
from nbmlops.models.records import ModelVersion

if TYPE_CHECKING:
    from nbmlops.store.versions import Version

__all__ = ["ModelHolding"]


class ModelHolding:
    """A model is one object; its signature is asked for when it is loaded, as ever."""

    def needs(self, version: Version) -> list[str]:
        """The object."""
        return [version.root]

    def parts(self, version: Version, read: Callable[[str], bytes] | None = None) -> list[str]:  # noqa: ARG002 - one object names no others
        """None."""
        return []

    def recognise(self, version: Version) -> None:
        """Raise `CorruptError` unless what is told of it is what a model has."""
        try:
            ModelVersion.of(version)
            if not isinstance(version.detail["signed"]["value"], str):
                raise TypeError("its signature is no text")
        except (AttributeError, KeyError, TypeError, ValueError, NbmlopsError) as error:
            raise CorruptError(
                f"what was pulled as {version.ref} is no model: {error!r}"[:300], hint="pull from another remote"
            ) from error

    def check(self, version: Version) -> None:
        """Raise `CorruptError` unless the object is the version's."""
        if version.root != version.digest:
            raise CorruptError(
                f"what was pulled as {version.ref} is not {version.digest[:16]}; it was not added",
                hint="pull from another remote",
            )
