"""The verb that judges a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks.judging import Judging
from nbmlops.checks.model.case import Asked, Case, Opened, inputs_of
from nbmlops.checks.model.named import judge
from nbmlops.checks.records import Report
from nbmlops.core.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from nbmlops.core.clock import Clock
    from nbmlops.core.signs import StepProgress
    from nbmlops.data.service import Data
    from nbmlops.store.catalog import Catalog
    from nbmlops.store.objects import ObjectStore

__all__ = ["ModelChecks"]


class ModelChecks(Judging):
    """Checks of models, beside the verbs on reports.

    Parameters
    ----------
    catalog : Catalog
        Where reports are listed.
    objects : ObjectStore
        Where their documents lie.
    clock : Clock
        Tells when.
    data : Data
        Loads what is named by a reference.
    opener : callable, optional
        Opens the model that is named by a reference.
    """

    def __init__(
        self,
        catalog: Catalog,
        objects: ObjectStore,
        clock: Clock,
        data: Data,
        opener: Callable[[str], Opened] | None = None,
    ) -> None:
        super().__init__(catalog, objects, clock, data)
        self._opener = opener

    def model(
        self,
        model: Any,
        table: Any,
        target: str,
        *,
        champion: Any = None,
        train: Any = None,
        only: Sequence[str] = (),
        strict: bool = False,
        progress: Callable[[StepProgress], None] | None = None,
        **asked: Any,
    ) -> Report:
        """Judge a model on rows that it has not seen, and keep the report.

        Parameters
        ----------
        model : str or estimator
            A reference such as ``delay@v3``, or a fitted estimator.
        table : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            The rows, with their truth: a reference, a file, or a table.
        target : str
            The column with the truth.
        champion : str or estimator, optional
            The model that it must not be worse than.
        train : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame, optional
            The rows that it was trained on.
        only : sequence of str
            Names of the checks to run, of `nbmlops.checks.model.named.CHECKS`; all that have enough by default.
        strict : bool
            Raise when a check fails or cannot run; the report is kept all the same.
        progress : callable, optional
            Called when a check begins and when it ends.
        **asked
            Metric, bounds, slices and the sensitive column: the fields of `nbmlops.checks.model.case.Asked`.

        Returns
        -------
        Report
            One outcome or more per check, with its number in the catalog.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When what is asked is not possible: an unknown metric or check, a missing column, no rows.
        NotFoundError
            When there is no such model, version or file.
        """
        wanted = Asked.of(asked)
        rows, name, versions = self._rows(table)
        opened = self._opened(model)
        other = None if champion is None else self._opened(champion)
        case = Case(opened, rows, target, wanted, other, None if train is None else self._rows(train)[0])
        judged = (*opened.versions, *versions)
        outcomes = judge(case, only, progress)
        return self._judged("model", f"model on {name}", opened.name, outcomes, judged, strict=strict)

    def table(self, value: Any) -> pd.DataFrame:
        """A table as pandas, given as a reference, a file or a table of any library."""
        return self._rows(value)[0]

    def _opened(self, value: Any) -> Opened:
        if isinstance(value, str):
            if self._opener is None:
                raise InvalidError(f"{value} is a reference, and models cannot be loaded here", hint="give a model")
            return self._opener(value)
        if not hasattr(value, "predict"):
            raise InvalidError(f"a {type(value).__qualname__} is no model: it cannot predict")
        return Opened(type(value).__name__, value, inputs_of(value))

    def _rows(self, value: Any) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
        """The table as pandas, what it is called, and the version that it is, if it is one."""
        import pandas as pd

        if self._is_ref(value):
            return self._loaded(value)
        if isinstance(value, pd.DataFrame):
            return value, "dataframe", ()
        table, name, _ = self._table(value)
        frame = table.frame(table.names).collect().to_pandas()
        return frame.set_axis(list(table.names), axis=1), name, ()

    def _loaded(self, ref: str) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
        version = self._data.show(ref)
        if version.rows is None:
            raise InvalidError(
                f"{version.ref} is no table: it was saved as {version.format}", hint="make a table of it first"
            )
        return self._data.load(version.ref), version.ref, (f"data:{version.id}",)
