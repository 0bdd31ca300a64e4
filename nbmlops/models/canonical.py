"""One form for the bytes of a skops file, so that the same fitted model has the same digest.

What skops writes varies from one process to the next: objects and arrays are named by memory address,
bytes by random UUIDs, zip members carry the time of day, sets come in hash order, and the padding of
structured arrays holds whatever was in memory. ``docs/formats/model.md`` specifies the form written here;
skops loads it like any file of its own.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from nbmlops.core import digests

if TYPE_CHECKING:
    import numpy as np

__all__ = ["FORM", "SCHEMA", "canonical", "states"]

FORM = 1
"""Number of the form; recorded with each model."""
SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Whether two of these are one object or only equal cannot be seen from inside a model, and it
# changes with the interning of strings, so they carry no identity.
_IMMUTABLE = frozenset({"JsonNode", "TypeNode", "FunctionNode", "TupleNode", "BytesNode", "DTypeNode", "SliceNode"})
# The trees of nearest neighbours count their queries in items 7 to 10 of their state (n_trims,
# n_leaves, n_splits, n_calls): what a model was asked is no part of what it is.
_COUNTING = frozenset({"sklearn.neighbors._kd_tree.KDTree", "sklearn.neighbors._ball_tree.BallTree"})


def states(value: Any) -> Iterator[dict[str, Any]]:
    """Walk the states of all objects in a parsed ``schema.json``, in the order in which they are written."""
    if isinstance(value, dict):
        if isinstance(value.get("__loader__"), str):  # a dict of the user's with that key holds a state there
            yield value
        for child in value.values():
            yield from states(child)
    elif isinstance(value, list):
        for child in value:
            yield from states(child)


def canonical(content: bytes) -> bytes:
    """Rewrite a skops file in its one form; a file in that form comes back as it is."""
    with ZipFile(io.BytesIO(content)) as source:
        root = json.loads(source.read(SCHEMA))
        members = _Members(source)
        shared = Counter(state.get("__id__") for state in states(root) if _has_identity(state))
        numbers: dict[Any, int] = {}
        for state in states(root):
            _quiet(state)
        for state in states(root):
            identity = state.pop("__id__", None)
            if identity is not None and _has_identity(state) and shared[identity] > 1:
                state["__id__"] = numbers.setdefault(identity, len(numbers) + 1)
            if "file" in state:
                state["file"] = members.name(state["file"])
    schema = json.dumps(root, separators=(",", ":"), ensure_ascii=False).encode()
    return _zip([(SCHEMA, schema), *members.written()])


def _has_identity(state: dict[str, Any]) -> bool:
    loader, scalar = state["__loader__"], state["__class__"] != "ndarray"
    return loader not in _IMMUTABLE and not (loader == "NdArrayNode" and scalar)


def _quiet(state: dict[str, Any]) -> None:
    """Take out of one state what is chance."""
    kind, content = f"{state['__module__']}.{state['__class__']}", state.get("content")
    if state["__loader__"] == "SetNode":
        state["content"] = sorted(state["content"], key=_text)
    elif kind == "builtins.frozenset" and isinstance(content, dict):
        items = content["content"][0]
        items["content"] = sorted(items["content"], key=_text)
    elif kind in _COUNTING and isinstance(content, dict):
        for counter in content["content"][7:11]:
            counter["content"] = "0"
    elif state["__loader__"] == "DictNode" and "_stop_words_id" in state["content"]:
        # Text vectorizers remember the address of their stop words, only to skip checking them twice.
        state["content"]["_stop_words_id"]["content"] = "0"


def _text(state: dict[str, Any]) -> str:
    return json.dumps(state["content"] if state["__loader__"] == "JsonNode" else _bare(state), sort_keys=True)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(child) for key, child in value.items() if key not in ("__id__", "file")}
    return [_bare(child) for child in value] if isinstance(value, list) else value


class _Members:
    """Files beside the schema, named by the order in which their contents first appear."""

    def __init__(self, source: ZipFile) -> None:
        self._source = source
        self._names: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._contents: list[bytes] = []

    def name(self, old: str) -> str:
        """New name of a member; members of equal content become one."""
        if old not in self._names:
            ending = old.rpartition(".")[2]
            content = _plain(self._source.read(old), ending)
            digest = digests.of_bytes(content)
            if digest not in self._numbers:
                self._numbers[digest] = f"{len(self._contents)}.{ending}"
                self._contents.append(content)
            self._names[old] = self._numbers[digest]
        return self._names[old]

    def written(self) -> list[tuple[str, bytes]]:
        """New names and contents, in order."""
        return list(zip(self._numbers.values(), self._contents, strict=True))


def _plain(content: bytes, ending: str) -> bytes:
    if ending == "npz":
        with ZipFile(io.BytesIO(content)) as archive:
            return _zip([(name, _plain(archive.read(name), "npy")) for name in archive.namelist()])
    return _unpadded(content) if ending == "npy" else content


def _unpadded(content: bytes) -> bytes:
    """Zero the bytes between the fields of a structured array: they are uninitialised memory."""
    import numpy as np

    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None or array.dtype.itemsize == _used(array.dtype):
        return content
    clean = np.zeros(array.shape, array.dtype)  # zeros_like would leave the padding as it found it
    for name in array.dtype.names:
        clean[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _used(dtype: np.dtype[Any]) -> int:
    return sum(dtype[name].itemsize for name in dtype.names or ())


def _zip(members: Sequence[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as target:
        for name, content in members:
            entry = ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is written
            entry.external_attr = 0o600 << 16
            target.writestr(entry, content)
    return buffer.getvalue()
