"""Python's parser, asked by many threads at once."""

from __future__ import annotations

import ast
import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

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
    assert {ast.dump(tree) for tree in trees} == {ast.dump(parsed(SOURCE))}


@pytest.mark.usefixtures("collecting")
def test_what_libraries_parse_meanwhile_is_no_harm() -> None:
    ended = threading.Event()

    def elsewhere() -> None:
        while not ended.wait(0.001):
            with suppress(SystemError):  # which is what Python 3.11 does to those who do not know
                ast.parse("a = [1, (2, 3)]")

    other = threading.Thread(target=elsewhere)
    other.start()
    try:
        trees = [parsed(SOURCE) for _ in range(50)]
    finally:
        ended.set()
        other.join()
    assert {ast.dump(tree) for tree in trees} == {ast.dump(parsed(SOURCE))}
    assert gc.isenabled()


def test_what_is_no_python_says_where_and_in_which_file() -> None:
    with pytest.raises(SyntaxError) as raised:
        parsed("a = = 1", name="cell")
    assert (raised.value.filename, raised.value.lineno) == ("cell", 1)
