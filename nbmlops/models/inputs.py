"""What a model takes of a table, as its signature says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.models.records import ModelSignature

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["taken"]


def taken(signature: ModelSignature, table: pd.DataFrame, target: str, where: str = "the table") -> Any:
    """Give the rows as the model takes them: named columns, an array, or a list of texts.

    Parameters
    ----------
    signature : ModelSignature
        What the model takes.
    table : pandas.DataFrame
        The rows, with the truth.
    target : str
        The column with the truth, which is no input.
    where : str
        What an error calls the table.

    Raises
    ------
    InvalidError
        When columns that it takes are missing, or an array has another number of them.
    """
    others = [column for column in table.columns if column != target]
    if signature.form == "texts":
        return table[others[0]].tolist()
    if signature.form == "array":
        if signature.inputs and len(others) != len(signature.inputs):
            raise InvalidError(
                f"the model takes an array of {len(signature.inputs)} columns, and {where} has {len(others)} "
                f"besides {target}"
            )
        return table[others].to_numpy()
    names = [field.name for field in signature.inputs] or others
    if missing := [name for name in names if name not in table.columns]:
        raise InvalidError(f"{where} lacks columns that the model takes: {', '.join(missing)}")
    return table[names]
