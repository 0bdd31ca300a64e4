"""Predictors of one's own, in plain Python: a class of a module that says itself how it is written as JSON.

The protocol is two methods: ``to_json(self)`` gives plain JSON values, and the class method ``from_json(values)``
makes an equal predictor of them. The file holds the class's name beside them. Its module is imported only when
the person trusts the class by name, as with any type that is not reviewed.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

from nbmlops.core.errors import CorruptError, InvalidError, UnsupportedError, UntrustedError
from nbmlops.models.allowlist import never
from nbmlops.models.formats.documents import parsed
from nbmlops.models.formats.protocol import Trust

__all__ = ["Plain"]

_FORM = 1


class Plain:
    """JSON documents with the name of the class that reads them."""

    name = "plain"
    ending = ".json"
    libraries = ()
    bound = 0.0

    def made_for(self, estimator: Any) -> bool:
        """Whether its class has the two methods, and a predict."""
        kind = type(estimator)
        return all(callable(getattr(kind, method, None)) for method in ("to_json", "from_json", "predict"))

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:  # noqa: ARG002 - see `Format.dump`
        """Write what `to_json` gives.

        Raises
        ------
        InvalidError
            When the class lacks a method of the protocol, is of a cell, or gives what JSON cannot hold.
        """
        kind = type(estimator)
        if not self.made_for(estimator):
            raise InvalidError(
                f"{kind.__name__} cannot be saved as plain: it lacks predict, to_json or the class method from_json",
                hint="to_json gives plain values; from_json makes an equal predictor of them",
            )
        if kind.__module__ in {"__main__", "__mp_main__"} or "." in kind.__qualname__:
            raise InvalidError(
                f"{kind.__qualname__} was defined in a cell or inside another thing; it could not be loaded elsewhere",
                hint="move it to a module beside the notebook and import it from there",
            )
        document = {"class": f"{kind.__module__}.{kind.__qualname__}", "form": _FORM, "values": estimator.to_json()}
        try:
            return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidError(
                f"to_json of {kind.__qualname__} gives what JSON cannot hold: {error}",
                hint="give dicts with texts for keys, lists, texts, finite numbers, booleans and None",
            ) from error

    def inspect(self, content: bytes, trust: Trust) -> str:
        """Judge the class by its name, without importing it.

        Raises
        ------
        CorruptError
            When the bytes are no such document.
        UntrustedError
            When the person does not trust the class by name.
        """
        return f"trusted by you: {self._read(content, trust)[0]}"

    def load(self, content: bytes, trust: Trust) -> Any:
        """Import the class that the person trusts, and let it read its values.

        Raises
        ------
        CorruptError, UntrustedError
            See `inspect`.
        UnsupportedError
            When the class is not here or cannot read them.
        """
        name, values = self._read(content, trust)
        module, _, word = name.rpartition(".")
        try:
            kind = getattr(importlib.import_module(module), word)
            if not isinstance(kind, type):
                raise TypeError(f"{name} is no class")
            return kind.from_json(values)  # type: ignore[attr-defined]
        except Exception as error:  # the class is the user's own and raises what it likes
            raise UnsupportedError(
                f"{name} cannot read the values of this model: {type(error).__name__}: {error}",
                hint="install the version of the module that it was saved with",
            ) from error

    def _read(self, content: bytes, trust: Trust) -> tuple[str, Any]:
        document = parsed(content, "a plain model")
        if set(document) != {"class", "form", "values"} or not isinstance(document["class"], str):
            raise CorruptError("the model's file is not a plain model: it lacks its class or its values")
        if document["form"] != _FORM:
            raise UnsupportedError(
                f"the plain model has form {document['form']!r}; this version reads {_FORM}",
                hint="pip install --upgrade nbmlops",
            )
        name = document["class"]
        if why := never(name):
            raise UntrustedError(f"the model is a {name}, which nobody can trust: {why}", hint="do not use this file")
        if name not in trust.types:
            raise UntrustedError(
                f"the model is a {name}, a class that nbmlops has not reviewed and you do not trust",
                hint=f"when you know what it does: `ml model trust {name}`",
            )
        return name, document["values"]
