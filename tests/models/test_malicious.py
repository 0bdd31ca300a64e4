"""Sixty files made to do harm, each offered as every format, signed by a key that is not trusted with code.

A file is planted as if `save` had made it, with a good signature, so that only the format's own reader stands in
its way: nothing of it may run, nothing may be opened beside the store, and what is said must be clear.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import onnx
import pytest
import xgboost
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression

from nbmlops.core.errors import CorruptError, NbmlopsError, UntrustedError
from nbmlops.models.formats import FORMATS, Trust, format_asked
from nbmlops.models.formats.xgboost_screening import written
from nbmlops.store.trust import Keyring
from tests.models.registry import Registry
from tests.models.test_hostile import Runs, attacks, plant

FACTS = {
    "form": 1,
    "estimator": "a.B",
    "inputs": [["a", "float32"]],
    "stacked": True,
    "classes": None,
    "labels": None,
    "rows": "table",
    "proba": False,
}


def graph(*nodes: Any, change: Callable[[Any], None] | None = None, facts: Any = FACTS, tensors: Any = ()) -> bytes:
    taken = helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 1])
    given = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])
    body = helper.make_graph(
        list(nodes) or [helper.make_node("Identity", ["X"], ["Y"])], "g", [taken], [given], initializer=list(tensors)
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)])
    model.ir_version = 9
    helper.set_model_props(model, {"nbmlops": json.dumps(facts)})
    if change is not None:
        change(model)
    return bytes(model.SerializeToString())


def elsewhere(path: str) -> bytes:
    tensor = numpy_helper.from_array(np.ones((1, 1), "f4"), "W")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", path
    return graph(helper.make_node("MatMul", ["X", "W"], ["Y"]), tensors=[tensor])


def inside_an_attribute(path: str) -> bytes:
    tensor = numpy_helper.from_array(np.ones((1, 1), "f4"), "W")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", path
    constant = helper.make_node("Constant", [], ["W"], value=tensor)
    return graph(constant, helper.make_node("MatMul", ["X", "W"], ["Y"]))


def deep() -> bytes:
    inner = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [], [])
    for _ in range(20):
        inner = helper.make_graph([helper.make_node("Scan", ["x"], ["y"], body=inner, num_scan_inputs=1)], "g", [], [])
    return graph(*inner.node)


def with_function(model: Any) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], [node], [helper.make_opsetid("", 18)]))


def zipped(name: str, content: bytes, how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as file:
        file.writestr("schema.json", json.dumps({"protocol": 2}))
        file.writestr(name, content)
    return buffer.getvalue()


def boxed(value: Any, **how: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, **how)
    return buffer.getvalue()


def files(canary: Path) -> dict[str, bytes]:
    """Harmful files of every kind by name; what `canary` names is written when one of them runs."""
    runs = Runs(canary)
    array = io.BytesIO()
    np.save(array, np.array([runs], dtype=object), allow_pickle=True)
    plain = {"class": "os.system", "form": 1, "values": f"touch {canary}"}
    with_settings = {"nbmlops": json.dumps(FACTS), "ort_config": json.dumps({"session_options": {}})}
    return {
        "a pickle": pickle.dumps(runs),
        "a pickle of the first protocol": pickle.dumps(runs, protocol=0),
        "a pickle within a model": pickle.dumps({"model": LogisticRegression(), "more": [runs]}),
        "a joblib file": boxed(runs),
        "a compressed joblib file": boxed(runs, compress=("gzip", 3)),
        "a joblib file around an array": boxed([np.ones(3), runs]),
        "a pickled array": array.getvalue(),
        "a zip that leaves its folder": zipped("../../canary", b"x"),
        "a zip with an absolute path": zipped(str(canary), b"x"),
        "a zip that blows up": zipped("0.npy", b"\0" * 20_000_000, zipfile.ZIP_DEFLATED),
        "a zip with a pickle": zipped("0.npy", array.getvalue()),
        "a zip with a pickle for a schema": zipped("schema.pkl", pickle.dumps(runs)),
        "another file for numbers": elsewhere(str(canary)),
        "another file by a path upward": elsewhere("../../../../etc/passwd"),
        "another file in an attribute": inside_an_attribute("../canary"),
        "an operator of another domain": graph(helper.make_node("EPContext", ["X"], ["Y"], domain="com.microsoft")),
        "a domain of one's own": graph(
            change=lambda model: model.opset_import.append(helper.make_opsetid("evil.library", 1))
        ),
        "a function of one's own": graph(change=with_function),
        "settings of the runtime": graph(change=lambda model: helper.set_model_props(model, with_settings)),
        "a large tensor of a small number": graph(
            helper.make_node("ConstantOfShape", ["X"], ["Y"], value=numpy_helper.from_array(np.ones(1, "f4")))
        ),
        "an endless loop": graph(helper.make_node("Loop", ["", "X"], ["Y"], body=helper.make_graph([], "g", [], []))),
        "a graph nested deeply": deep(),
        "a graph that says nothing": graph(facts={}),
        "a graph without an end": graph()[:-7],
        "a graph of other words": graph(facts={**FACTS, "inputs": "os.system"}),
        "a class that reaches the system": json.dumps(plain).encode(),
        "a class of ours": json.dumps({**plain, "class": "nbmlops.store.gc.collect"}).encode(),
        "a class that nobody trusts": json.dumps({**plain, "class": "harmful.Thing"}).encode(),
        "a class that is no text": json.dumps({**plain, "class": ["os", "system"]}).encode(),
        "a name twice": b'{"class":"a.B","class":"os.system","form":1,"values":0}',
        "a document nested deeply": b'{"class":"a.B","form":1,"values":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        "text that is no text": b"\xff\xfe\x00",
        **{f"xgboost: {name}": written(document) for name, document in boosted_documents(canary)},
        "xgboost: in another spelling": boosted(xgboost.XGBClassifier).replace(b":", b": ", 1),
        "xgboost: with more behind it": boosted(xgboost.XGBClassifier) + b"{}",
        **{f"lightgbm: {name}": text.encode() for name, text in boosted_texts(canary)},
        "nothing": b"",
    }


@cache
def boosted(kind: Any) -> bytes:
    """The file of a small model that does no harm."""
    rows = np.random.default_rng(0).normal(size=(200, 3))
    model = kind(n_estimators=3, **({"verbose": -1} if kind is lightgbm.LGBMClassifier else {}))
    return format_asked(None, model).dump(model.fit(rows, (rows[:, 0] > 0).astype(int)), Trust())


def boosted_documents(canary: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Documents of xgboost that reach beside their trees, or for something else."""
    whole = boosted(xgboost.XGBClassifier)

    def changed(path: str, value: Any) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(whole)
        *way, last = (int(step) if step.isdigit() else step for step in path.split("/"))
        place: Any = document
        for step in way:
            place = place[step]
        place[last] = value
        return document

    model, tree = "learner/gradient_booster/model", "learner/gradient_booster/model/trees/0"
    yield "a child far away", changed(f"{tree}/left_children/0", 99_999_999)
    yield "a tree in a circle", changed(f"{tree}/left_children/0", 0)
    yield "a parent below zero", changed(f"{tree}/parents/1", -99_999_999)
    yield "a column that is not there", changed(f"{tree}/split_indices/0", 4_000_000)
    yield "leaves of no size", changed(f"{tree}/tree_param/size_leaf_vector", "-1")
    yield "more nodes than there are", changed(f"{tree}/tree_param/num_nodes", "300000000")
    yield "numbers that are texts", changed(f"{tree}/split_conditions/0", "os.system")
    yield "a tree of no class", changed(f"{model}/tree_info/0", 99_999_999)
    yield "iterations beyond the trees", changed(f"{model}/iteration_indptr/1", 99_999)
    yield "columns without end", changed("learner/learner_model_param/num_feature", "4000000000")
    yield "an objective that is a path", changed("learner/objective/name", str(canary))
    yield "another booster", changed("learner/gradient_booster/name", "os.system")
    yield "settings of its own", changed("learner/attributes/plugin", str(canary))
    told = json.loads(json.loads(whole)["learner"]["attributes"]["nbmlops"])
    told["estimator"] = "harmful.Thing"
    yield "another class", changed("learner/attributes/nbmlops", json.dumps(told))


