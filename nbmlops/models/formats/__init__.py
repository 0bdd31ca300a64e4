"""How a model becomes bytes and comes back: one object for each format, found by its recorded name.

The format is written into the registry when a model is saved and is part of what is signed. It is never
guessed from bytes or a file's ending, and there is no second try with another format: a file that skops
refuses is refused, never unpickled.
"""

from __future__ import annotations

from typing import Any

from nbmlops.core.errors import InvalidError, UnsupportedError, nearest
from nbmlops.models.formats.joblib_files import Joblib
from nbmlops.models.formats.lightgbm_files import Lightgbm
from nbmlops.models.formats.onnx_files import Onnx
from nbmlops.models.formats.plain import Plain
from nbmlops.models.formats.protocol import Format, Trust
from nbmlops.models.formats.skops_files import Skops
from nbmlops.models.formats.xgboost_files import Xgboost

__all__ = ["FORMATS", "Format", "Skops", "Trust", "format_asked", "format_named"]

FORMATS: dict[str, Format] = {each.name: each for each in (Skops(), Onnx(), Xgboost(), Lightgbm(), Plain(), Joblib())}


def format_named(name: str) -> Format:
    """Format that a version records.

    Raises
    ------
    UnsupportedError
        When this version has no such format; nothing else is tried.
    """
    if name not in FORMATS:
        raise UnsupportedError(
            f"the model was saved in the format {name!r}; this nbmlops knows {', '.join(FORMATS)}",
            hint="pip install --upgrade nbmlops",
        )
    return FORMATS[name]


def format_asked(name: str | None, estimator: Any) -> Format:
    """Format in which to save: the one asked for, else the one made for this class, else skops.

    Raises
    ------
    InvalidError
        When there is no format of that name.
    """
    if name is None:
        return next((each for each in FORMATS.values() if each.made_for(estimator)), FORMATS["skops"])
    if name not in FORMATS:
        raise InvalidError(
            f"there is no format {name!r}; models are saved as {', '.join(FORMATS)}", hint=nearest(name, FORMATS)
        )
    return FORMATS[name]
