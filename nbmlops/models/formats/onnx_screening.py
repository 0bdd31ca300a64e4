"""What an ONNX file would compute, judged before the runtime sees it.

The runtime opens other files that a tensor names, loads operators of other domains, and takes settings from the
file. None of that is needed by what skl2onnx writes, so all of it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nbmlops.core.errors import CorruptError, UntrustedError
from nbmlops.models.formats.documents import bounded

__all__ = ["KEY", "facts", "screened"]

KEY = "nbmlops"
"""Key of the file's metadata under which we say what the model takes and gives."""
_DEEPEST = 4
_MOST_NODES = 1_000_000
# What skl2onnx writes for the estimators that we tried, and each only computes on its inputs. Left out: random
# numbers, and what makes a large tensor of a small number (ConstantOfShape, EyeLike, Expand, Range, Tile, Loop).
_OPERATORS = frozenset(
    "Abs Add And ArgMax ArgMin Cast Ceil Clip Concat Constant Cos CumSum Div Equal Erf Exp Flatten Floor Gather "
    "GatherElements Gemm Greater GreaterOrEqual Identity IsNaN Less LessOrEqual Log LogSoftmax MatMul Max Min Mul "
    "Neg Not OneHot Or Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
    "ReduceSum ReduceSumSquare Relu Reshape Scan ScatterElements Shape Sigmoid Sign Sin Slice Softmax Split Sqrt "
    "Squeeze Sub Sum Tanh TopK Transpose Unsqueeze Where "
    "ArrayFeatureExtractor Binarizer CategoryMapper FeatureVectorizer Imputer LabelEncoder LinearClassifier "
    "LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsembleClassifier "
    "TreeEnsembleRegressor".split()
)
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_FACTS = frozenset({"form", "estimator", "inputs", "stacked", "classes", "labels", "proba", "rows"})


def screened(content: bytes) -> list[str]:
    """Names of the operators of an ONNX file, once all of it has been judged.

    Raises
    ------
    CorruptError
        When it is not an ONNX file that we wrote.
    UntrustedError
        When it reaches for another file, an operator or a setting that no saved model needs.
    """
    import onnx

    try:
        model = onnx.load_model_from_string(bounded(content, "an ONNX file"))
    except Exception as error:  # the error of protobuf is of a package of its own
        raise CorruptError("the model's file is not an ONNX file", hint="`ml store verify`") from error
    if not model.graph.node or not model.graph.output:
        raise CorruptError("the model's file is not an ONNX file that holds a model", hint="`ml store verify`")
    if model.functions or model.training_info:
        raise _reaching("brings functions of its own")
    if {entry.key for entry in model.metadata_props} != {KEY}:
        raise _reaching("brings settings of its own")
    if other := sorted({one.domain for one in model.opset_import} - _DOMAINS):
        raise _reaching(f"asks for operators of {', '.join(other)[:100]}")
    facts(model)
    return sorted(set(_operators(model.graph, 0)))


def facts(model: Any) -> dict[str, Any]:
    """Read what the file says of the model: its inputs by name and kind, its classes, its estimator."""
    try:
        found = json.loads(next(entry.value for entry in model.metadata_props if entry.key == KEY))
        columns = [(str(name), str(kind)) for name, kind in found["inputs"]]
    except (KeyError, StopIteration, TypeError, ValueError, RecursionError) as error:
        raise CorruptError("the ONNX file does not say what the model takes and gives") from error
    if set(found) != _FACTS or found["form"] != 1 or not columns:
        raise CorruptError("the ONNX file does not say what the model takes and gives in a form that is known here")
    return {**found, "inputs": columns}


def _operators(graph: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST or len(graph.node) > _MOST_NODES:
        raise _reaching("is nested deeper or has more nodes")
    for tensor in (
        *graph.initializer,
        *(part for one in graph.sparse_initializer for part in (one.values, one.indices)),
    ):
        _refuse_elsewhere(tensor)
    for node in graph.node:
        if node.domain not in _DOMAINS or node.op_type not in _OPERATORS:
            raise _reaching(f"calls the operator {f'{node.domain}.{node.op_type}'.lstrip('.')[:100]}")
        yield node.op_type
        for attribute in node.attribute:
            sparse = (attribute.sparse_tensor, *attribute.sparse_tensors)
            for tensor in (attribute.t, *attribute.tensors, *(p for one in sparse for p in (one.values, one.indices))):
                _refuse_elsewhere(tensor)
            for inner in (attribute.g, *attribute.graphs):
                yield from _operators(inner, depth + 1)


def _refuse_elsewhere(tensor: Any) -> None:
    if tensor.data_location or tensor.external_data:
        raise _reaching("keeps numbers in another file")


def _reaching(what: str) -> UntrustedError:
    return UntrustedError(
        f"the model's ONNX file {what}, which no model needs that nbmlops saves", hint="do not use this file"
    )
