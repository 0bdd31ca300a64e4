"""Completes what follows ``%ml`` by asking click, which asks the grammar, the store and the variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Matcher"]

_LINE = re.compile(r"\s*(?:[^\W\d][^=%]*=\s*)?%{1,2}ml\s(?P<rest>.*)", re.DOTALL)


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
        from nbmlops.tracking.ml_line import words

        split = list(words(rest))
        incomplete = split.pop() if split and not rest[-1].isspace() else ""
        if "{" in incomplete:
            # Inside braces stands Python, which IPython completes itself.
            return SimpleMatcherResult(completions=[], suppress=False)
        if not rest.endswith(incomplete):
            # Inside quotes stands prose.
            return _offer([], "")
        session = Session(notebook=Body(self._shell).notebook())
        return _offer([item.value for item in completions(split, incomplete, session)], incomplete)


def _offer(found: list[str], incomplete: str) -> SimpleMatcherResult:
    """Offer words, and keep others from offering theirs, which IPython allows only to who has something."""
    words = [word for word in found if word != incomplete] or [incomplete]
    return SimpleMatcherResult(
        completions=[SimpleCompletion(word) for word in words],
        matched_fragment=incomplete,
        suppress=True,
        ordered=True,
    )