def boosted_texts(canary: Path) -> Iterator[tuple[str, str]]:
    """Texts of lightgbm at which its own reader would end the process, or that name something else."""
    whole = boosted(lightgbm.LGBMClassifier).decode()

    def changed(name: str, value: str) -> str:
        """With other numbers in one line of the first tree, as many letters as before."""
        begin = whole.index(f"\n{name}=", whole.index("Tree=0")) + len(name) + 2
        return whole[:begin] + value + whole[begin + len(value) :]

    yield "a child far away", changed("left_child", "9999")
    yield "a column that is not there", changed("split_feature", "9999")
    yield "no numbers", changed("leaf_value", "()()")
    yield "categories that are not there", changed("num_cat", "9")
    yield "a line that is unknown", whole.replace("is_linear=0", "plugin__=0", 1)
    yield "a line that is not there", whole.replace("leaf_value=", "leaf_count=", 1)
    yield "linear trees", whole.replace("is_linear=0", "is_linear=1", 1)
    yield "other sizes", whole.replace("tree_sizes=", "tree_sizes=9", 1)
    yield "no end", whole[: len(whole) // 2]
    yield "settings that name a file", whole + f"parameters:\n[forcedbins_filename: {canary}]\nend of parameters\n"
    yield "another class", whole.replace("lightgbm.sklearn.LGBMClassifier", "harmful.Thing")
    yield "a later version", whole.replace("version=v4", "version=v9")
    yield "no trees", "tree\nversion=v4\nend of trees\n"


NAMES = [*files(Path("canary")), *(f"skops: {name}" for name in attacks(Path("canary")))]


def content_of(name: str, canary: Path) -> bytes:
    if name.startswith("skops: "):
        return attacks(canary)[name.removeprefix("skops: ")]
    return files(canary)[name]


def test_there_are_thirty_files_and_more() -> None:
    print(f"{len(NAMES)} files, {len(FORMATS)} formats")
    assert len(files(Path("canary"))) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_no_canary_runs_in_any_format(
    registry: Registry, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "harmful.py").write_text(f"open({str(canary)!r}, 'w')\nclass Thing: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    content = content_of(name, canary)
    person = Keyring(tmp_path / "person")  # trusts the signer, but not with code
    person.trust_key(registry.keyring.public_key(), "a colleague")
    models = registry.as_seen_by(person)
    for kind in FORMATS:
        ref = plant(registry, content, kind=kind)
        for use in (models.load, lambda ref: models.opened(ref).model):
            with pytest.raises(NbmlopsError) as refused:
                use(ref)
            assert refused.value.message
        assert not models.verify(ref)[0].holds
        with pytest.raises(NbmlopsError):
            FORMATS[kind].load(content, Trust())
        assert not canary.exists()
        registry.models.delete("evil")


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_read_of_a_file_that_a_stranger_signed(registry: Registry, kind: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    ref = plant(registry, boxed(Runs(canary)), keyring=Keyring(tmp_path / "stranger"), kind=kind)
    with pytest.raises(UntrustedError, match="which you do not trust"):
        registry.models.load(ref)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("kind", "told"),
    # A joblib file that is signed as one by the person's own key is theirs to run.
    [pair for pair in product(sorted(FORMATS), repeat=2) if pair != ("joblib", "joblib")],
)
def test_a_format_renamed_afterwards_does_not_fit_the_signature(registry: Registry, kind: str, told: str) -> None:
    from sqlalchemy import update

    from nbmlops.store import schema

    canary = registry.folder / "canary"
    version = registry.versions.resolve(plant(registry, boxed(Runs(canary)), kind=kind))
    changed = {**version.detail, "format": told}
    registry.catalog.transact(
        lambda c: c.execute(update(schema.version).filter_by(id=version.id).values(detail=changed))
    )
    with pytest.raises((CorruptError, NbmlopsError)):
        registry.models.load("evil")
    assert not canary.exists()


def test_the_same_graph_unharmed_loads(registry: Registry) -> None:
    rows = np.array([[1.5]])
    assert registry.models.load(plant(registry, graph(), kind="onnx")).predict(rows).tolist() == [1.5]
    assert onnx.__version__
