"""ONNX files: what onnxruntime computes, on request, for scikit-learn estimators that skl2onnx can write."""

from __future__ import annotations

from typing import Any

from nbmlops.core.errors import DependencyError, InvalidError
from nbmlops.models.formats.onnx_model import BOUND
from nbmlops.models.formats.protocol import Trust

__all__ = ["Onnx"]


class Onnx:
    """Graphs of reviewed operators; they hold no code of their own and open no file."""

    name = "onnx"
    ending = ".onnx"
    libraries = ("onnx", "onnxruntime", "skl2onnx")
    bound = BOUND

    def made_for(self, estimator: Any) -> bool:
        """Whether it was loaded from such a file."""
        return hasattr(estimator, "content") and type(estimator).__module__ == "nbmlops.models.formats.onnx_model"

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:  # noqa: ARG002 - see `Format.dump`
        """Write `estimator`, whose answers on `example` must be within the bound.

        Raises
        ------
        InvalidError, UnsupportedError
            See `nbmlops.models.formats.onnx_writing.written`.
        DependencyError
            When skl2onnx is not installed.
        """
        if self.made_for(estimator):
            return bytes(estimator.content)
        if example is None:
            raise InvalidError(
                "a model is written as ONNX with an example of its input, on which both must answer the same",
                hint="add --example ROWS, such as X.head(100)",
            )
        try:
            from nbmlops.models.formats.onnx_writing import written

            return written(estimator, example)
        except ModuleNotFoundError as error:
            raise DependencyError(
                f"models of the format onnx need {error.name}", hint="pip install 'nbmlops[onnx]'"
            ) from None

    def inspect(self, content: bytes, trust: Trust) -> str:  # noqa: ARG002 - a graph asks for no trust by name
        """Judge the graph; see `nbmlops.models.formats.onnx_screening.screened` for what is raised."""
        from nbmlops.models.formats.onnx_screening import screened

        try:
            return f"reviewed operators: {', '.join(screened(content))}"
        except ModuleNotFoundError as error:
            raise DependencyError(
                f"models of the format onnx need {error.name}", hint="pip install 'nbmlops[onnx]'"
            ) from None

    def load(self, content: bytes, trust: Trust) -> Any:  # noqa: ARG002 - a graph asks for no trust by name
        """Judge the graph and open it; see `nbmlops.models.formats.onnx_model.opened` for what is raised."""
        from nbmlops.models.formats.onnx_model import opened

        return opened(content)
