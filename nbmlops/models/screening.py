"""What a skops file would build, judged from its schema before anything is built from it.

skops judges each type by its own rules; what it distrusts must be on our reviewed list, for the loader that
the file uses, or trusted by the person by name. Three ways in which a file could bend those rules are
closed here: a name trusted for one loader and used by another, a function in the place of the type of a
dict's keys (skops would call it), and an object that is declared twice under one id.
"""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterable
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from nbmlops.core.errors import CorruptError, InvalidError, UnsupportedError, UntrustedError
from nbmlops.models.allowlist import ALLOWED, never
from nbmlops.models.canonical import SCHEMA, states

__all__ = ["NeverTrustedError", "screen"]

_OLDEST_PROTOCOL = 2  # that of skops 0.16, the oldest one that nbmlops saves with
_PLAIN_KEYS = frozenset({"NoneType", "bool", "float", "int", "str", "tuple"})
_CELL_MODULES = frozenset({"__main__", "__mp_main__"})
# Loaders through which a type that a person trusts by name may be built.
_BY_NAME = frozenset(
    "ObjectNode ConstructorFromReduceNode FunctionNode MethodNode TypeNode TupleNode ListNode SetNode DictNode".split()
)


class NeverTrustedError(UntrustedError):
    """A type that may not be trusted even by name: no skops file holds it."""


def screen(content: bytes, by_name: Iterable[str]) -> list[str]:
    """Judge a skops file and give the names that skops must be told to trust.

    Parameters
    ----------
    content : bytes
        The file.
    by_name : iterable of str
        Types that the person trusts by name.

    Raises
    ------
    UntrustedError
        When the file holds a type that is neither reviewed nor trusted, or bends skops' rules.
    InvalidError
        When it holds a class or function that was defined in a cell or inside a function.
    CorruptError
        When it is not a skops file in the form that we write.
    UnsupportedError
        When its protocol is one that the installed skops cannot read.
    """
    from skops.io import get_untrusted_types

    found = list(states(_schema(content)))
    try:
        doubted: list[str] = get_untrusted_types(data=content)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorruptError(f"the model's file does not hold together: {error}") from error
    _refuse_bent(found, content)
    loaders: dict[str, set[str]] = {name: set() for name in doubted}
    for state in found:
        loaders.setdefault(f"{state['__module__']}.{state['__class__']}", set()).add(state["__loader__"])
    trusted = frozenset(by_name)
    unknown = [name for name in doubted if not _is_known(name, loaders[name], trusted)]
    misused = [name for name in unknown if name in ALLOWED or (name in trusted and not never(name))]
    if misused:
        raise _bent(f"calls or builds {misused[0]} in another way")
    if unknown:
        raise _refusal(unknown)
    return doubted


def _schema(content: bytes) -> dict[str, Any]:
    from skops.io._protocol import PROTOCOL

    try:
        with ZipFile(io.BytesIO(content)) as file:
            members = file.infolist()
            schema: Any = json.loads(file.read(SCHEMA))
    except (BadZipFile, KeyError, ValueError, RecursionError) as error:
        raise CorruptError("the model's file is not a skops file", hint="`ml store verify`") from error
    names = [member.filename for member in members]
    # Stored members cannot blow up when read, and one name stands for one content.
    if len(set(names)) != len(names) or any(member.compress_type != ZIP_STORED for member in members):
        raise CorruptError("the model's file has doubled or compressed members, which nbmlops does not write")
    protocol = schema.get("protocol") if isinstance(schema, dict) else None
    if type(protocol) is not int or protocol < _OLDEST_PROTOCOL:
        raise CorruptError(f"the model's file has the skops protocol {protocol!r}, which nbmlops never wrote")
    if protocol > PROTOCOL:
        raise UnsupportedError(
            f"the model was saved with skops protocol {protocol}; the installed skops reads up to {PROTOCOL}",
            hint="pip install --upgrade skops",
        )
    return dict(schema)


