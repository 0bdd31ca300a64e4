"""Python's parser, asked by many threads at once."""

from __future__ import annotations

import ast
import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from nbmlops.core.syntax import parsed

SOURCE = "\n".join(f"x{number} = f({'[' * 20}{number}{']' * 20})" for number in range(30))


@pytest.fixture
def collecting() -> Iterator[None]:
    """Garbage is collected all the time, and another thread takes its turn then: also in the midst of a tree."""

    def turn(*_: object) -> None:
        time.sleep(0.0001)

    thresholds = gc.get_threshold()
    gc.set_threshold(50, 1, 1)
    gc.callbacks.append(turn)
    yield
    gc.callbacks.remove(turn)
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collecting")
def test_threads_that_parse_at_once_all_get_their_tree() -> None:
    with ThreadPoolExecutor(4) as threads:
        trees = list(threads.map(parsed, [SOURCE] * 8))
    assert {ast.dump(tree) for tree in trees} == {ast.dump(ast.parse(SOURCE))}


def test_what_is_no_python_says_where_and_in_which_file() -> None:
    with pytest.raises(SyntaxError) as raised:
        parsed("a = = 1", name="cell")
    assert (raised.value.filename, raised.value.lineno) == ("cell", 1)
