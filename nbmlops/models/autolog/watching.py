"""Logs the fits of a process to the runs of a workspace.

The outermost fit is logged, whatever it fits inside. The active run takes the first fit; each further one, and each
without an active run, gets a run of its own, named after the estimator's class. What only transforms is preparation
and gets none. A forked process logs nothing: it works for the one that switched this on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.models import signature
from nbmlops.models.autolog import hooks, measures, searches
from nbmlops.models.autolog.entry import Entry, Teller
from nbmlops.models.autolog.importances import core, importances
from nbmlops.models.autolog.pictures import pictures
from nbmlops.models.autolog.sample import Sample, answers, overwrites, sample
from nbmlops.models.autolog.undisturbed import size, undisturbed
from nbmlops.models.autolog.values import kind_of, params_of, plain, plain_all
from nbmlops.tracking.autologging import Autolog

if TYPE_CHECKING:
    from nbmlops.models.service import Models
    from nbmlops.tracking.active import ActiveRun
    from nbmlops.tracking.service import Runs

__all__ = ["LARGEST", "FitLogger"]

LARGEST = 256 << 20
"""Bytes of arrays in a model that is saved; a larger one is left to ``ml model save``."""


class FitLogger:
    """Logs what scikit-learn fits.

    Parameters
    ----------
    runs : Runs
        Where it is logged.
    models : callable
        Gives the registry in which fitted models are saved.
    """

    def __init__(self, runs: Runs, models: Callable[[], Models]) -> None:
        self._runs = runs
        self._models = models
        self._watched = self._watch  # one object, by which the hooks know who watches
        self._pictures = self._saves = True
        self._guard = threading.Lock()
        self._joined: set[str] = set()
        self._teller = Teller()

    def on(self, *, plots: bool, models: bool) -> Autolog:
        """Log from now on; what another workspace's autologger did in this process ends."""
        self._pictures, self._saves, self._teller = plots, models, Teller()
        hooks.watch(self._watched)
        return self._state(on=True)

    def off(self) -> Autolog:
        """Log nothing more."""
        hooks.unwatch(self._watched)
        return self._state(on=False)

    def _state(self, *, on: bool) -> Autolog:
        library = f"scikit-learn {version('scikit-learn')}"
        return Autolog(on=on, library=library, plots=self._pictures, models=self._saves)

    def _watch(self, call: hooks.Call) -> Any:
        entry = self._begun(call)
        if entry is None:
            return call.run()
        example = None
        with entry.attempt("example"):
            example = _example(call.given)
        with entry:
            began = time.perf_counter()
            result = call.run()
            seconds = time.perf_counter() - began
            with entry.attempt("everything"):
                # No metric: those of a run are compared with those of its proof.
                entry.run.tag({"autolog.seconds": f"{seconds:.4g}"})
                if call.name in hooks.VALIDATIONS:
                    self._log_validation(entry, result)
                else:
                    with undisturbed(call.given["self"]):
                        self._log_fit(entry, call, example)
        return result

    def _begun(self, call: hooks.Call) -> Entry | None:
        """The run that the call is logged to, with what it was given; None when it is not logged."""
        try:
            subject = call.given["self"] if "self" in call.given else call.given["estimator"]
            if call.name not in hooks.VALIDATIONS and not _is_logged(subject):
                return None
            entry = self._entry(subject)
        except Exception as error:  # noqa: BLE001 - logging must not stop whoever fits
            self._teller.say("a fit", error)
            return None
        with entry.attempt("params"):
            entry.run.tag(autolog=kind_of(subject))
            entry.params(params_of(subject), type(subject).__name__)
            if call.name in hooks.VALIDATIONS:
                entry.params({key: plain(call.given.get(key)) for key in ("cv", "scoring")}, call.name)
        return entry

    def _entry(self, subject: Any) -> Entry:
        active = self._runs.current()
        if active is not None and self._takes(active):
            return Entry(active, active.record.experiment, own=False, teller=self._teller)
        name = type(subject).__name__
        return Entry(self._runs.start(name), name, own=True, teller=self._teller)

    def _takes(self, active: ActiveRun) -> bool:
        """Whether the active run has no fit yet, also not from before a restart."""
        with self._guard:
            if active.id in self._joined:
                return False
            self._joined.add(active.id)
        record = active.record
        return record.status == "running" and "autolog" not in record.tags

    def _log_fit(self, entry: Entry, call: hooks.Call, example: Any) -> None:
        fitted = call.given["self"]
        model = getattr(fitted, "best_estimator_", fitted) if searches.is_search(fitted) else fitted
        with entry.attempt("attributes"):
            for part in {id(part): part for part in (fitted, core(model))}.values():
                entry.run.log(measures.fitted(part))
                entry.run.log(measures.curves(part))
        if searches.is_search(fitted):
            self._log_search(entry, fitted)
            if model is fitted:
                return
        with entry.attempt("measures"):
            rows = sample(call.given)
            if rows is not None:
                self._log_measures(entry, model, rows)
        if self._saves:
            with entry.attempt("model"):
                self._save(entry, model, example)

    def _log_measures(self, entry: Entry, model: Any, rows: Sample) -> None:
        entry.run.log({"train.rows": rows.rows, "train.columns": rows.columns})
        if overwrites(model):
            entry.leave_out("measures", "fit may have overwritten its input")
            return
        if rows.places is not None:
            entry.run.tag({"autolog.measured": f"{len(rows.places)} of {rows.rows} rows"})
        answered = None
        with entry.attempt("answers"):
            answered = answers(model, rows)
        entry.metrics(measures.figures(model, rows, answered))
        important = None
        with entry.attempt("importances"):
            important = importances(model)
            if important:
                entry.run.artifact({"what": important[0], "columns": important[1]}, "feature_importances.json")
        if self._pictures:
            with entry.attempt("pictures"):
                for name, draw in pictures(answered, important):
                    with entry.attempt(name):
                        entry.run.artifact(draw(), name)

    def _save(self, entry: Entry, model: Any, example: Any) -> None:
        held = size(model)
        if held > LARGEST:
            entry.leave_out("model", f"it holds {held:,} bytes of arrays; `ml model save` saves it all the same")
            return
        self._models().save(model, entry.experiment, example=example)

    def _log_search(self, entry: Entry, search: Any) -> None:
        import pandas as pd

        results = search.cv_results_
        with entry.attempt("cv_results.csv"):
            entry.run.artifact(pd.DataFrame(results).to_csv(index=False).encode(), "cv_results.csv")
        with entry.attempt("best"):
            if hasattr(search, "best_params_"):
                entry.run.param(best=plain_all(search.best_params_))
        with entry.attempt("candidates"):
            count = searches.log_candidates(self._runs, entry.run.id, f"{entry.experiment}.candidate", results)
            if count > searches.MOST:
                entry.leave_out("candidates", f"the best {searches.MOST} of {count} are runs")

    def _log_validation(self, entry: Entry, results: Any) -> None:
        entry.run.log(searches.log_folds(self._runs, entry.run.id, f"{entry.experiment}.fold", results))


def _is_logged(estimator: Any) -> bool:
    """Whether it predicts, finds groups or outliers, is a density or a search, rather than only transforms."""
    from sklearn.base import is_clusterer
    from sklearn.neighbors import KernelDensity

    if searches.is_search(estimator) or isinstance(estimator, KernelDensity):
        return True
    return hasattr(estimator, "predict") or hasattr(estimator, "fit_predict") or is_clusterer(estimator)


def _example(given: Mapping[str, Any]) -> Any:
    """Some rows as they are before the fit, for the model's signature; None when they are no table, array or texts."""
    table: Any = next((value for name, value in given.items() if name != "self"), None)
    try:
        # First of all few rows: a long table is not converted as a whole.
        rows = signature.head(table.head(signature.EXAMPLE_ROWS) if hasattr(table, "head") else table)
    except InvalidError:
        return None
    return rows.copy()
