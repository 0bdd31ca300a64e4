"""The types of notebook parameters: what each accepts, how it reads text, and the literal it writes.

The one thing written that is not a constant is a date: it is the constructor that the notebook itself
annotated, with integer constants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from nbmlops.pipelines.literals import MismatchError, exact, fields_of, structure, unboxed

__all__ = ["ANY", "KindName", "ParameterKind"]

KindName = Literal[
    "any",
    "bool",
    "DataRef",
    "date",
    "datetime",
    "dict",
    "float",
    "int",
    "list",
    "literal",
    "ModelRef",
    "none",
    "str",
    "union",
]

_DEPTH = 20


@dataclass(frozen=True, slots=True)
class ParameterKind:
    """One type of parameter.

    Attributes
    ----------
    name : str
        Which type.
    of : tuple of ParameterKind
        Elements of a list (one), keys and values of a dict (two), members of a union.
    choices : tuple
        The values of a ``Literal``.
    constructor : str
        How the notebook spells ``date`` or ``datetime``, for instance ``dt.date``.
    """

    name: KindName
    of: tuple[ParameterKind, ...] = ()
    choices: tuple[Any, ...] = ()
    constructor: str = ""

    def __str__(self) -> str:
        match self.name:
            case "union":
                return " | ".join(map(str, self.of))
            case "literal":
                return f"Literal[{', '.join(map(repr, self.choices))}]"
            case "list" | "dict" if self.of:
                return f"{self.name}[{', '.join(map(str, self.of))}]"
            case "none":
                return "None"
            case "any":
                return "a literal"
        return self.name

    def accept(self, value: Any, depth: int = 0) -> Any:
        """Give `value` in Python's exact types.

        Raises
        ------
        MismatchError
            When it is of another type, or cannot be written as a literal.
        """
        if depth > _DEPTH:
            raise MismatchError("nested too deeply")
        value = unboxed(value)
        match self.name:
            case "list":
                return self._list(value, depth + 1)
            case "dict":
                return self._dict(value, depth + 1)
            case "union":
                return self._first(lambda member: member.accept(value, depth + 1))
            case "literal":
                return self._choice(value)
        return self._scalar(value, depth)

    def read(self, text: str) -> Any:
        """Read a value from text, as a shell gives it.

        Examples
        --------
        >>> ParameterKind("int").read("5"), ParameterKind("bool").read("true"), ParameterKind("list").read("[1, 2]")
        (5, True, [1, 2])
        """
        if self.name == "union":
            return self._first(lambda member: member.read(text))
        try:
            return self.accept(_READ[self.name](text) if self.name in _READ else self._word(text))
        except (KeyError, ValueError) as error:
            raise MismatchError from error

    def _word(self, text: str) -> Any:
        if self.name == "literal":
            return {str(choice): choice for choice in self.choices}[text]
        if self.name == "any":
            try:
                return structure(text)
            except MismatchError:
                return text
        return text

    def render(self, value: Any) -> str:
        """Write an accepted value as Python source on one line."""
        match self.name:
            case "date" | "datetime" if isinstance(value, date):
                return f"{self.constructor or self.name}({', '.join(map(str, fields_of(value)))})"
            case "list" if self.of:
                return f"[{', '.join(self.of[0].render(item) for item in value)}]"
            case "dict" if self.of:
                pairs = (f"{self.of[0].render(key)}: {self.of[1].render(item)}" for key, item in value.items())
                return f"{{{', '.join(pairs)}}}"
            case "union":
                return str(self._first(lambda member: member.render(member.accept(value))))
        return repr(value)

    def constructors(self) -> frozenset[str]:
        """Give the spellings of ``date`` and ``datetime`` anywhere inside this kind."""
        own = {self.constructor or self.name} if self.name in {"date", "datetime"} else set()
        return frozenset(own).union(*(member.constructors() for member in self.of))

    def _list(self, value: Any, depth: int) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise MismatchError
        element = self.of[0] if self.of else ANY
        return [element.accept(item, depth) for item in value]

    def _dict(self, value: Any, depth: int) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise MismatchError
        key_kind, value_kind = self.of or (_KEY, ANY)
        return {key_kind.accept(key, depth): value_kind.accept(item, depth) for key, item in value.items()}

    def _choice(self, value: Any) -> Any:
        for choice in self.choices:
            if type(choice) is type(value) and choice == value:
                return choice
        raise MismatchError

    def _first(self, attempt: Callable[[ParameterKind], Any]) -> Any:
        why = ""
        for member in self.of:
            try:
                return attempt(member)
            except MismatchError as error:
                why = why or str(error)
        raise MismatchError(why)

    def _scalar(self, value: Any, depth: int) -> Any:
        if self.name != "any":
            return exact(self.name, value)
        for name in ("none", "bool", "int", "float", "str"):
            try:
                return exact(name, value)
            except MismatchError as error:
                if str(error):
                    raise
        if isinstance(value, tuple):
            return tuple(self.accept(item, depth + 1) for item in value)
        if isinstance(value, list | dict):
            return ParameterKind("list" if isinstance(value, list) else "dict").accept(value, depth + 1)
        raise MismatchError("annotate the parameter with its type" if isinstance(value, date) else "")


ANY = ParameterKind("any")
_KEY = ParameterKind("union", of=(ParameterKind("str"), ParameterKind("int")))
_READ: dict[str, Callable[[str], Any]] = {
    "bool": lambda text: {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()],
    "dict": structure,
    "float": float,
    "int": int,
    "list": structure,
    "none": lambda text: {"none": None, "null": None}[text.strip().lower()],
}
