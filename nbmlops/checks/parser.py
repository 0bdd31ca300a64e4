"""From the text of a suite to its records: a recursive descent over tokens."""

from __future__ import annotations

import dataclasses

from nbmlops.checks.conflicts import conflict
from nbmlops.checks.custom import Tested
from nbmlops.checks.kinds import TYPES, Check, Expression, TypeOf
from nbmlops.checks.lines import ColumnChecks, TableKind
from nbmlops.checks.readers import KINDS
from nbmlops.checks.tokens import Scalar, Token, pointed, tokenize
from nbmlops.core.errors import InvalidError, nearest
from nbmlops.data.condition_text import MisreadError

__all__ = ["Parser", "parse"]

_LIMIT = 10_000_000
_MODIFIERS = ("mostly", "warn", "owner", "reason")


Parsed = tuple[tuple[ColumnChecks, ...], tuple[Check, ...], str]


def parse(text: str) -> Parsed:
    """Read the lines of a suite: its columns, the checks of its table, and the note on them.

    Raises
    ------
    InvalidError
        At the first place outside the grammar of `nbmlops.checks.suite`, with its line and a caret.
    """
    if len(text) > _LIMIT:
        raise InvalidError(f"the suite has {len(text):,} characters; at most {_LIMIT:,} are read")
    return Parser(text.replace("\r\n", "\n")).lines()


