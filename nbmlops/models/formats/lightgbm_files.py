"""lightgbm's estimators in its own text, which holds numbers and no code."""

from __future__ import annotations

import json
import re
from typing import Any

from nbmlops.core.errors import InvalidError, UnsupportedError
from nbmlops.models.formats.boosting_facts import KEY, told_of
from nbmlops.models.formats.lightgbm_screening import END, ESTIMATORS, screened
from nbmlops.models.formats.protocol import Trust

__all__ = ["Lightgbm"]

_CATEGORIES = re.compile(r"\npandas_categorical:(.*)\n")


class Lightgbm:
    """Files whose every line and index is looked at before lightgbm reads them."""

    name = "lightgbm"
    ending = ".txt"
    libraries = ("lightgbm",)
    bound = 0.0

    def made_for(self, estimator: Any) -> bool:
        """Whether it is an estimator of lightgbm, or was loaded from such a file; lightgbm is not imported for this."""
        return _name(estimator) in ESTIMATORS or type(estimator).__module__ == "nbmlops.models.formats.lightgbm_model"

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:  # noqa: ARG002 - see `Format.dump`
        """Write the booster, with what the estimator knows behind its trees.

        Raises
        ------
        InvalidError
            When it is no fitted estimator of lightgbm.
        UnsupportedError
            When its file cannot hold what it was told: an objective of one's own, linear trees.
        """
        if not self.made_for(estimator):
            raise InvalidError(
                f"a {_name(estimator)} cannot be saved as lightgbm", hint="leave the format out: `ml model save`"
            )
        if hasattr(estimator, "content"):
            return bytes(estimator.content)
        from sklearn.exceptions import NotFittedError

        if callable(estimator.objective):
            raise UnsupportedError(
                f"the objective of this {type(estimator).__name__} is a function, which its file cannot hold",
                hint="fit it with an objective of lightgbm's, by name",
            )
        try:
            text = estimator.booster_.model_to_string()
        except NotFittedError:
            raise InvalidError(
                f"the {type(estimator).__name__} is not fitted", hint="call its fit before saving"
            ) from None
        trees, end, tail = text.partition(END)
        categories = _CATEGORIES.search(tail)
        told = json.dumps(told_of(estimator), sort_keys=True, separators=(",", ":"))
        kept = "[]" if categories is None or categories[1] == "null" else categories[1]
        content = f"{trees}{end}{KEY}:{told}\npandas_categorical:{kept}\n".encode()
        screened(content)
        return content

    def inspect(self, content: bytes, trust: Trust) -> str:  # noqa: ARG002 - numbers ask for no trust by name
        """Judge the file; see `nbmlops.models.formats.lightgbm_screening.screened` for what is raised."""
        return f"numbers of a {screened(content)['estimator'].rpartition('.')[2]}, no code"

    def load(self, content: bytes, trust: Trust) -> Any:  # noqa: ARG002 - as above
        """Judge the file and open it; see `nbmlops.models.formats.lightgbm_model.opened` for what is raised."""
        from nbmlops.models.formats.lightgbm_model import opened

        return opened(content)


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"
