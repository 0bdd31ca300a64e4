"""How a person names a version: ``flights``, ``flights@v3``, ``flights@production``, ``flights@7f3a9c``.

One grammar for data, models, features and pipelines::

    ref      = name [ "@" selector ]
    name     = a letter or digit of any script or "_", then letters, digits, "_", "-", "."
    selector = "v" digits      the number that the catalog assigned
             | 6-64 hex digits the beginning of a content digest
             | alias           a movable name; it may look like neither of the two above
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from nbmlops.core.digests import short
from nbmlops.core.errors import InvalidError, RefSyntaxError

__all__ = ["DataRef", "ModelRef", "Ref", "check_alias", "check_name", "pinned"]

DataRef: TypeAlias = str
"""How a notebook annotates a parameter that names a version of data: ``flights: DataRef = "flights@v3"``."""
ModelRef: TypeAlias = str
"""The same for a version of a model."""

_NUMBER = re.compile(r"v([1-9][0-9]{0,8})")
_LIKE_NUMBER = re.compile(r"v[0-9]+")
_DIGEST = re.compile(r"[0-9a-f]{6,64}")
_NAME_LIMIT = 128
# Verbs and words of the grammar may not name a thing: `%ml data show` must stay readable.
RESERVED = frozenset(
    "save load list show history diff delete restore rename push promote rollback run start infer verify repair "
    "log trust autolog "
    # Verbs that are to come: a name that is taken today would have to be renamed then.
    "pull track tag erase blame alias lineage gc stats best compare add remove next all".split()
)


def _word(text: str, what: str) -> str:
    if not text:
        raise InvalidError(f"{what} is empty", hint="a name is a word, such as flights")
    if len(text) > _NAME_LIMIT:
        raise InvalidError(f"{what} has {len(text)} characters; at most {_NAME_LIMIT} are allowed")
    for position, character in enumerate(text):
        fine = character.isalnum() or character == "_" or (position and character in "-.")
        if not fine:
            raise InvalidError(
                f"{what} {text!r} has {character!r} at position {position + 1}",
                hint="a name starts with a letter or digit and holds letters, digits, '_', '-' and '.'",
            )
    if ".." in text or text.endswith("."):
        raise InvalidError(f"{what} {text!r} may hold neither '..' nor a '.' at its end")
    return text


def check_name(name: str) -> str:
    """Return `name` when it may name a version, else raise.

    Raises
    ------
    InvalidError
        When it is empty, too long, has a character outside the grammar, or is a verb.

    Examples
    --------
    >>> check_name("flights_2013")
    'flights_2013'
    """
    if name in RESERVED:
        raise InvalidError(f"{name!r} is a verb and cannot name anything", hint=f"try {name}_1 or a noun")
    return _word(name, "the name")


def check_alias(alias: str) -> str:
    """Return `alias` when it may be an alias, else raise `InvalidError`."""
    if _LIKE_NUMBER.fullmatch(alias) or _DIGEST.fullmatch(alias):
        raise InvalidError(
            f"the alias {alias!r} looks like a version number or a digest", hint="use a word such as production"
        )
    return _word(alias, "the alias")


def pinned(name: str, number: int | None, digest: str) -> str:
    """The reference that always means one version: by number, or by digest until it has one.

    Examples
    --------
    >>> pinned("flights", 3, "7f3a9c0e1b2d")
    'flights@v3'
    """
    return f"{name}@v{number}" if number else f"{name}@{short(digest)}"


@dataclass(frozen=True, slots=True)
class Ref:
    """A parsed reference; at most one of `number`, `alias` and `prefix` is set.

    Examples
    --------
    >>> Ref.parse("flights@v3")
    Ref(name='flights', number=3, alias=None, prefix=None)
    >>> str(Ref.parse("flights@production"))
    'flights@production'
    """

    name: str
    number: int | None = None
    alias: str | None = None
    prefix: str | None = None

    @classmethod
    def parse(cls, text: str | Ref) -> Ref:
        """Parse `text`.

        Raises
        ------
        RefSyntaxError
            When `text` is not of the grammar in the module's docstring.
        """
        return text if isinstance(text, Ref) else _parse(text)

    @property
    def is_bare(self) -> bool:
        """Whether the reference is a name alone, which means the newest version."""
        return self.number is None and self.alias is None and self.prefix is None

    def __str__(self) -> str:
        if self.number is not None:
            return f"{self.name}@v{self.number}"
        selector = self.alias or self.prefix
        return f"{self.name}@{selector}" if selector else self.name


@lru_cache(maxsize=1024)
def _parse(text: str) -> Ref:
    name, at, selector = text.partition("@")
    try:
        check_name(name)
        if not at:
            return Ref(name)
        if number := _NUMBER.fullmatch(selector):
            return Ref(name, number=int(number[1]))
        if _DIGEST.fullmatch(selector):
            return Ref(name, prefix=selector)
        return Ref(name, alias=check_alias(selector))
    except InvalidError as error:
        raise RefSyntaxError(
            f"{text!r} is not a reference: {error.message}",
            hint="write name, name@v3, name@alias or name@digest-prefix",
        ) from None
