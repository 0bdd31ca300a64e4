"""Files made to do harm, signed by a trusted key so that only the loader stands in their way: no canary runs."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from skops.io import dumps

from nbmlops.core.digests import of_bytes
from nbmlops.core.errors import CorruptError, NbmlopsError, UnsupportedError, UntrustedError
from nbmlops.models.canonical import canonical
from nbmlops.models.sealing import sealed
from nbmlops.models.signature import infer
from nbmlops.store.trust import Keyring
from tests.models.registry import Registry

Node = dict[str, Any]


@cache
def fitted() -> LogisticRegression:
    """A model that does no harm; fitting it takes a moment, and every file here is made of it."""
    return LogisticRegression().fit([[0.0], [1.0]], [0, 1])


@cache
def whole() -> bytes:
    return canonical(dumps(fitted()))


def plant(registry: Registry, content: bytes, *, keyring: Keyring | None = None, kind: str = "skops") -> str:
    """Register bytes as a model, signed, as if `save` had made them."""
    signature = infer(fitted()).to_json()
    detail = {"format": kind, "estimator": "a.B", "signature": signature, "libraries": {}}
    stored = registry.objects.put(content)
    return registry.versions.add(
        "evil",
        digest=of_bytes(content),
        root=stored.digest,
        size=stored.size,
        new_bytes=stored.new_bytes,
        detail=sealed(keyring or registry.keyring, of_bytes(content), detail),
    ).ref


def value(content: Any) -> Node:
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(content)}


def container(loader: str, kind: str, content: list[Node]) -> Node:
    return {"__class__": kind, "__module__": "builtins", "__loader__": loader, "content": content}


def named(loader: str, name: str, **more: Any) -> Node:
    module, _, word = name.rpartition(".")
    return {"__class__": word, "__module__": module, "__loader__": loader, **more}


def call(name: str, *arguments: Any) -> Node:
    content = container("TupleNode", "tuple", [value(each) for each in arguments])
    return named("ConstructorFromReduceNode", name, content=content)


def mapping(keys: list[Node], content: dict[str, Node]) -> Node:
    kinds = container("ListNode", "list", keys)
    return {**named("DictNode", "builtins.dict"), "key_types": kinds, "content": content}


def partial(function: Node, *arguments: Any) -> Node:
    parts = {
        "func": function,
        "args": container("TupleNode", "tuple", [value(each) for each in arguments]),
        "kwds": mapping([], {}),
        "namespace": value(None),
    }
    return named("PartialNode", "functools.partial", content=parts)


def model(change: Callable[[Node], None] | None = None, **members: bytes) -> bytes:
    """A fitted model's file with its schema changed."""
    source = zipfile.ZipFile(io.BytesIO(whole()))
    schema = json.loads(source.read("schema.json"))
    if change is not None:
        change(schema)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("schema.json", json.dumps(schema))
        for name in source.namelist()[1:]:
            target.writestr(name, source.read(name))
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue()


def holding(node: Node) -> bytes:
    """A fitted model whose attribute `coef_` is something else."""
    return model(lambda schema: schema["content"]["content"].update(coef_=node))


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


