"""A model of an ONNX file: it takes what the estimator took, and answers through onnxruntime."""

from __future__ import annotations

from typing import Any

from nbmlops.core.errors import DependencyError, InvalidError, UnsupportedError
from nbmlops.models.formats.onnx_screening import facts, screened

__all__ = ["BOUND", "OnnxModel", "opened"]

BOUND = 1e-5
"""How far a number may be from the estimator's, absolutely or in proportion to it, whichever is more."""


def opened(content: bytes) -> OnnxModel:
    """Judge an ONNX file and open it in a session of the runtime.

    Raises
    ------
    CorruptError, UntrustedError
        See `screened`.
    UnsupportedError
        When the runtime that is installed cannot run it.
    DependencyError
        When onnx or onnxruntime are not installed.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise DependencyError(
            f"models of the format onnx need {error.name}", hint="pip install 'nbmlops[onnx]'"
        ) from None
    screened(content)
    told = facts(onnx.load_model_from_string(content))
    options = onnxruntime.SessionOptions()
    # One thread: the answers do not depend on the machine's cores, and whoever serves has processes enough.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            content,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["ConstantFolding"],  # nothing that a file asks for is computed before it is used
        )
    except Exception as error:  # the runtime's errors have no common base
        raise UnsupportedError(
            f"the onnxruntime installed here cannot run the model: {str(error)[:200]}",
            hint="install the library versions that it was saved with: `ml model show NAME`",
        ) from error
    return (OnnxClassifier if told["proba"] else OnnxModel)(content, session, told)


class OnnxModel:
    """A model that predicts; `estimator` is the class that it was made from.

    Parameters
    ----------
    content : bytes
        The file.
    session : onnxruntime.InferenceSession
        The file, opened.
    told : dict
        What the file says of inputs and classes.
    """

    def __init__(self, content: bytes, session: Any, told: dict[str, Any]) -> None:
        import numpy as np

        self.content = content
        self.estimator = str(told["estimator"])
        self._session, self._inputs, self._stacked = session, told["inputs"], bool(told["stacked"])
        self.n_features_in_ = len(self._inputs)
        if told["rows"] == "table":
            self.feature_names_in_ = np.array([name for name, _ in self._inputs], dtype=object)
        if told["classes"] is not None:
            self.classes_ = np.array(told["classes"], dtype=np.dtype(str(told["labels"])))

    def predict(self, rows: Any) -> Any:
        """Answer one value for each row: a class, or a number."""
        import numpy as np

        answer = self._run(rows)[0]
        if hasattr(self, "classes_"):
            return answer.astype(self.classes_.dtype)
        answer = answer.astype(np.float64)
        return answer.ravel() if answer.ndim == 2 and answer.shape[1] == 1 else answer

    def _run(self, rows: Any) -> Any:
        import numpy as np

        named = hasattr(rows, "columns")
        if named:
            names = [name for name, _ in self._inputs]
            if missing := [name for name in names if name not in rows.columns]:
                raise InvalidError(f"the rows lack columns that the model takes: {', '.join(missing)}")
        else:
            rows = np.asarray(rows)
            if rows.ndim != 2 or rows.shape[1] != len(self._inputs):
                raise InvalidError(f"the model takes rows of {len(self._inputs)} columns", hint="`ml model show NAME`")
        if self._stacked and (whole := self._whole(rows)) is not None:
            return self._session.run(None, {"X": whole})
        columns = [
            _column(rows[name] if named else rows[:, place], name, kind)
            for place, (name, kind) in enumerate(self._inputs)
        ]
        if self._stacked:
            return self._session.run(None, {"X": np.column_stack(columns)})
        taken = (given.name for given in self._session.get_inputs())
        return self._session.run(None, dict(zip(taken, (column.reshape(-1, 1) for column in columns), strict=True)))

    def _whole(self, rows: Any) -> Any:
        """Numbers of one type in one piece, which takes a tenth of the time; None where each column is to be judged."""
        import numpy as np

        kinds = {kind for _, kind in self._inputs}
        if len(kinds) != 1 or not (kind := next(iter(kinds))).startswith("float"):
            return None
        names = [name for name, _ in self._inputs]
        whole = np.asarray(rows if not hasattr(rows, "columns") or list(rows.columns) == names else rows[names])
        return np.ascontiguousarray(whole, kind) if whole.dtype.kind in "fiu" else None


class OnnxClassifier(OnnxModel):
    """A model that gives a probability for each class as well."""

    def predict_proba(self, rows: Any) -> Any:
        """Answer a probability for each row and class."""
        return self._run(rows)[1].astype(float)


def _column(values: Any, name: str, kind: str) -> Any:
    import numpy as np
    import pandas as pd

    column = pd.Series(values)
    floating = kind.startswith("float")
    if not floating and column.isna().any():
        raise InvalidError(f"the column {name} lacks a value, which the model's ONNX form cannot hold")
    try:
        if kind == "string":
            return column.astype(str).to_numpy(dtype=object)
        if floating:
            return pd.to_numeric(column).to_numpy(dtype=kind, na_value=np.nan)
        return column.to_numpy(dtype=kind)
    except (TypeError, ValueError) as error:
        raise InvalidError(f"the column {name} is not of type {kind}: {error}") from error
