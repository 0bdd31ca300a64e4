"""Completes what follows ``%ml`` by asking click, which asks the grammar, the store and the variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from nbmlops.tracking.ml_line import quoted, words

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Matcher"]

_LINE = re.compile(r"\s*(?:[^\W\d][^=%]*=\s*)?%{1,2}ml\s(?P<rest>.*)", re.DOTALL)
_PLAIN = re.compile(r"[\w@%+=:,./-]*")
"""A word that means itself without quotes."""


class Matcher:
    """The matcher of one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    @context_matcher(identifier="nbmlops")  # type: ignore[untyped-decorator]
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Offer what may follow; other lines are left to others."""
        found = _LINE.fullmatch(context.text_until_cursor)
        if found is None:
            return SimpleMatcherResult(completions=[], suppress=False)
        return self._complete(found["rest"])

    def _complete(self, rest: str) -> SimpleMatcherResult:
        from nbmlops.commands.answer import completions
        from nbmlops.commands.session import Session
        from nbmlops.jupyter.body import Body
        from nbmlops.jupyter.line import in_quotes

        split, open_quote = list(words(rest)), in_quotes(rest)
        incomplete = split.pop() if split and (open_quote or not rest[-1].isspace()) else ""
        if "{" in incomplete:
            # Inside braces stands Python, which IPython completes itself.
            return SimpleMatcherResult(completions=[], suppress=False)
        if not rest.endswith(incomplete):
            # What is typed is not what it means: an escape, or a quote that is closed again.
            return _offer([], "")
        session = Session(notebook=Body(self._shell).notebook())
        found = completions(split, incomplete, session)
        if open_quote:
            around = rest[len(rest) - len(incomplete) - 1]
            return _offer([_within(item.value, incomplete, around) for item in found], incomplete)
        return _offer([_quoted(item.value) for item in found if item.value.isprintable()], incomplete)


def _within(word: str, typed: str, around: str) -> str:
    """A word inside of quotes, of which what is added does not end them."""
    if not word.startswith(typed):
        return word
    return typed + word[len(typed) :].replace(around, "'" if around == '"' else '"')


def _quoted(word: str) -> str:
    """A word as it is typed."""
    return word if _PLAIN.fullmatch(word) else quoted([word])


def _offer(found: list[str], incomplete: str) -> SimpleMatcherResult:
    """Offer words, and keep others from offering theirs, which IPython allows only to who has something.

    Of a text of several words only what is typed of the last one is replaced.
    """
    kept = incomplete.rfind(" ") + 1
    kept = kept if all(word.startswith(incomplete[:kept]) for word in found) else 0
    offered = [word[kept:] for word in found if word != incomplete] or [incomplete[kept:]]
    return SimpleMatcherResult(
        # JupyterLab writes the type beside each, and "unknown" beside those without.
        completions=[SimpleCompletion(word, type="param" if word.startswith("-") else "magic") for word in offered],
        matched_fragment=incomplete[kept:],
        suppress=True,
        ordered=True,
    )