def attacks(canary: Path) -> dict[str, bytes]:
    command = f"touch {canary}"
    code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    pickled = io.BytesIO()
    np.save(pickled, np.array([Runs(canary)], dtype=object), allow_pickle=True)
    frozen = {"_parse_arg_template": value(code), "_ctor_param": value([])}
    kinds = [named("TypeNode", "builtins.str")] * len(frozen)
    boxed = io.BytesIO()
    joblib.dump(Runs(canary), boxed)
    array = {**named("NdArrayNode", "numpy.ndarray"), "type": "numpy", "file": "evil.npy"}
    return {
        "a shell command": holding(call("posix.system", command)),
        "a shell command through os": holding(call("os.system", command)),
        "eval": holding(call("builtins.eval", code)),
        "exec as a type": holding(mapping([named("TypeNode", "builtins.exec")], {code: value(0)})),
        "eval as a function": holding(mapping([named("FunctionNode", "builtins.eval")], {code: value(0)})),
        "a reviewed function in the place of a constructor": holding(call("numpy.mean", [1, 2])),
        "a reviewed function in the place of a key": holding(
            mapping([named("FunctionNode", "numpy.mean")], {"1": value(0)})
        ),
        "a binding in the place of a key": holding(
            mapping([partial(named("FunctionNode", "numpy.mean"), [1])], {"1": value(0)})
        ),
        "a binding of a command": holding(partial(named("FunctionNode", "os.system"), command)),
        "a subprocess": holding(call("subprocess.Popen", ["touch", str(canary)])),
        "a process as an object": holding(named("ObjectNode", "subprocess.Popen", content=mapping([], {}))),
        "a method": holding(
            named(
                "MethodNode",
                "pathlib.PosixPath",
                content={"func": "touch", "obj": call("pathlib.PosixPath", str(canary))},
            )
        ),
        "a method by name": holding(
            named(
                "OperatorFuncNode",
                "operator.methodcaller",
                attrs=container("TupleNode", "tuple", [value("touch")]),
            )
        ),
        "an import": holding(call("importlib.import_module", "antigravity")),
        "joblib's loader": holding(call("joblib.load", str(canary))),
        "numpy's loader of pickles": holding(call("numpy.load", str(canary), None, True)),
        "pandas' loader of pickles": holding(call("pandas.read_pickle", str(canary))),
        "an expression of numexpr": holding(call("pandas.eval", code)),
        "a distribution with code in its state": holding(
            named("ObjectNode", "scipy.stats._distn_infrastructure.rv_continuous", content=mapping(kinds, frozen))
        ),
        "a random generator by another name": holding(
            named(
                "RandomGeneratorNode",
                "numpy.random._generator.Generator",
                content={
                    "bit_generator": mapping([named("TypeNode", "builtins.str")], {"bit_generator": value("seed")}),
                    "seed_seq": mapping([], {}),
                },
            )
        ),
        "a pickled array": model(
            lambda schema: schema["content"]["content"].update(coef_=array), **{"evil.npy": pickled.getvalue()}
        ),
        "a tree of more outputs than it lists": _tree_of_many_outputs(),
        "two objects under one id": holding(
            container("ListNode", "list", [{**value(1), "__id__": 9}, {**call("os.system", command), "__id__": 9}])
        ),
        "a reference to nothing": holding(named("CachedNode", "builtins.list", __id__=77)),
        "an old protocol": model(lambda schema: schema.update(protocol=0)),
        "an old protocol that trusts more": model(lambda schema: schema.update(protocol=1)),
        "no protocol": model(lambda schema: schema.update(protocol=True)),
        "a later protocol": model(lambda schema: schema.update(protocol=99)),
        "an unknown loader": holding(named("EvilNode", "builtins.list")),
        "a schema of another shape": model(lambda schema: schema.clear()),
        "a pickle": pickle.dumps(Runs(canary)),
        "a joblib file": boxed.getvalue(),
        "nothing": b"",
    }


def _tree_of_many_outputs() -> bytes:
    forest = RandomForestClassifier(1, random_state=0).fit([[0.0], [1.0]] * 9, [0, 1] * 9)
    source = zipfile.ZipFile(io.BytesIO(canonical(dumps(forest))))
    text = source.read("schema.json").decode()
    schema = json.loads(text)
    tree = next(node for node in _walk(schema) if node.get("__loader__") == "TreeNode")
    tree["__reduce__"]["args"]["content"][2]["content"] = "100000000"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("schema.json", json.dumps(schema))
        for name in source.namelist()[1:]:
            target.writestr(name, source.read(name))
    return buffer.getvalue()


def _walk(part: Any) -> Any:
    if isinstance(part, dict):
        yield part
    for child in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _walk(child)


@pytest.mark.parametrize("attack", attacks(Path("canary")))
def test_no_canary_runs(registry: Registry, attack: str) -> None:
    canary = registry.folder / "canary"
    ref = plant(registry, attacks(canary)[attack])
    with pytest.raises((CorruptError, UntrustedError, UnsupportedError)):
        registry.models.load(ref)
    assert not canary.exists()


def test_the_same_file_unharmed_loads(registry: Registry) -> None:
    assert registry.models.load(plant(registry, model())).coef_.shape == (1, 1)