def _refuse_bent(found: list[dict[str, Any]], content: bytes) -> None:
    once: dict[Any, dict[str, Any]] = {}
    file = ZipFile(io.BytesIO(content))
    for state in found:
        identity = state.get("__id__")
        if identity is not None and once.setdefault(identity, state) != state:
            raise _bent("declares more objects under one id")
        loader = state["__loader__"]
        if str(state.get("file", "")).endswith(".npy") and not _plain_array(state["file"], file):
            raise _bent("keeps other arrays")
        if loader == "DictNode" and not _plain_keys(state.get("key_types")):
            raise _bent("gives a dict keys of other types")
        if loader == "TreeNode" and not _tree_arguments(state, file):
            raise _bent("builds a tree with another number of outputs")


def _plain_array(name: str, file: ZipFile) -> bool:
    """Whether a member is an array of numbers or texts: one of objects is a pickle."""
    import numpy as np

    try:
        with file.open(name) as member:
            version = np.lib.format.read_magic(member)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return not read(member)[2].hasobject
    except (KeyError, ValueError):
        return False


def _plain_keys(state: Any) -> bool:
    return (
        isinstance(state, dict)
        and state.get("__loader__") == "ListNode"
        and f"{state.get('__module__')}.{state.get('__class__')}" == "builtins.list"
        and all(
            kind.get("__loader__") == "TypeNode" and _is_plain(kind["__module__"], kind["__class__"])
            for kind in state["content"]
        )
    )


def _is_plain(module: str, word: str) -> bool:
    import numpy as np

    if module == "numpy":
        scalar = getattr(np, word, None)
        return isinstance(scalar, type) and issubclass(scalar, np.generic)
    return module == "builtins" and word in _PLAIN_KEYS


def _tree_arguments(state: dict[str, Any], file: ZipFile) -> bool:
    """Whether a tree is told of as many outputs as it lists numbers of classes: its constructor does not look."""
    import numpy as np

    try:
        _, classes, outputs = state["__reduce__"]["args"]["content"]
        listed = np.load(io.BytesIO(file.read(classes["file"])), allow_pickle=False)
        return bool(listed.shape == (int(outputs["content"]),))
    except (KeyError, TypeError, ValueError):
        return False


def _is_known(name: str, loaders: set[str], trusted: frozenset[str]) -> bool:
    if name in ALLOWED and loaders and loaders <= ALLOWED[name]:
        return True
    if name not in trusted or never(name) or not loaders <= _BY_NAME:
        return False
    # Called while the file is built: a person who trusts a function means it for data, a class for this.
    return "ConstructorFromReduceNode" not in loaders or isinstance(_resolve(name), type)


def _resolve(name: str) -> Any:
    module, _, word = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), word, None)
    except ImportError:
        return None


def _bent(what: str) -> UntrustedError:
    return UntrustedError(
        f"the model's file {what} than a saved model does", hint="it was not made by saving a model; do not use it"
    )


def _refusal(unknown: list[str]) -> InvalidError | UntrustedError:
    homeless = [name for name in unknown if name.rpartition(".")[0] in _CELL_MODULES or "<" in name]
    if homeless:
        words = ", ".join(name.removeprefix("__main__.") for name in homeless)
        return InvalidError(
            f"the model holds what was defined in a cell or without a name: {words}; it could not be loaded elsewhere",
            hint="move it to a module beside the notebook and import it from there",
        )
    refused = {name: why for name in unknown if (why := never(name))}
    if refused:
        words = "; ".join(f"{name} ({why})" for name, why in refused.items())
        return NeverTrustedError(
            f"the model holds types that nobody can trust: {words}",
            hint="save the fitted part that predicts, such as search.best_estimator_",
        )
    shown = ", ".join(unknown)
    return UntrustedError(
        f"the model holds {'a type' if len(unknown) == 1 else 'types'} that nbmlops has not reviewed and "
        f"you do not trust: {shown}",
        hint=f"when you know what {'it does' if len(unknown) == 1 else 'they do'}: `ml model trust {unknown[0]}`",
    )