class Parser:
    """The tokens of a suite and where in them it reads; `readers` go on with it behind the word of a kind."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.at = 0

    # -- tokens ---------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        """The token that is read next."""
        return self.tokens[self.at]

    def next(self) -> Token:
        """Take the next token; the end stays where it is."""
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def takes(self, *marks: str) -> bool:
        """Go past the next token when it is one of `marks` (punctuation or a word)."""
        if self.token.kind in ("mark", "word") and self.token.text in marks:
            self.at += 1
            return True
        return False

    def needs(self, mark: str, after: str) -> None:
        """Go past `mark`; the error names what it should stand `after`."""
        if not self.takes(mark):
            raise self.error(self.token, f"expected {mark!r} after {after}, found {self.token}")

    def error(self, token: Token, message: str, hint: str | None = None) -> InvalidError:
        """Build the error `message` with a caret under `token`."""
        return pointed(self.text, token.start, message, hint=hint)

    def misread(self, token: Token, error: MisreadError) -> InvalidError:
        """Build the error of a pattern or condition inside the string `token`, with a caret at its place."""
        # With an escape in the string, places inside it and in the text no longer match.
        exact = error.offset is not None and token.text[1:-1] == token.value
        place = token.start + (1 + (error.offset or 0) if exact else 0)
        return pointed(self.text, place, error.what, hint=error.hint)

    # -- lines ----------------------------------------------------------------------------------

    def lines(self) -> Parsed:
        """Read all lines."""
        columns: dict[str, ColumnChecks] = {}
        table: tuple[Check, ...] | None = None
        note = ""
        while self.token.kind != "end":
            if self.token.kind in ("newline", "comment"):
                self.at += 1
                continue
            start = self.next()
            if start.kind not in ("word", "string"):
                raise self.error(start, f"a line begins with a column or with table, not with {start}")
            place = str(start.value)
            of_table = start.kind == "word" and place == "table"
            self.needs(":", f"the column {place}" if not of_table else "table")
            if place in columns if not of_table else table is not None:
                raise self.error(start, f"{place} has a line already", "write its checks on one line, with commas")
            checks = self.checks(of_table=of_table)
            if of_table:
                table, note = checks, self.note()
            else:
                columns[place] = ColumnChecks(place, checks, self.note())
            if self.token.kind not in ("newline", "end"):
                raise self.error(self.token, f"expected ',' or the end of the line, found {self.token}")
        return tuple(columns.values()), table or (), note

    def note(self) -> str:
        """Take the comment at the end of a line; empty without one."""
        return " ".join(self.next().text.lstrip("#").split()) if self.token.kind == "comment" else ""

    def checks(self, *, of_table: bool) -> tuple[Check, ...]:
        """Read the checks of one line, and refuse those that contradict each other."""
        found: list[Check] = []
        while True:
            start = self.token
            try:
                check = self.modified(self.check(of_table=of_table))
            except InvalidError as error:
                if error.message.startswith("line "):
                    raise
                raise self.error(start, error.message, error.hint) from None
            if complaint := conflict(found, check):
                raise self.error(start, complaint)
            found.append(check)
            if not self.takes(","):
                return tuple(found)

    def check(self, *, of_table: bool) -> Check:
        """Read one check, without what modifies it."""
        start = self.next()
        word = start.text
        if start.kind != "word":
            raise self.error(start, f"expected a check, found {start}", _HINT)
        if word in TYPES:
            check: Check = TypeOf(name=word)
        elif word in KINDS:
            check = KINDS[word](self)
        elif word in _MODIFIERS:
            raise self.error(start, f"{word} belongs to the check before it, and there is none")
        else:
            raise self.error(start, f"{word} is no check", nearest(word, [*TYPES, *KINDS, *_MODIFIERS]) or _HINT)
        if of_table and not isinstance(check, TableKind | Expression | Tested):
            hint = "rows between, key, columns, references, expr, test"
            raise self.error(start, f"{word} belongs to a column, not to the table", hint)
        if not of_table and isinstance(check, TableKind):
            raise self.error(start, f"{word} belongs to the table", f"write a line: table: {check.words}")
        return check

    def modified(self, check: Check) -> Check:
        """Take the ``mostly``, ``warn``, ``owner`` and ``reason`` that follow."""
        seen: set[str] = set()
        while self.token.text == "," and self.tokens[self.at + 1].text in _MODIFIERS:
            self.at += 1
            start = self.next()
            if start.text in seen:
                raise self.error(start, f"{start.text} is there twice")
            seen.add(start.text)
            if start.text == "warn":
                check = dataclasses.replace(check, severity="warn")
                continue
            if start.text != "mostly":
                _, said = self.only_string(start.text)
                is_owner = start.text == "owner"
                check = dataclasses.replace(check, owner=said) if is_owner else dataclasses.replace(check, reason=said)
                continue
            try:
                check = dataclasses.replace(check, mostly=self.mostly())
            except InvalidError as error:
                if error.message.startswith("line "):
                    raise
                raise self.error(start, error.message, error.hint) from None
        return check

    # -- arguments ------------------------------------------------------------------------------

    def mostly(self) -> float:
        """Read the share of ``mostly``."""
        self.needs("(", "mostly")
        share = self.share()
        self.needs(")", "the share")
        return share

    def share(self) -> float:
        """Read a share such as 5% or 0.05."""
        token = self.next()
        if token.kind != "number" or not isinstance(token.value, int | float):
            raise self.error(token, f"expected a share such as 5% or 0.05, found {token}")
        if not self.takes("%"):
            return float(token.value)
        # Moving the point in the text keeps 0.1% the float that 0.001 is.
        mantissa, _, exponent = token.text.replace("_", "").lower().partition("e")
        return float(f"{mantissa}e{int(exponent or 0) - 2}")

    def values(self, what: str) -> tuple[tuple[Token, Scalar], ...]:
        """Read values in parentheses, each with its token; `what` stands before them."""
        self.needs("(", what)
        found: list[tuple[Token, Scalar]] = []
        while not self.takes(")"):
            if found:
                self.needs(",", "a value")
                if self.takes(")"):
                    break
            token = self.next()
            if token.kind == "word" and token.text in ("true", "false"):
                found.append((token, token.text == "true"))
            elif token.kind in ("string", "number"):
                found.append((token, token.value))
            elif token.kind == "word":
                raise self.error(token, f"{token} is no value", f'a string goes in quotes: "{token}"')
            else:
                raise self.error(token, f"expected a string, a number, true or false, found {token}")
        return tuple(found)

    def ends(self, what: str) -> tuple[Scalar | None, Scalar | None]:
        """Read two ends in parentheses; None is an open one."""
        self.needs("(", what)
        low = self.end()
        self.needs(",", f"the lower end of {what}")
        high = self.end()
        self.needs(")", f"the upper end of {what}")
        return low, high

    def end(self) -> Scalar | None:
        """Read one end of a range."""
        if self.token.kind == "mark" and self.token.text in ",)":
            return None
        token = self.next()
        if token.kind not in ("number", "string"):
            raise self.error(token, f"expected a number or a date in quotes, found {token}")
        return token.value

    def names(self, what: str) -> tuple[str, ...]:
        """Read columns in parentheses."""
        self.needs("(", what)
        found: list[str] = []
        while not self.takes(")"):
            if found:
                self.needs(",", "a column")
            token = self.next()
            if token.kind not in ("word", "string"):
                raise self.error(token, f"expected a column, found {token}")
            found.append(str(token.value))
        return tuple(found)

    def only_string(self, what: str) -> tuple[Token, str]:
        """Read one string in parentheses."""
        values = self.values(what)
        if len(values) != 1 or not isinstance(values[0][1], str):
            raise self.error(self.tokens[self.at - 1], f'{what} takes one string, as in {what}("…")')
        return values[0][0], values[0][1]


_HINT = 'such as number, between(0, 1), in("a", "b"), matches("[A-Z]+"), unique, no nulls or nulls < 5%'
