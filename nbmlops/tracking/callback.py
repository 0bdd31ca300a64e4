"""One object that training libraries call as they go on, each by the protocol that it documents.

============ ============================================= ==========================================================
library      what it calls                                 what is logged
============ ============================================= ==========================================================
Keras        ``on_epoch_end(epoch, logs)``                 each of `logs`, at the step `epoch`
xgboost      ``after_iteration(model, epoch, evals_log)``  the last of each list in `evals_log`, as ``data.metric``
lightgbm     ``callback(env)``                             each of ``env.evaluation_result_list``, as ``data.metric``
optuna       ``callback(study, trial)``                    a run for the trial, as a part of this one
============ ============================================= ==========================================================

Whatever else trains in steps may call ``on_epoch_end`` itself. Training goes on when something cannot be logged, which
is said once.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.tracking.active import ActiveRun, Keeper

__all__ = ["Callback"]


class _Nothing:
    """A method that does nothing, and is false.

    xgboost calls ``before_iteration``; lightgbm takes an object for which it is true as one to be called before each
    iteration, when there is nothing to log yet.
    """

    def __call__(self, *_: Any, **__: Any) -> bool:
        return False

    def __bool__(self) -> bool:
        return False


class Callback:
    """Logs to a run what a training library tells it; `ActiveRun.callback` makes one.

    Parameters
    ----------
    run : ActiveRun
        The run.
    runs : Keeper
        The service that started it, and starts its parts.
    """

    async_safe = True
    """Keras may go on training while it is called."""

    def __init__(self, run: ActiveRun, runs: Keeper) -> None:
        self.run = run
        self._runs = runs
        self._trials = ""
        self._said = False
        self.before_iteration = _Nothing()
        xgboost: Any = sys.modules.get("xgboost.callback")
        if xgboost is not None:  # it takes nothing but instances of this
            xgboost.TrainingCallback.register(Callback)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log what an epoch reached, at the step `epoch`."""
        with self._carefully():
            self.run.log(dict(logs or {}), step=int(epoch))

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Any]]) -> bool:  # noqa: ARG002 - xgboost's protocol
        """Log what an iteration of xgboost reached; False, for training goes on."""
        with self._carefully():
            found = {}
            for data, measured in evals_log.items():
                for metric, values in measured.items():
                    last = values[-1]
                    if isinstance(last, tuple):  # a cross-validation: mean and standard deviation
                        found[f"{data}.{metric}.std"] = last[1]
                        last = last[0]
                    found[f"{data}.{metric}"] = last
            self.run.log(found, step=int(epoch))
        return False

    def __call__(self, env: Any, trial: Any = None) -> None:
        """Log what an iteration of lightgbm, or a trial of optuna, reached."""
        with self._carefully():
            if trial is not None:
                self._log_trial(trial)
                return
            found = {}
            for data, metric, value, _, *deviation in env.evaluation_result_list or ():
                found[f"{data}.{metric}"] = value
                if deviation:
                    found[f"{data}.{metric}.std"] = deviation[0]
            self.run.log(found, step=int(env.iteration))

    def _log_trial(self, trial: Any) -> None:
        state = trial.state.name.lower()
        tags = {"trial": str(trial.number), "state": state}
        self._trials = self._trials or f"{self.run.record.experiment}.trial"
        part = self._runs.start(self._trials, params=trial.params, tags=tags, parent_id=self.run.id)
        values = trial.values or []
        part.log({"value": values[0]} if len(values) == 1 else {f"value.{n}": each for n, each in enumerate(values)})
        for step, value in sorted(trial.intermediate_values.items()):
            part.log(intermediate=value, step=step)
        failed = {"name": "TrialFailed", "value": f"trial {trial.number} raised"} if state == "fail" else None
        self._runs.end(part.id, "failed" if failed else "finished", error=failed)

    @contextmanager
    def _carefully(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - logging must not stop hours of training
            if not self._said:
                self._said = True
                with suppress(Warning):
                    warnings.warn(f"nbmlops: the run does not get everything: {error}", stacklevel=4)

    def before_training(self, model: Any) -> Any:
        """Give the model back, as xgboost wants it."""
        return model

    def after_training(self, model: Any) -> Any:
        """Give the model back, as xgboost wants it."""
        return model

    def _ignore(self, *_: Any, **__: Any) -> None:
        """Keras tells of much of which nothing is logged."""

    set_params = set_model = _ignore
    on_epoch_begin = on_batch_begin = on_batch_end = _ignore
    on_train_begin = on_train_end = on_train_batch_begin = on_train_batch_end = _ignore
    on_test_begin = on_test_end = on_test_batch_begin = on_test_batch_end = _ignore
    on_predict_begin = on_predict_end = on_predict_batch_begin = on_predict_batch_end = _ignore