@pytest.mark.parametrize("kind", ["pickle", "cloudpickle", "", "SKOPS", "ONNX"])
def test_no_other_format_is_tried(registry: Registry, kind: str) -> None:
    canary = registry.folder / "canary"
    ref = plant(registry, pickle.dumps(Runs(canary)), kind=kind)
    with pytest.raises(UnsupportedError, match="this nbmlops knows skops"):
        registry.models.load(ref)
    assert not canary.exists()


def test_a_type_in_a_module_that_does_harm_is_refused_without_importing_it(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = registry.folder / "canary"
    (registry.folder / "harmful.py").write_text(f"open({str(canary)!r}, 'w')\nclass Thing: pass\n")
    monkeypatch.syspath_prepend(str(registry.folder))
    ref = plant(registry, holding(named("ObjectNode", "harmful.Thing", content=mapping([], {}))))
    with pytest.raises(UntrustedError, match=r"harmful\.Thing"):
        registry.models.load(ref)
    assert not canary.exists()


def test_a_function_that_a_person_trusts_is_still_not_called_by_a_file(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = registry.folder / "canary"
    (registry.folder / "handy.py").write_text("import pathlib\n\ndef touch(path):\n    pathlib.Path(path).touch()\n")
    monkeypatch.syspath_prepend(str(registry.folder))
    registry.models.trust_type("handy.touch")
    for node in (
        call("handy.touch", str(canary)),
        mapping([named("FunctionNode", "handy.touch")], {str(canary): value(0)}),
        mapping([partial(named("FunctionNode", "handy.touch"), str(canary))], {"": value(0)}),
    ):
        with pytest.raises(UntrustedError):
            registry.models.load(plant(registry, holding(node)))
    assert not canary.exists()
    assert (
        registry.models.load(plant(registry, holding(named("FunctionNode", "handy.touch")))).coef_.__name__ == "touch"
    )


def test_a_compressed_member_is_refused(registry: Registry) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("schema.json", json.dumps({"protocol": 2}))
        bomb.writestr("0.npy", b"\0" * 10_000_000)
    with pytest.raises(CorruptError, match="compressed members"):
        registry.models.load(plant(registry, buffer.getvalue()))


def test_a_deep_schema_is_refused(registry: Registry) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as deep:
        deep.writestr("schema.json", "[" * 100_000 + "]" * 100_000)
    with pytest.raises(CorruptError, match="not a skops file"):
        registry.models.load(plant(registry, buffer.getvalue()))


def test_an_untrusted_key_is_refused_before_anything_else(registry: Registry) -> None:
    canary = registry.folder / "canary"
    ref = plant(registry, pickle.dumps(Runs(canary)), keyring=Keyring(registry.folder / "stranger"))
    with pytest.raises(UntrustedError, match="which you do not trust"):
        registry.models.load(ref)


def test_a_flipped_byte_is_found(registry: Registry) -> None:
    ref = plant(registry, model())
    for pack in (registry.folder / "objects").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 500:
            content = bytearray(pack.read_bytes())
            content[len(content) // 2] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(content)
    with pytest.raises(CorruptError):
        registry.models.load(ref)


@pytest.mark.parametrize("field", ["format", "estimator", "signature", "signed", "digest"])
def test_a_changed_row_does_not_fit_its_signature(registry: Registry, field: str) -> None:
    from sqlalchemy import update

    from nbmlops.store import schema

    first = registry.versions.resolve(plant(registry, model()))
    other = model(lambda state: state.update(_skops_version="0.0"))
    second = registry.versions.resolve(plant(registry, other))
    if field == "digest":
        changed: dict[str, Any] = {"digest": first.digest, "root": first.root, "detail": dict(second.detail)}
        changed["detail"]["estimator"] = "b.C"
    else:
        changed = {"detail": {**second.detail, field: {"key": "0" * 16, "value": ""} if field == "signed" else "x"}}
    registry.catalog.transact(lambda c: c.execute(update(schema.version).filter_by(id=second.id).values(**changed)))
    with pytest.raises(NbmlopsError) as refused:
        registry.models.load("evil@v2")
    assert isinstance(refused.value, UntrustedError)


def test_an_unsigned_row_is_refused(registry: Registry) -> None:
    content = model()
    stored = registry.objects.put(content)
    registry.versions.add("evil", digest=of_bytes(content), root=stored.digest, size=1, new_bytes=1, detail={})
    with pytest.raises(UntrustedError, match="is not signed"):
        registry.models.load("evil")
