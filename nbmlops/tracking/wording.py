"""Which names and texts the catalog can keep on any engine: what it could not would stop all that is said after it."""

from __future__ import annotations

from functools import lru_cache

from nbmlops.core.errors import InvalidError

__all__ = ["check_key", "check_text", "readable"]

_LONGEST = 512


@lru_cache(maxsize=10_000)
def check_key(key: str) -> str:
    """A name of a param, a metric or a tag.

    Raises
    ------
    InvalidError
        When it is empty, longer than 512 characters, or no text that can be kept.

    Examples
    --------
    >>> check_key("val.auc é")
    'val.auc é'
    """
    if not key:
        raise InvalidError("a name of a param, metric or tag is empty", hint="give it a name, such as auc")
    if len(key) > _LONGEST:
        raise InvalidError(
            f"the name {key[:40]}… has {len(key)} characters; at most {_LONGEST} can be kept",
            hint="give it a shorter name",
        )
    return check_text(key, "the name")


def check_text(text: str, what: str) -> str:
    """A text that UTF-8 can write and a database can hold; `what` says in the message what it is.

    Raises
    ------
    InvalidError
        When it holds half of a surrogate pair, as names of files that are no UTF-8 do, or the character NUL.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidError(
                f"{what} {text[:80]!r} is no text: UTF-8 has nothing for its character {error.start + 1}",
                hint='leave it out: text.encode(errors="replace").decode()',
            ) from None
    if "\0" in text:
        raise InvalidError(
            f"{what} {text[:80]!r} holds the character NUL", hint='leave it out: text.replace("\\0", "")'
        )
    return text


def readable(path: str) -> str:
    r"""A path as it can be kept: bytes in it that are no UTF-8 are written as escapes.

    Examples
    --------
    >>> print(readable("delay-" + chr(0xDCFF) + ".ipynb"))
    delay-\udcff.ipynb
    """
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode()
