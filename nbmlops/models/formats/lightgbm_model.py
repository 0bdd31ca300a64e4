"""A model of a lightgbm file: it takes what the estimator took, and gives what it gave.

lightgbm has no way to make its estimators of a file again, only the booster inside them; so these are ours.
"""

from __future__ import annotations

from typing import Any

from nbmlops.core.errors import DependencyError, InvalidError, UnsupportedError
from nbmlops.models.formats.boosting_facts import labels_of
from nbmlops.models.formats.lightgbm_screening import screened

__all__ = ["LightgbmModel", "opened"]


def opened(content: bytes) -> LightgbmModel:
    """Judge a file and let lightgbm read it.

    Raises
    ------
    CorruptError, UnsupportedError
        See `screened`; an UnsupportedError also when the lightgbm that is installed refuses it.
    DependencyError
        When lightgbm is not installed.
    """
    told = screened(content)
    try:
        import lightgbm
    except ImportError:
        raise DependencyError("models of the format lightgbm need lightgbm", hint="pip install lightgbm") from None
    try:
        booster = lightgbm.Booster(model_str=content.decode())
    except lightgbm.basic.LightGBMError as error:
        raise UnsupportedError(
            f"the lightgbm installed here cannot read the model: {str(error)[:200]}",
            hint="install the library versions that it was saved with: `ml model show NAME`",
        ) from error
    return (LightgbmModel if told["classes"] is None else LightgbmClassifier)(content, booster, told)


class LightgbmModel:
    """A model that predicts; `estimator` is the class that it was made from.

    Parameters
    ----------
    content : bytes
        The file.
    booster : lightgbm.Booster
        The file, opened.
    told : dict
        What the file says of columns and classes.
    """

    def __init__(self, content: bytes, booster: Any, told: dict[str, Any]) -> None:
        import numpy as np

        self.content = content
        self.booster_ = booster
        self.estimator = str(told["estimator"])
        self.n_features_in_ = int(booster.num_feature())
        self._columns = told["columns"]
        if self._columns is not None:
            self.feature_names_in_ = np.array(self._columns, dtype=object)
        if told["classes"] is not None:
            self.classes_ = labels_of(told)

    def predict(self, rows: Any) -> Any:
        """Answer a number for each row."""
        return self._ask(rows)

    def contributions(self, rows: Any) -> Any:
        """What each column adds to the raw answer of each row, and in the last place what all rows have (TreeSHAP).

        With more than two classes there are as many such blocks, one behind the other.
        """
        return self._ask(rows, pred_contrib=True)

    def _ask(self, rows: Any, **how: Any) -> Any:
        import numpy as np

        if hasattr(rows, "columns"):
            if self._columns is not None:
                if missing := [name for name in self._columns if name not in rows.columns]:
                    raise InvalidError(f"the rows lack columns that the model takes: {', '.join(missing)}")
                rows = rows[self._columns]
        else:
            rows = np.asarray(rows)
        if len(rows.shape) != 2 or rows.shape[1] != self.n_features_in_:
            raise InvalidError(f"the model takes rows of {self.n_features_in_} columns", hint="`ml model show NAME`")
        # One thread: whoever serves has processes enough.
        return self.booster_.predict(rows, num_threads=1, **how)


class LightgbmClassifier(LightgbmModel):
    """A model that gives a class, and a probability for each class as well."""

    def predict(self, rows: Any) -> Any:
        """Answer the most probable class for each row."""
        return self.classes_.take(self.predict_proba(rows).argmax(axis=1))

    def predict_proba(self, rows: Any) -> Any:
        """Answer a probability for each row and class."""
        import numpy as np

        found = self._ask(rows)
        return np.column_stack([1.0 - found, found]) if found.ndim == 1 else found
