from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.jupyter.line import split
from nbmlops.tracking.ml_line import quoted, words

WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])), min_size=1, max_size=6)


@given(given_words=WORDS)
def test_a_line_that_is_written_of_words_is_read_as_the_same_words(given_words: list[str]) -> None:
    line = quoted(["run", *given_words])
    assert words(line) == ("run", *given_words)
    assert split(line) == (["run", *given_words], False)


@pytest.mark.parametrize("word", ["what?", "a;", "#1", "$x", "{y}", "it's", 'so "called"', "\\", "", " ", "!ls", "a|b"])
def test_what_would_mean_something_else_is_quoted(word: str) -> None:
    assert quoted([word]).startswith('"')
    assert words(quoted([word])) == (word,)


@pytest.mark.parametrize("word", ["a\nb", "\n", "a\r\n", "a\u2028b"])
def test_a_word_with_a_line_break_is_refused(word: str) -> None:
    with pytest.raises(InvalidError, match="no line break"):
        quoted([word])
