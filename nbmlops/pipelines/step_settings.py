"""What a notebook asks for when it runs as a step: the body of ``%%ml step``, one setting a line.

::

    retries: 3, wait 30s, factor 2, at most 10m
    timeout: 20m
    cell timeout: 5m
    memory: 4GiB
    cores: 2
    cache: 7d
    when: month > 3 and region == "north"
    after: 2_validate
    reads: routes@v3, model delay
    writes: predictions

Each may be left out. ``cache`` is ``always``, ``never``, or how old a result may be that is taken over; ``when`` is a
condition on the step's parameters and, as ``col("STEP.METRIC")``, on what the steps before it have logged; ``after``,
``reads`` and ``writes`` say what the lines of the notebook do not show. A ``#`` begins a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from nbmlops.checks.tokens import pointed
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.refs import Ref, check_name
from nbmlops.core.sizes import bytes_of, size_text
from nbmlops.core.spans import parse_span, span_text
from nbmlops.data.conditions import column_names

if TYPE_CHECKING:
    from nbmlops.pipelines.request import Limits

__all__ = ["NONE", "Declared", "Retries", "StepSettings", "parse_settings"]

_MOST_RETRIES, _MOST_CORES = 100, 4_096
# A comment, unless the mark stands in quotes, as a value of a condition may hold it.
_COMMENT = re.compile(r"""((?:[^#"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)(?:#.*)?""")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a step is tried again, and after what pause.

    Attributes
    ----------
    times : int
        At most so often again.
    wait : timedelta
        The first pause.
    factor : float
        By which the pause grows each time.
    most : timedelta
        The longest pause.

    Examples
    --------
    >>> retries = Retries(3, wait=timedelta(seconds=30))
    >>> [retries.pause(attempt) for attempt in (1, 2, 3)]
    [30.0, 60.0, 120.0]
    """

    times: int = 0
    wait: timedelta = timedelta(seconds=10)
    factor: float = 2.0
    most: timedelta = timedelta(minutes=10)

    def pause(self, attempt: int) -> float:
        """Seconds between the attempt of this number, counted from 1, and the next."""
        # Before it is multiplied: the hundredth power of a factor need not be a number any more.
        pause, most = self.wait.total_seconds(), self.most.total_seconds()
        for _ in range(attempt - 1):
            if pause >= most:
                break
            pause *= self.factor
        return min(pause, most)

    def __str__(self) -> str:
        said = [str(self.times), f"wait {span_text(self.wait)}"]
        said += [f"factor {self.factor:g}"] if self.factor != 1 else []
        return ", ".join([*said, f"at most {span_text(self.most)}"] if self.factor != 1 else said)


@dataclass(frozen=True, slots=True)
class Declared:
    """A version that a notebook says it reads or writes, where its lines do not show it."""

    kind: Literal["data", "model"]
    ref: str

    def __str__(self) -> str:
        return self.ref if self.kind == "data" else f"model {self.ref}"


@dataclass(frozen=True, slots=True)
class StepSettings:
    """What a step asks for.

    Attributes
    ----------
    retries : Retries
        How often it is tried again when it fails, runs out of time or loses its kernel.
    timeout, cell_timeout : timedelta or None
        What the whole step, and each of its cells, may take.
    memory : int or None
        Bytes for its kernel and the child processes of that.
    cores : int
        How many cores it is counted for beside others.
    cache : timedelta or None
        How old a result may be that is taken over in place of running; None is any age, 0 is never.
    when : str
        The condition on which it runs; empty is always.
    after : tuple of str
        Steps that it waits for, whatever they write.
    reads, writes : tuple of Declared
        What it reads and writes besides what its lines show.
    cell : int
        Number of the cell that says so, from 1; 0 where none does.
    """

    retries: Retries = Retries()
    timeout: timedelta | None = None
    cell_timeout: timedelta | None = None
    memory: int | None = None
    cores: int = 1
    cache: timedelta | None = None
    when: str = ""
    after: tuple[str, ...] = ()
    reads: tuple[Declared, ...] = ()
    writes: tuple[Declared, ...] = ()
    cell: int = 0

    def within(self, limits: Limits) -> Limits:
        """The limits of its execution: those that are given with a run, and its own where none are."""
        seconds = [None if span is None else span.total_seconds() for span in (self.cell_timeout, self.timeout)]
        return replace(
            limits,
            cell=seconds[0] if limits.cell is None else limits.cell,
            step=seconds[1] if limits.step is None else limits.step,
            memory=self.memory if limits.memory is None else limits.memory,
        )

    def __str__(self) -> str:
        return "\n".join(f"{key}: {said}" for key, said in self.lines())

    def lines(self) -> Iterator[tuple[str, str]]:
        """The settings that are not the usual ones, as they are written: pairs of key and value."""
        for key, name in _KEYS.items():
            value = getattr(self, name)
            if value != getattr(NONE, name):
                yield key, _WRITTEN.get(name, _listed)(value)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _aged(age: timedelta) -> str:
    return span_text(age) if age else "never"


NONE: Final = StepSettings()
"""The settings of a notebook that has none."""
_KEYS = {field.name.replace("_", " "): field.name for field in fields(StepSettings) if field.name != "cell"}
_WRITTEN: dict[str, Callable[[Any], str]] = {
    "timeout": span_text,
    "cell_timeout": span_text,
    "memory": size_text,
    "cache": _aged,
}


def parse_settings(text: str, cell: int = 0) -> StepSettings:
    r"""Read the body of ``%%ml step``.

    Parameters
    ----------
    text : str
        One setting a line.
    cell : int
        Number of the cell that it stands in.

    Raises
    ------
    InvalidError
        At the first line that is no setting, or is there twice, with its number and a caret.

    Examples
    --------
    >>> parse_settings("retries: 2\nwhen: month > 3").when
    'month > 3'
    """
    found: dict[str, Any] = {}
    place = 0
    for line in text.split("\n"):
        commented = _COMMENT.fullmatch(line.rstrip("\r"))
        said = commented[1] if commented else line
        if said.strip():
            name, value = _setting(text, place, said)
            if name in found:
                raise pointed(text, place, f"{name.replace('_', ' ')} is said twice", hint="leave one out")
            found[name] = value
        place += len(line) + 1
    return StepSettings(**found, cell=cell)


def _setting(text: str, place: int, line: str) -> tuple[str, Any]:
    key, colon, value = line.partition(":")
    name, known = _KEYS.get(" ".join(key.split())), ", ".join(_KEYS)
    if name is None:
        near = nearest(key.strip(), _KEYS) if colon else None
        what = f"{key.strip()!r} is no setting of a step" if colon else "a setting is written as key: value"
        raise pointed(text, place + len(line) - len(line.lstrip()), what, hint=near or f"there are {known}")
    at = place + len(key) + 1 + len(value) - len(value.lstrip())
    if not value.strip():
        raise pointed(text, place + len(key), f"{key.strip()} has no value", hint=_EXAMPLES[name])
    try:
        return name, _READERS[name](value.strip())
    except InvalidError as error:
        # What a condition says of itself has a caret of its own; here is one for the line.
        raise pointed(text, at, error.message.partition("\n")[0], hint=error.hint or _EXAMPLES[name]) from None


def _retries(text: str) -> Retries:
    times, *rest = [part.strip() for part in text.split(",")]
    given: dict[str, Any] = {"times": _whole(times, _MOST_RETRIES, least=0)}
    for part in rest:
        key, _, value = part.rpartition(" ")
        name = {"wait": "wait", "factor": "factor", "at most": "most"}.get(" ".join(key.split()))
        if name is None or name in given:
            raise InvalidError(f"{part!r} is no way to wait")
        given[name] = _factor(value) if name == "factor" else parse_span(value)
    return Retries(**given)


def _factor(text: str) -> float:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text) is None or float(text) < 1:
        raise InvalidError(f"the pause cannot grow by the factor {text}", hint="a number from 1 on, such as 2 or 1.5")
    return float(text)


def _whole(text: str, most: int, least: int = 1) -> int:
    if re.fullmatch(r"\d{1,9}", text) is None or not least <= int(text) <= most:
        raise InvalidError(f"{text!r} is no whole number between {least} and {most:,}")
    return int(text)


def _some_time(text: str) -> timedelta:
    span = parse_span(text)
    if not span:
        raise InvalidError("no time is left for anything", hint="leave the line out for no limit")
    return span


def _some_memory(text: str) -> int:
    found = bytes_of(text)
    if not found:
        raise InvalidError("no memory is left for anything", hint="leave the line out for no limit")
    return found


def _cache(text: str) -> timedelta | None:
    if text in {"always", "never"}:
        return None if text == "always" else timedelta(0)
    return parse_span(text)


def _when(text: str) -> str:
    column_names(text)
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_name(part.strip().removesuffix(".ipynb")) for part in text.split(",")))


def _refs(text: str) -> tuple[Declared, ...]:
    found = []
    for part in text.split(","):
        kind, _, ref = part.strip().rpartition(" ")
        if kind not in {"", "data", "model"}:
            raise InvalidError(f"{part.strip()!r} is no reference", hint="a name, name@v3, or model and a name")
        found.append(Declared("model" if kind == "model" else "data", str(Ref.parse(ref))))
    return tuple(dict.fromkeys(found))


def _own_names(text: str) -> tuple[Declared, ...]:
    found = _refs(text)
    for each in found:
        check_name(each.ref)
    return found


_READERS: dict[str, Callable[[str], Any]] = {
    "retries": _retries,
    "timeout": _some_time,
    "cell_timeout": _some_time,
    "memory": _some_memory,
    "cores": lambda text: _whole(text, _MOST_CORES),
    "cache": _cache,
    "when": _when,
    "after": _names,
    "reads": _refs,
    "writes": _own_names,
}
_EXAMPLES = {
    "retries": "such as 3, or 3, wait 30s, factor 2, at most 10m",
    "timeout": "such as 20m",
    "cell_timeout": "such as 5m",
    "memory": "such as 4GiB",
    "cores": "such as 2",
    "cache": "always, never, or how old a result may be, such as 7d",
    "when": "a condition on parameters, such as month > 3",
    "after": "names of steps, such as 2_validate",
    "reads": "such as flights, routes@v3, model delay",
    "writes": "such as flights, model delay",
}
