"""How much a served model leans on each input: how far its answers move when the values of one are dealt anew.

It is asked about rows that were captured, so it needs no label and says what holds for the callers of now. The mean
over rows of the absolute change of what it answers (Breiman 2001, with the answer in the place of the loss).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.monitoring.watching import INPUT

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.models.records import ModelSignature
    from nbmlops.monitoring.watching import Watched

__all__ = ["leaning"]

_ROWS = 500
_SEED = 20_240_229


def leaning(watched: Watched) -> Mapping[str, float]:
    """How much the served model leans on each input, the one that it leans on most being 1.

    Raises
    ------
    InvalidError
        When no rows are kept, or inputs are not, or no answer moves.
    NbmlopsError
        When the model cannot be loaded.
    """
    import numpy as np

    from nbmlops.models.inputs import taken

    version = watched.served()
    rows = _rows(watched, version.signature)
    model = watched.models.load(version.ref)
    random = np.random.default_rng(_SEED)
    moved = {}
    try:
        base = _answers(model, taken(version.signature, rows, ""))
        for one in version.signature.inputs:
            dealt = rows.copy()
            dealt[one.name] = rows[one.name].iloc[random.permutation(len(rows))].set_axis(rows.index)
            moved[one.name] = float(np.abs(_answers(model, taken(version.signature, dealt, "")) - base).mean())
    except Exception as error:  # whatever a model raises, the monitor that asks how it leans goes on
        raise InvalidError(
            f"{version.ref} does not answer what was captured: {type(error).__name__}: {error}"
        ) from error
    most = max(moved.values(), default=0.0)
    if not most > 0:
        raise InvalidError(f"no input moves the answers of {version.ref}")
    return {name: value / most for name, value in moved.items()}


def _rows(watched: Watched, signature: ModelSignature) -> pd.DataFrame:
    import pandas as pd
    import polars as pl

    found = watched.rows()
    names = [one.name for one in signature.inputs]
    kept = found.collect_schema().names()
    if missing := [name for name in names if f"{INPUT}{name}" not in kept]:
        raise InvalidError(f"{', '.join(missing[:5])} is not kept")
    wanted = [pl.col(f"{INPUT}{name}").alias(name) for name in names]
    sampled = found.with_columns(pl.col("_id").hash(0).alias("_place")).sort("_place").head(_ROWS)
    rows: pd.DataFrame = sampled.select(wanted).collect().to_pandas()
    if len(rows) < 2:
        raise InvalidError("no rows are kept")
    for one in signature.inputs:
        if one.categories is not None:
            rows[one.name] = pd.Categorical(rows[one.name], categories=list(one.categories))
    return rows


def _answers(model: Any, rows: Any) -> Any:
    """What it says, as numbers of shape ``(n, k)``: probabilities, numbers, or which class."""
    import numpy as np

    said = np.asarray(model.predict_proba(rows) if hasattr(model, "predict_proba") else model.predict(rows))
    if said.dtype.kind not in "fiub":
        said = said[:, None] == np.unique(said)[None, :]
    return said.astype(np.float64).reshape(len(said), -1)
