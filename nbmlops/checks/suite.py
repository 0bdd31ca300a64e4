"""A suite: what is expected of a table, column by column, as a value that reads from and prints as text.

::

    suite   = { line }
    line    = ( "table" | column ) ":" check { "," check } [ "#" note ]
    column  = word | string
    check   = type | between(a, b) | in(v, …) | matches("regex") | unique | nulls < 5% | no nulls | expr("…")
            | mean between(a, b) | max between(a, b) | distinct between(n, m)      -- of the column as a whole
            | increasing | decreasing | increasing(strict) | length between(n, m) | fresh(7 days)
            | depends(column, …)                     -- one value for each combination of those columns
            | in(@airlines.carrier) | in(@airlines@v3)      -- the values of a column of another version
            | like(@flights@v1)                      -- distributed as a column of another version
            | test(late_enough)                      -- a function of one's own says so
            | mostly(0.99) | warn | owner("…") | reason("…")     -- these belong to the check before them
            | rows between(a, b) | key(column, …) | columns(exact | at_least, column, …)     -- of the table
            | references(column, …, @routes)         -- the columns stand together in a row of another version
    type    = number | integer | string | boolean | datetime | category

An end of ``between`` may be left out; dates are ISO 8601 strings. Inside parentheses a line may
break. A column called ``table`` is written in quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from nbmlops.checks.aggregates import Depends, Distinct, Maximum, Mean
from nbmlops.checks.custom import Function, Tested
from nbmlops.checks.kinds import (
    Between,
    Check,
    Columns,
    Expression,
    Key,
    Matches,
    Nulls,
    OneOf,
    Rows,
    TypeName,
    TypeOf,
    Unique,
)
from nbmlops.checks.lines import ColumnChecks, TableKind, refuse_conflicts, written
from nbmlops.checks.parser import parse
from nbmlops.checks.references import InReference, Like, References
from nbmlops.checks.sequence import Fresh, Length, Ordered
from nbmlops.checks.tokens import Scalar
from nbmlops.core.errors import InvalidError

__all__ = ["Suite", "SuiteBuilder"]


@dataclass(frozen=True, slots=True)
class Suite:
    """A named set of checks for one table.

    Parameters
    ----------
    name : str
        What reports call it; not part of the text.
    columns : tuple of ColumnChecks
        One for each judged column.
    table : tuple of Check
        Checks of the table as a whole.
    note : str
        The comment on the table's line.
    left_out : tuple of str
        What the schema that it was read from says and a suite cannot; each is a warning of every report.

    Raises
    ------
    InvalidError
        When a column is there twice, or checks contradict each other.

    Examples
    --------
    >>> print(Suite.parse("dep_delay: number, between(-60,1500), nulls<5%"))
    dep_delay: number, between(-60, 1500), nulls < 5%
    """

    name: str = ""
    columns: tuple[ColumnChecks, ...] = ()
    table: tuple[Check, ...] = ()
    note: str = ""
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for each in self.columns:
            if each.column in seen:
                raise InvalidError(f"the column {each.column!r} is there twice", hint="write its checks on one line")
            seen.add(each.column)
        for check in self.table:
            if not isinstance(check, TableKind | Expression | Tested):
                raise InvalidError(f"{check.words} belongs to a column, not to the table")
        refuse_conflicts(self.table, "the table")

    @classmethod
    def parse(cls, text: str, name: str = "") -> Suite:
        """Read a suite from its text.

        Raises
        ------
        InvalidError
            At the first place outside the grammar, with its line and a caret under it.
        """
        columns, table, note = parse(text)
        return cls(name, columns, table, note)

    def to_pandera(self) -> Any:
        """Write the suite as a ``pandera.pandas.DataFrameSchema``, which passes and fails the same frames.

        Raises
        ------
        DependencyError
            When pandera is not installed.
        """
        from nbmlops.checks.pandera import exported

        return exported(self)

    @property
    def refs(self) -> tuple[str, ...]:
        r"""The versions that it refers to, each once, as it names them.

        Examples
        --------
        >>> Suite.parse("carrier: in(@airlines@v3.carrier)\ntable: references(carrier, origin, @routes)").refs
        ('routes', 'airlines@v3')
        """
        checks = [*self.table, *(check for each in self.columns for check in each.checks)]
        return tuple(dict.fromkeys(check.ref for check in checks if isinstance(check, InReference | References | Like)))

    def __len__(self) -> int:
        return len(self.table) + sum(len(each.checks) for each in self.columns)

    def __str__(self) -> str:
        lines = [str(each) for each in self.columns]
        if self.table:
            lines.insert(0, written("table", self.table, self.note))
        lines += [f"# left out: {' '.join(words.split())}" for words in self.left_out]
        return "\n".join(lines)


class SuiteBuilder:
    """Build a suite in Python, one call per check.

    Examples
    --------
    >>> suite = SuiteBuilder("flights").column("dep_delay").between(-60, 1500).nulls(0.05)
    >>> print(suite.column("tailnum").matches("N[0-9A-Z]{3,5}").mostly(0.99).done())
    dep_delay: between(-60, 1500), nulls < 5%
    tailnum: matches("N[0-9A-Z]{3,5}"), mostly(0.99)
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._places: dict[str | None, list[Check]] = {}
        self._place: str | None = None

    def column(self, name: str) -> SuiteBuilder:
        """Go on with the checks of column `name`."""
        self._place = name
        return self

    def table(self) -> SuiteBuilder:
        """Go on with the checks of the table."""
        self._place = None
        return self

    def type(self, name: TypeName) -> SuiteBuilder:
        """Expect the type ``number``, ``integer``, ``string``, ``boolean``, ``datetime`` or ``category``."""
        return self._add(TypeOf(name=name))

    def between(self, low: float | str | None, high: float | str | None) -> SuiteBuilder:
        """Expect values from `low` to `high`, both inclusive; None leaves an end open."""
        return self._add(Between(low=low, high=high))

    def isin(self, values: Iterable[Scalar]) -> SuiteBuilder:
        """Expect values among `values` (``in`` is a keyword of Python)."""
        return self._add(OneOf(values=tuple(values)))

    def within(self, ref: str, column: str | None = None) -> SuiteBuilder:
        """Expect values among those of a column of the version `ref`; by default of the one of the same name."""
        return self._add(InReference(ref=ref, column=column))

    def like(self, ref: str, column: str | None = None) -> SuiteBuilder:
        """Expect values distributed as those of a column of the version `ref`; by default of the same name."""
        return self._add(Like(ref=ref, column=column))

    def test(self, function: Function) -> SuiteBuilder:
        """Expect `function` to say that the column, or the table, is good, or which of its rows are."""
        return self._add(Tested(name=getattr(function, "__name__", ""), function=function))

    def matches(self, pattern: str) -> SuiteBuilder:
        """Expect whole values to match the regular expression `pattern`."""
        return self._add(Matches(pattern=pattern))

    def nulls(self, limit: float) -> SuiteBuilder:
        """Expect a share of missing values below `limit`; 0 expects none."""
        return self._add(Nulls(limit=limit, inclusive=limit == 0))

    def unique(self) -> SuiteBuilder:
        """Expect no value twice."""
        return self._add(Unique())

    def mean(self, low: float | None, high: float | None) -> SuiteBuilder:
        """Expect the mean of the values from `low` to `high`."""
        return self._add(Mean(low=low, high=high))

    def max(self, low: float | str | None, high: float | str | None) -> SuiteBuilder:
        """Expect the largest or newest value from `low` to `high`."""
        return self._add(Maximum(low=low, high=high))

    def distinct(self, low: int | None, high: int | None) -> SuiteBuilder:
        """Expect from `low` to `high` different values."""
        return self._add(Distinct(low=low, high=high))

    def increasing(self, *, strict: bool = False) -> SuiteBuilder:
        """Expect no value below the one before it; nor equal to it when `strict`."""
        return self._add(Ordered(way="increasing", strict=strict))

    def decreasing(self, *, strict: bool = False) -> SuiteBuilder:
        """Expect no value above the one before it; nor equal to it when `strict`."""
        return self._add(Ordered(way="decreasing", strict=strict))

    def length(self, low: int | None, high: int | None) -> SuiteBuilder:
        """Expect texts of `low` to `high` characters."""
        return self._add(Length(low=low, high=high))

    def fresh(self, age: float, unit: str = "days") -> SuiteBuilder:
        """Expect the newest value to be at most `age` minutes, hours, days or weeks old."""
        return self._add(Fresh(age=age, unit=unit))

    def depends(self, *columns: str) -> SuiteBuilder:
        """Expect one value for each combination of `columns`."""
        return self._add(Depends(columns=columns))

    def expr(self, text: str) -> SuiteBuilder:
        """Expect the expression `text` to be true of each row."""
        return self._add(Expression(text=text))

    def rows(self, low: int | None, high: int | None) -> SuiteBuilder:
        """Expect the table to have from `low` to `high` rows."""
        self._place = None
        return self._add(Rows(low=low, high=high))

    def key(self, *columns: str) -> SuiteBuilder:
        """Expect `columns` together to name each row once."""
        self._place = None
        return self._add(Key(columns=columns))

    def references(self, *columns: str, ref: str) -> SuiteBuilder:
        """Expect `columns` of each row to stand together in a row of the version `ref`."""
        self._place = None
        return self._add(References(columns=columns, ref=ref))

    def columns(self, mode: Literal["exact", "at_least"], *names: str) -> SuiteBuilder:
        """Expect exactly, or at least, the columns `names`; without names those that the suite judges."""
        self._place = None
        return self._add(Columns(mode=mode, names=names))

    def mostly(self, share: float) -> SuiteBuilder:
        """Let the last check hold for a `share` of the values."""
        return self._change(lambda check: replace(check, mostly=share))

    def warn(self) -> SuiteBuilder:
        """Let the last check warn instead of fail."""
        return self._change(lambda check: replace(check, severity="warn"))

    def owner(self, name: str) -> SuiteBuilder:
        """Say who looks after the last check."""
        return self._change(lambda check: replace(check, owner=name))

    def reason(self, text: str) -> SuiteBuilder:
        """Say why the last check is there."""
        return self._change(lambda check: replace(check, reason=text))

    def done(self) -> Suite:
        """Give the suite as built so far."""
        columns = tuple(ColumnChecks(name, tuple(checks)) for name, checks in self._places.items() if name is not None)
        return Suite(self._name, columns, tuple(self._places.get(None, ())))

    def __str__(self) -> str:
        return str(self.done())

    def _add(self, check: Check) -> SuiteBuilder:
        self._places.setdefault(self._place, []).append(check)
        return self

    def _change(self, change: Callable[[Check], Check]) -> SuiteBuilder:
        checks = self._places.get(self._place)
        if not checks:
            raise InvalidError("there is no check yet that this could change", hint="between(0, 1).mostly(0.99)")
        checks[-1] = change(checks[-1])
        return self
