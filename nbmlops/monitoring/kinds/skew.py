"""Skew of training and serving: logged rows made again by the feature code of training, and compared by feature.

The code is a function of the user's own. With a reference it is given that table, the raw data, and its rows meet the
logged ones by the key; without one it is given the logged rows themselves. Instead of a function, the features of the
model's training set can be made again: from their offline tables as they were known at each request, and by their own
functions on demand. Numbers are alike within 1e-5 of their size, since what is served is often of single precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.records import Outcome
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.monitoring.own_rows import frame_of
from nbmlops.monitoring.watching import INPUT
from nbmlops.profiling.personal.hiding import hidden_value

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.monitoring.watching import Watched

__all__ = ["SHARE", "judge"]

SHARE = 0.001
"""Share of the rows that may differ in a feature."""
_ROWS = 10_000
_NEAR = 1e-5
_EXAMPLES = 5


def judge(watched: Watched) -> list[Outcome]:
    """An outcome for the rows that were found again, and one for each feature."""
    rules, bound = watched.monitor.rules, watched.monitor.bound
    if rules.get("features"):
        return _of_features(watched, SHARE if bound is None else bound)
    code, key = rules["code"], rules.get("key")
    logged = frame_of(watched, sample=_ROWS)
    features = [name.removeprefix(INPUT) for name in watched.rows().collect_schema().names() if name.startswith(INPUT)]
    if key is not None and key not in logged.columns:
        raise InvalidError(f"{key} is no input", hint=nearest(key, list(logged.columns)))
    reference = watched.monitor.reference
    if reference is not None and key is None:
        raise InvalidError(
            f"without a key nothing says which row of {reference} a request was about", hint="add --key: an input"
        )
    given = logged if reference is None else watched.data.load(reference, as_="pandas")
    made = _made(watched.known.code.call(code, given.copy()), code)
    pairs = _paired(logged, made, key, code)
    common = [name for name in features if name in made.columns and name != key]
    if not common:
        raise InvalidError(
            f"{code} makes none of the inputs {', '.join(features[:5])}", hint="let it give columns of those names"
        )
    allowed = SHARE if bound is None else bound
    left = sorted({*features} - {*common, key})
    told = f"not made by {code}: {', '.join(map(str, left[:5]))}" if left else ""
    found = len(pairs) / len(logged)
    rows = f"{len(pairs):,} of {len(logged):,} rows"
    status = "passed" if len(pairs) == len(logged) else "warned" if len(pairs) else "errored"
    outcome = Outcome("found again", None, status, rows, "all", told, number=found)  # type: ignore[arg-type]
    return [outcome, *(_compared(pairs, name, allowed) for name in common if len(pairs))]


def _of_features(watched: Watched, bound: float) -> list[Outcome]:
    """The same of the features that the model was trained on; rows of each version against its own."""
    import pandas as pd

    logged = frame_of(watched, sample=_ROWS)
    parts = []
    for number, rows in logged.groupby("_version", sort=True):
        made = watched.known.features(f"{watched.monitor.deployment}@v{number}", rows)
        parts.append(rows.join(made.add_suffix(" made").set_axis(rows.index)))
    pairs = pd.concat(parts)
    names = [name for name in logged.columns if f"{name} made" in pairs.columns]
    rows_told = f"{len(pairs):,} of {len(logged):,} rows"
    found = Outcome("found again", None, "passed", rows_told, "all", "as known at each request", number=1.0)
    return [found, *(_compared(pairs, name, bound) for name in names)]


def _made(given: Any, code: str) -> pd.DataFrame:
    import pandas as pd

    if hasattr(given, "to_pandas"):
        given = given.to_pandas()
    if not isinstance(given, pd.DataFrame):
        raise InvalidError(
            f"{code} gives a {type(given).__qualname__}, and a table of features is asked for",
            hint="return a pandas.DataFrame with a column for each feature",
        )
    return given


def _paired(logged: pd.DataFrame, made: pd.DataFrame, key: str | None, code: str) -> pd.DataFrame:
    """Logged rows with those that were made beside them, as ``NAME`` and ``NAME made``."""
    if key is None:
        if len(made) != len(logged):
            raise InvalidError(
                f"{code} gives {len(made):,} rows for {len(logged):,}", hint="one for each, or name their --key"
            )
        made = made.add_suffix(" made").set_axis(logged.index)
        return logged.join(made)
    if key not in made.columns:
        raise InvalidError(f"{code} gives no column {key}, by which rows are found again")
    twice = made[key].duplicated()
    if twice.any():
        example = hidden_value(made.loc[twice, key].iloc[0], key)
        raise InvalidError(f"{code} gives {int(twice.sum()):,} rows too many: {key} {example} is there twice")
    made = made.rename(columns={name: f"{name} made" for name in made.columns if name != key})
    text = made.assign(**{key: made[key].astype(str)})
    return logged.assign(**{key: logged[key].astype(str)}).merge(text, on=key, how="inner")


def _compared(pairs: pd.DataFrame, name: str, bound: float) -> Outcome:
    import numpy as np

    served, made = pairs[name], pairs[f"{name} made"]
    differs = _differ(served, made)
    wrong, share = int(differs.sum()), float(differs.mean())
    at = np.flatnonzero(differs)[:_EXAMPLES]
    rows = [(pairs["_id"].iloc[i], *(hidden_value(_plain(each.iloc[i]), name) for each in (served, made))) for i in at]
    table = TableEvidence.of(("request", "served", "made again"), rows, name, wrong)
    return Outcome(
        "skew",
        name,
        "failed" if share > bound else "passed",
        f"{share:.2%} of rows differ",
        f"at most {bound:.2%}",
        f"{wrong:,} of {len(pairs):,}",
        evidence=(table,) if wrong else (),
        number=share,
        band=(None, bound),
    )


def _differ(served: pd.Series[Any], made: pd.Series[Any]) -> Any:
    """For each row whether both differ; two that are missing are alike."""
    import numpy as np
    import pandas as pd

    gone, lost = served.isna().to_numpy(), made.isna().to_numpy()
    numbers = all(pd.api.types.is_numeric_dtype(each) for each in (served, made))
    if numbers:
        left, right = (pd.to_numeric(each).astype("float64").to_numpy() for each in (served, made))
        alike = np.isclose(left, right, rtol=_NEAR, atol=1e-9)
    else:
        alike = (served.astype(str) == made.astype(str)).to_numpy()
    return np.where(gone | lost, gone != lost, ~alike)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
