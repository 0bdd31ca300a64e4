"""What every format of model files has: a way to write, to judge without building, and to build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Format", "Trust"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a person lets a model's file do, once its digest and its signature hold.

    Parameters
    ----------
    types : frozenset of str
        Types that they trust by name, besides the reviewed ones.
    code : bool
        Whether the file may run code of its own: their key signed it, or one that they trust with joblib files.
    """

    types: frozenset[str] = frozenset()
    code: bool = False


class Format(Protocol):
    """A way to write a model as bytes and to build it again.

    Nothing but the format's own reader ever sees the bytes. `dump` takes what `load` gives as well.
    """

    @property
    def name(self) -> str:
        """What the registry records, and what is signed."""

    @property
    def ending(self) -> str:
        """How a file of it is called by those who use it elsewhere, such as ``.onnx``."""

    @property
    def libraries(self) -> tuple[str, ...]:
        """Packages whose versions are recorded with a model of this format."""

    @property
    def bound(self) -> float:
        """How far answers may be from those of the estimator, absolutely or in proportion; 0 for equal ones."""

    def made_for(self, estimator: Any) -> bool:
        """Whether `estimator` is written in this format when no other is asked for."""

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:
        """Write `estimator`; `example` are rows of its input.

        Raises
        ------
        InvalidError, UnsupportedError
            When the format cannot hold it.
        """

    def inspect(self, content: bytes, trust: Trust) -> str:
        """Judge the bytes without building anything, and say what they hold in a few words.

        Raises
        ------
        CorruptError, UntrustedError, UnsupportedError, InvalidError
            When `load` would refuse them for what they hold.
        """

    def load(self, content: bytes, trust: Trust) -> Any:
        """Build the model from bytes whose digest and signature have been checked; first does what `inspect` does."""
