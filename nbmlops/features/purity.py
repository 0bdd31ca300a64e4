"""What makes a feature's code give another answer tomorrow: the clock, chance, the environment; found without running.

The text is only read: what hides behind another name is found by running the function twice (`trial`).
"""

from __future__ import annotations

import ast

from nbmlops.core.errors import InvalidError
from nbmlops.core.syntax import parsed

__all__ = ["refuse_impure"]

_CLOCKS = frozenset({"now", "utcnow", "today", "time_ns", "perf_counter", "monotonic", "localtime", "gmtime"})
_CHANCE = frozenset(
    "rand randn randint random random_sample uniform normal choice choices shuffle permutation sample betavariate "
    "expovariate gauss randrange getrandbits uuid1 uuid4 urandom token_hex token_bytes token_urlsafe".split()
)
_SOURCES = frozenset({"random", "secrets", "uuid", "np.random", "numpy.random", "os"})


def refuse_impure(source: str, name: str) -> None:
    """Refuse code that reads the clock or draws at random.

    Raises
    ------
    InvalidError
        When it does; names the line of the code.

    Examples
    --------
    >>> try:
    ...     refuse_impure("def f(t): return t - pd.Timestamp.now()", "f")
    ... except InvalidError as error:
    ...     print(error.message[:70])
    the feature f reads the clock in line 1, pd.Timestamp.now(): its value
    """
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Call) and (why := _impure(node)):
            raise InvalidError(
                f"the feature {name} {why} in line {node.lineno}, {ast.unparse(node)[:60]}: its values would not be "
                "the same in training and in serving, nor ever again",
                hint="take the time from a column, and chance from a generator with a seed",
            )


def _impure(call: ast.Call) -> str | None:
    if not isinstance(call.func, ast.Attribute):
        return "draws at random" if isinstance(call.func, ast.Name) and call.func.id in {"uuid4", "urandom"} else None
    owner, method = ast.unparse(call.func.value), call.func.attr
    if (method in _CLOCKS and not call.args) or (owner, method) == ("time", "time"):
        return "reads the clock"
    if method == "default_rng" or (method == "RandomState" and owner in _SOURCES):
        return None if call.args or call.keywords else "draws at random"
    if owner in _SOURCES and method in _CHANCE:
        return "draws at random"
    if method == "sample" and owner not in _SOURCES:
        seeded = any(keyword.arg in {"random_state", "seed"} for keyword in call.keywords)
        return None if seeded else "draws at random"
    return None
