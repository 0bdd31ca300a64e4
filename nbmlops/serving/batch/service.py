"""The verb ``model score``: every row of a table answered by a version of a model, and the answers saved."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.keywords import check_one_of
from nbmlops.serving.batch import executors
from nbmlops.serving.batch.crew import Crew
from nbmlops.serving.batch.records import Bad, Scores
from nbmlops.serving.batch.work import Opened, Order, Place
from nbmlops.serving.endpoint.refusals import MOST_FAULTS, Fault

if TYPE_CHECKING:
    import pyarrow as pa

    from nbmlops.data.parts import Reading
    from nbmlops.data.records import DataVersion
    from nbmlops.serving.batch.executors import Submit
    from nbmlops.serving.batch.scorer import Part, Scorer
    from nbmlops.serving.endpoint.fields import Unseen
    from nbmlops.store.versions import Version

__all__ = ["EXECUTORS", "BatchScoring"]

EXECUTORS = ("processes", "dask")
_MOST_ROWS, _FEWEST_ROWS, _BYTES = 1 << 16, 1 << 10, 32 << 20
"""Rows of a part at most and at least, and the bytes that its table should have."""
_FEWEST_AHEAD, _MOST_AHEAD, _WAITING = 2, 16, 256 << 20
"""Parts that may be under way or wait, for each job, and the bytes that their answers may take."""


class BatchScoring:
    """Scores tables of one project.

    Parameters
    ----------
    place : Place
        The project.
    opener : callable
        Opens it in another process.
    root : Path
        Its folder.
    unseen : callable
        What becomes of categories that a model has not seen, by its name: as its deployment says.
    scheduler : str or None
        The scheduler of Dask that the settings name.
    """

    def __init__(
        self,
        place: Place,
        opener: Callable[[Path], Place],
        root: Path,
        unseen: Callable[[str], Unseen],
        scheduler: str | None = None,
    ) -> None:
        self._place = place
        self._opener = opener
        self._root = root
        self._unseen = unseen
        self._scheduler = scheduler

    def __call__(  # noqa: PLR0913 - one for each option of the verb
        self,
        ref: str,
        data: str,
        *,
        to: str | None = None,
        keep: Sequence[str] = (),
        bad: Bad = "refuse",
        jobs: int | None = None,
        executor: str | None = None,
        scheduler: str | None = None,
        message: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Scores:
        """Let a model answer every row of a table, which need not fit in memory, and save the answers in its order.

        Parameters
        ----------
        ref, data : str
            The model, such as ``delay@production``, and the table, such as ``flights@v7``.
        to : str, optional
            What to call the answers; by default the model's name with ``_scores``.
        keep : sequence of str
            Columns of the table to save beside them.
        bad : {"refuse", "null"}
            What becomes of rows that do not fit the model's signature: all is refused, or they have nulls for answers.
        jobs : int, optional
            How many processes compute; by default one for each processor.
        executor : {"processes", "dask"}, optional
            Where.
        scheduler : str, optional
            Address of the scheduler of Dask.
        message : str, optional
            Why; by default it says which model answered which table.
        progress : callable, optional
            Called with numbers of bytes as they are saved.

        Raises
        ------
        InvalidError
            When rows are refused, the table lacks columns, the model has no signature or fails on some rows.
        NotFoundError, UntrustedError
            When there is no such model or table, or the model is not to be opened.
        UnavailableError
            When a process was killed, or the cluster cannot be used.
        """
        check_one_of("bad", bad, ("refuse", "null"))
        where = self._address(executor, scheduler) or _jobs(jobs)
        model, table = self._place.models.resolve(ref), self._place.data.table_version(data)
        said = message if message is not None else f"scores of {model.ref} for {table.ref}"
        named: dict[str, Any] = {"name": to or f"{model.name}_scores", "made_from": (model, table), "message": said}
        save = partial(self._place.data.stream, **named, progress=progress)
        return self._scored(model, table, tuple(keep), bad, where, save)

    def _scored(
        self,
        model: Version,
        table: Version,
        keep: tuple[str, ...],
        bad: Bad,
        where: int | str,
        save: Callable[[Reading], DataVersion],
    ) -> Scores:
        """Compute on a cluster at an address, or by so many jobs, while what has come is saved."""
        began = time.perf_counter()
        asked = (model.id, model.digest), (table.id, table.digest)
        order = Order(self._opener, self._root, *asked, keep, bad, self._unseen(model.name))
        spans = _spans(table)
        jobs = 0 if isinstance(where, str) else max(1, min(where, len(spans)))
        with ExitStack() as stack:
            crew = stack.enter_context(Crew(order, jobs - 1)) if jobs > 1 else None
            opened = Opened(order, self._place)
            stack.callback(opened.close)
            if isinstance(where, str):
                submit, threads = stack.enter_context(executors.on_cluster(order, where))
                ahead = _FEWEST_AHEAD * threads
            elif crew is not None:
                submit = stack.enter_context(crew.scoring(opened))
                ahead = _ahead(jobs, table, opened.scorer, spans)
            else:
                submit, ahead = stack.enter_context(executors.here(opened)), 0
            answers = _Answers(opened.scorer.schema, submit, spans, ahead)
            saved = save(answers)
        told = answers.bad, dict(answers.faults), tuple(answers.first)
        return Scores(saved, model.ref, table.ref, answers.rows, *told, jobs, time.perf_counter() - began)

    def _address(self, executor: str | None, scheduler: str | None) -> str | None:
        """The scheduler of Dask, None for processes of this machine."""
        chosen = executor or ("processes" if scheduler is None else "dask")
        check_one_of("executor", chosen, EXECUTORS)
        if chosen == "processes":
            if scheduler is not None:
                raise InvalidError(f"processes have no scheduler, and {scheduler} is given", hint="`--executor dask`")
            return None
        address = scheduler or self._scheduler
        if address is None:
            raise InvalidError("which scheduler of Dask is not said", hint="`--scheduler tcp://HOST:8786`")
        return address


class _Answers:
    """The answers part by part, as `nbmlops.data.parts.Reading` has it; what was wrong is counted on the way."""

    def __init__(self, schema: pa.Schema, submit: Submit, spans: Iterable[tuple[int, int]], ahead: int) -> None:
        self.schema = schema
        self.rows = self.bad = 0
        self.faults: Counter[str] = Counter()
        self.first: list[Fault] = []
        self._parts: Iterator[Part] = executors.in_order(submit, spans, ahead)

    def parts(self) -> Iterator[pa.Table]:
        for part in self._parts:
            self.rows += part.table.num_rows
            self.bad += part.bad
            self.faults.update(part.faults)
            self.first += part.first[: MOST_FAULTS - len(self.first)]
            yield part.table


def _jobs(asked: int | None) -> int:
    from joblib import cpu_count

    if asked is None:
        return int(cpu_count())
    if asked < 1:
        raise InvalidError(f"{asked} jobs compute nothing", hint="give a number from 1 on")
    return asked


def _spans(table: Version) -> list[tuple[int, int]]:
    """The stretches of rows that are scored at a time; the table alone decides, so the answers do not depend on more.

    The last digits of a linear model's answer depend on how many rows it is multiplied with.
    """
    rows = int(table.detail["rows"])
    each = max(_FEWEST_ROWS, min(_MOST_ROWS, _BYTES * rows // max(table.size, 1)))
    return [(start, min(start + each, rows)) for start in range(0, rows, each)]


def _ahead(jobs: int, table: Version, scorer: Scorer, spans: Sequence[tuple[int, int]]) -> int:
    """How many parts may wait: while a process begins, those that it was not there for must not hold up the others."""
    kept = len(scorer.keep) / max(len(table.detail["columns"]), 1)
    each = table.size * kept / max(table.detail["rows"], 1) + 8 * len(scorer.schema)
    fit = int(_WAITING / (each * max(spans[0][1], 1)))
    return max(_FEWEST_AHEAD * jobs, min(_MOST_AHEAD * jobs, fit))
