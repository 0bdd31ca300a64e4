"""What a notebook asks for as a step: how it is written, and what is wrong with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.core.errors import InvalidError, NbmlopsError
from nbmlops.pipelines.cells import code_digest
from nbmlops.pipelines.graph import Step
from nbmlops.pipelines.inference import infer
from nbmlops.pipelines.request import Limits
from nbmlops.pipelines.step_settings import NONE, Declared, Retries, StepSettings, parse_settings
from nbmlops.workspace.current import ml

EVERYTHING = """\
retries: 3, wait 30s, factor 1.5, at most 10m   # the provider is slow in the morning
timeout: 20m
cell timeout: 90s

memory: 4GiB
cores: 2
cache: 7d
when: month > 3 and region == "no#rth"
after: 2_validate.ipynb, 2b
reads: routes@v3, model delay
writes: predictions
"""


def notebook(*sources: str) -> dict[str, object]:
    return {"cells": [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]}


def step(name: str, *sources: str) -> Step:
    return Step.of(notebook(*sources), f"{name}.ipynb")


def test_every_setting_is_read_and_written_back() -> None:
    settings = parse_settings(EVERYTHING, cell=2)
    assert settings == StepSettings(
        retries=Retries(3, timedelta(seconds=30), 1.5, timedelta(minutes=10)),
        timeout=timedelta(minutes=20),
        cell_timeout=timedelta(seconds=90),
        memory=4 * 1024**3,
        cores=2,
        cache=timedelta(days=7),
        when='month > 3 and region == "no#rth"',
        after=("2_validate", "2b"),
        reads=(Declared("data", "routes@v3"), Declared("model", "delay")),
        writes=(Declared("data", "predictions"),),
        cell=2,
    )
    assert parse_settings(str(settings), cell=2) == settings
    assert parse_settings("# nothing\n\n") == NONE
    assert parse_settings("cache: always") == NONE
    assert parse_settings("cache: never").cache == timedelta(0)
    assert str(NONE) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retries", "line 1: retries has no value\n  retries\n         ^"),
        ("timeout: 1m\nretry: 3", "line 2: 'retry' is no setting of a step\n  retry: 3\n  ^"),
        ("retries: many", "line 1: 'many' is no whole number between 0 and 100"),
        ("retries: 101", "line 1: '101' is no whole number between 0 and 100"),
        ("retries: 2, pause 3s", "line 1: 'pause 3s' is no way to wait"),
        ("retries: 2, factor 0.5", "line 1: the pause cannot grow by the factor 0.5"),
        ("timeout: 0", "line 1: no time is left for anything"),
        ("timeout: 20 apples", "line 1: '20 apples' is no span of time"),
        ("memory: 0", "line 1: no memory is left for anything"),
        ("memory: much", "line 1: 'much' is no size"),
        ("cores: 0", "line 1: '0' is no whole number between 1 and 4,096"),
        ("when: month >", "line 1: the expression does not parse: invalid syntax\n  when: month >\n        ^"),
        ("when: open('/etc/passwd')", "line 1: "),
        ("cache: 7d\ncache: never", "line 2: cache is said twice"),
        ("writes: flights@v3", "line 1: the name 'flights@v3' has '@' at position 8"),
        ("reads: table flights", "line 1: 'table flights' is no reference"),
    ],
)
def test_what_is_no_setting_is_said_with_its_line(text: str, said: str) -> None:
    with pytest.raises(InvalidError) as raised:
        parse_settings(text)
    assert raised.value.message.startswith(said)
    assert raised.value.hint


WORDS = st.sampled_from(
    [*EVERYTHING.split(), ":", ",", "#", '"', "'", "\\", "\n", "\r\n", "0", "", "é", "retries:", "when:"]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join)))
def test_any_text_is_settings_or_a_clear_error(text: str) -> None:
    try:
        settings = parse_settings(text)
    except NbmlopsError as error:
        said = error.message
    else:
        said = "line "
        assert parse_settings(str(settings)) == settings
    assert said.startswith("line ")


@given(
    st.integers(0, 100),
    st.integers(0, 10**6),
    st.floats(1, 900, allow_nan=False),
    st.integers(0, 10**6),
    st.integers(1, 100),
)
def test_pauses_grow_and_never_exceed_the_longest(
    times: int, wait: int, factor: float, most: int, attempt: int
) -> None:
    retries = Retries(times, timedelta(seconds=wait), factor, timedelta(seconds=most))
    pauses = [retries.pause(number) for number in range(1, attempt + 1)]
    assert pauses == sorted(pauses)
    assert pauses[0] == min(wait, most)
    assert pauses[-1] <= most


def test_what_a_run_is_given_goes_before_what_a_step_asks_for() -> None:
    asked = parse_settings("timeout: 20m\nmemory: 1GiB")
    assert asked.within(Limits()) == Limits(step=1_200.0, memory=1024**3)
    assert asked.within(Limits(step=5, cell=2)) == Limits(cell=2, step=5, memory=1024**3)


def test_the_cell_of_settings_decides_nothing_that_a_step_makes() -> None:
    code = "x = 1"
    assert code_digest(notebook("%%ml step\nretries: 3", code)) == code_digest(notebook(code))
    assert code_digest(notebook('ml.step(settings="retries: 3")', "from nbmlops import ml", code)) == code_digest(
        notebook("from nbmlops import ml", code)
    )
    # A cell that does something else too is counted as a whole.
    assert code_digest(notebook('x = 1\nml.step(settings="retries: 3")', "from nbmlops import ml")) != code_digest(
        notebook("from nbmlops import ml")
    )


def test_the_graph_takes_what_a_cell_declares() -> None:
    load = step("1_load", "%ml data save df flights")
    clean = step("2_clean", "%%ml step\nafter: 1_load\nreads: flights, routes@v3\nwrites: clean")
    use = step("3_use", "%ml data load clean -o df")
    graph = infer([use, clean, load])
    assert [each.name for each in graph.steps] == ["1_load", "2_clean", "3_use"]
    assert {(edge.before, edge.after, edge.kind, edge.name) for edge in graph.edges} == {
        ("1_load", "2_clean", "data", "flights"),
        ("1_load", "2_clean", "order", ""),
        ("2_clean", "3_use", "data", "clean"),
    }
    assert [(name, read.ref) for name, read in graph.external] == [("2_clean", "routes@v3")]
    only = infer([load, step("2_other", "%%ml step\nafter: 1_load")])
    assert "s1 --> s2" in only.mermaid()
    assert "2_other" in only.text()


def test_an_order_that_cannot_be_is_said_with_its_cells() -> None:
    one, two = step("1_a", "x = 1", "%%ml step\nafter: 2_b"), step("2_b", "%%ml step\nafter: 1_a")
    with pytest.raises(InvalidError, match=r"in a circle: .*1_a\.ipynb cell 2 waits for 2_b"):
        infer([one, two])
    with pytest.raises(
        InvalidError, match=r"1_a\.ipynb cell 2 waits for 2_b, and there is no such step; did you mean 2_c"
    ):
        infer([one, step("2_c", "x = 1")])
    with pytest.raises(InvalidError, match=r"1_a\.ipynb cell 1 waits for itself"):
        infer([step("1_a", "%%ml step\nafter: 1_a")])


def test_a_fault_is_said_with_its_notebook_and_cell() -> None:
    with pytest.raises(InvalidError, match=r"1_a.ipynb cell 2: line 1: 'x' is no whole number"):
        step("1_a", "x = 1", "%%ml step\nretries: x")
    with pytest.raises(InvalidError, match=r"1_a.ipynb cell 3: the settings of the step are in cell 1 already"):
        step("1_a", "%%ml step\nretries: 1", "x = 1", "%%ml step\ncores: 2")


def test_python_reads_settings_and_those_of_a_notebook(tmp_path: Path) -> None:
    text = "retries: 2, wait 5s\nwhen: month > 3"
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(f"%%ml step\n{text}")]), path)
    assert ml.step(settings=text) == parse_settings(text)
    assert ml.step(path) == parse_settings(text, cell=1)
    with pytest.raises(InvalidError, match="there are no settings"):
        ml.step()
    with pytest.raises(InvalidError, match="there are two"):
        ml.step(path, settings=text)
