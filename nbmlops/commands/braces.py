"""``{expr}`` in the value of ``key={expr}``: Python's own compiler says where an expression ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nbmlops.core.errors import InvalidError
from nbmlops.core.syntax import parsed

__all__ = ["expanded"]


def expanded(text: str, evaluate: Callable[[str], Any]) -> Any:
    """Compute the expressions between braces.

    Parameters
    ----------
    text : str
        A value; ``{{`` and ``}}`` stand for braces, ``{expr:format}`` formats as in an f-string.
    evaluate : callable
        Computes one expression.

    Returns
    -------
    object
        Of a value that is one expression, what it gives; else a text.

    Raises
    ------
    InvalidError
        When a brace holds no Python expression.

    Examples
    --------
    >>> expanded("{x}", {"x": 0.5}.get), expanded("lr-{x}", {"x": 0.5}.get), expanded("{x:.2f}", {"x": 0.5}.get)
    (0.5, 'lr-0.5', '0.50')
    """
    if "{" not in text and "}" not in text:
        return text
    pieces = list(_pieces(text, evaluate))
    return pieces[0] if len(pieces) == 1 else "".join(map(str, pieces))


def _pieces(text: str, evaluate: Callable[[str], Any]) -> Iterator[Any]:
    at = 0
    while at < len(text):
        if text[at : at + 2] in {"{{", "}}"}:
            yield text[at]
            at += 2
        elif text[at] == "{":
            expression, style, at = _braced(text, at)
            value = evaluate(expression)
            yield value if style is None else format(value, style)
        else:
            end = min((place for mark in "{}" if (place := text.find(mark, at + 1)) >= 0), default=len(text))
            yield text[at:end]
            at = end


def _braced(text: str, at: int) -> tuple[str, str | None, int]:
    """Expression and format of the brace at `at`, and where it ends."""
    end = text.find("}", at)
    while end >= 0:
        inner = text[at + 1 : end].strip()
        if _is_expression(inner):
            return inner, None, end + 1
        before, colon, style = inner.rpartition(":")
        if colon and not set(style) & set("{}[]()'\"") and _is_expression(before):
            return before.strip(), style, end + 1
        end = text.find("}", end + 1)
    raise InvalidError(
        f"the braces of {text[at:]!r} hold no Python expression", hint="one expression, as in auc={score(y, p)}"
    )


def _is_expression(text: str) -> bool:
    try:
        parsed(f"({text}\n)", "eval")
    except (SyntaxError, ValueError):
        return False
    return bool(text)
