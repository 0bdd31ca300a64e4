"""Puts a watcher around what scikit-learn fits, and takes it away again.

The methods that fit are wrapped where scikit-learn's classes define them, once, so a class elsewhere that inherits
them is watched too. Within a watched call nothing is watched again: not the steps of a pipeline, not the folds of a
search. A context variable says so, and scikit-learn's own ``Parallel`` carries it into threads. A process that joblib
starts imports scikit-learn anew and has no hooks; a forked one has them, and is told by its id.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

__all__ = ["VALIDATIONS", "Call", "unwatch", "watch"]

_FITTING = ("fit", "fit_predict", "fit_transform")
VALIDATIONS = ("cross_validate", "cross_val_score")
"""Functions whose results are logged."""
# They fit as well; what they fit is nobody's model.
_QUIET = ("cross_val_predict", "learning_curve", "permutation_test_score", "validation_curve")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is watched: the name of the function, the call itself, its arguments by the names of parameters."""

    name: str
    run: Callable[[], Any]
    given: Mapping[str, Any]


Watcher = Callable[[Call], Any]

_inside: ContextVar[bool] = ContextVar("nbmlops_inside_fit", default=False)


class _Hooks:
    """The hooks of this process, and who watches."""

    def __init__(self) -> None:
        self.watcher: Watcher | None = None
        self.process = 0
        self.guard = threading.Lock()
        self.undo: list[Callable[[], None]] = []


_hooks = _Hooks()


def watch(watcher: Watcher) -> None:
    """Give every outermost fit of this process to `watcher`, in place of who watched before."""
    with _hooks.guard:
        if not _hooks.undo:
            _hooks.undo = list(_installed())
        _hooks.watcher, _hooks.process = watcher, os.getpid()


def unwatch(watcher: Watcher) -> None:
    """Take the hooks away, if it is `watcher` who watches."""
    with _hooks.guard:
        if _hooks.watcher is not watcher:
            return
        _hooks.watcher = None
        while _hooks.undo:
            _hooks.undo.pop()()


def _installed() -> Iterator[Callable[[], None]]:
    """Put every hook in its place; how each is taken away."""
    from sklearn.utils.parallel import Parallel

    for owner in _owners():
        for name in _FITTING:
            if name in vars(owner):
                yield _put(owner, name, _hooked(vars(owner)[name]))
    yield _put(Parallel, "__call__", _carrying(Parallel.__call__))
    from sklearn import model_selection

    functions = [getattr(model_selection, name) for name in (*VALIDATIONS, *_QUIET)]
    yield from _replaced({id(function): (function, _around(function)) for function in functions})


def _owners() -> list[type]:
    """All classes of scikit-learn of which estimators are made; those that are not imported yet are."""
    from sklearn.base import BaseEstimator
    from sklearn.utils import all_estimators

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        all_estimators()
    found: dict[type, None] = {}
    waiting: list[type] = [BaseEstimator]
    while waiting:
        derived: type
        for derived in waiting.pop().__subclasses__():
            if derived.__module__.startswith("sklearn.") and derived not in found:
                waiting.append(derived)
                found.update(dict.fromkeys(each for each in derived.__mro__ if each.__module__.startswith("sklearn.")))
    return list(found)


def _put(owner: Any, name: str, hook: Any) -> Callable[[], None]:
    before = vars(owner)[name]
    setattr(owner, name, hook)

    def undo() -> None:
        # Somebody else may have wrapped it since; what is left there passes everything through.
        if vars(owner).get(name) is hook:
            setattr(owner, name, before)

    return undo


def _replaced(hooks: Mapping[int, tuple[Any, Any]]) -> Iterator[Callable[[], None]]:
    """Replace functions in every module that has imported them; notebooks do so in their first cell."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        for name, value in list(names.items()) if isinstance(names, dict) else ():
            if id(value) in hooks and value is hooks[id(value)][0]:
                yield _put(module, name, hooks[id(value)][1])


def _around(function: Any) -> Any:
    """Wrap a function that fits."""

    @functools.wraps(function)
    def hooked(*args: Any, **kwargs: Any) -> Any:
        watcher = _hooks.watcher
        if watcher is None or _inside.get() or os.getpid() != _hooks.process:
            return function(*args, **kwargs)
        call = functools.partial(function, *args, **kwargs)
        token = _inside.set(True)
        try:
            given = _given(function, args, kwargs)
            # Arguments that do not fit are for the function itself to refuse.
            if given is None or function.__name__ in _QUIET:
                return call()
            return watcher(Call(function.__name__, call, given))
        finally:
            _inside.reset(token)

    return hooked


def _given(function: Any, args: Iterable[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    try:
        return inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return None


def _hooked(method: Any) -> Any:
    return _around(method) if isinstance(method, FunctionType) else _Conditional(method)


class _Conditional:
    """A method that an estimator has only under a condition, as a pipeline has ``fit_predict`` when its end has it."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        found = self._method.__get__(instance, owner)
        if isinstance(found, MethodType):
            return MethodType(_around(found.__func__), found.__self__)
        return _around(found) if isinstance(found, FunctionType) else found


def _carrying(call: Any) -> Any:
    @functools.wraps(call)
    def hooked(self: Any, iterable: Iterable[Any]) -> Any:
        return call(self, iterable if _hooks.watcher is None else map(_within, iterable))

    return hooked


def _within(task: Any) -> Any:
    """Let a task of ``Parallel`` run as a part of the call that it is a part of."""
    function = getattr(task[0], "function", None)
    if function is not None:
        task[0].function = _Within(function)
    return task


class _Within:
    """A function that runs inside a watched call, in whichever thread."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = _inside.set(True)
        try:
            return self._function(*args, **kwargs)
        finally:
            _inside.reset(token)

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process gets the function alone, and need not know of nbmlops.
        return functools.partial, (self._function,)
