from __future__ import annotations

from typing import Any

import pytest

from nbmlops.core.errors import InvalidError
from nbmlops.pipelines.graph import Edge, Step
from nbmlops.pipelines.inference import infer


def step(path: str, *sources: str, parameters: str = "") -> Step:
    cells: list[dict[str, Any]] = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    if parameters:
        cells.insert(0, {"cell_type": "code", "source": parameters, "metadata": {"tags": ["parameters"]}})
    return Step.of({"cells": cells}, path)


def delays() -> list[Step]:
    return [
        step("notebooks/5_evaluate.ipynb", "%ml data load delays_holdout -o holdout\n%ml model load delay -o model"),
        step("notebooks/4_train.ipynb", "%ml data load delays_train -o t", "%ml model save t delay"),
        step(
            "notebooks/3_features.ipynb",
            "%ml data load flights -o f\n%ml data load weather -o w\n%ml data load airports@v1 -o a",
            "%ml data save f delays_train\n%ml data save w delays_holdout",
            parameters="until: int = 3\nholdout: int = 5",
        ),
        step(
            "notebooks/2_validate.ipynb",
            "%ml data load flights -o flights\n%ml data load weather -o weather",
            "%%ml check flights --strict\nrows between(1, 2)",
        ),
        step(
            "notebooks/1_ingest.ipynb",
            "%ml data save flights",
            "%ml data save weather",
            parameters="month: int = 5",
        ),
    ]


def names(steps: tuple[Step, ...]) -> list[str]:
    return [one.name for one in steps]


def test_steps_follow_what_they_read() -> None:
    graph = infer(delays())
    assert names(graph.steps) == ["1_ingest", "2_validate", "3_features", "4_train", "5_evaluate"]
    assert graph.upstream("5_evaluate") == ("3_features", "4_train")
    assert graph.downstream("1_ingest") == ("2_validate", "3_features")
    assert [(name, read.ref) for name, read in graph.external] == [("3_features", "airports@v1")]
    assert dict(graph.step("3_features").parameters) == {"until": 3, "holdout": 5}


def test_a_strict_check_holds_up_the_other_readers() -> None:
    graph = infer(delays())
    assert Edge("2_validate", "3_features", "data", "flights", gate=True) in graph.edges
    assert [edge.name for edge in graph.edges if edge.gate] == ["flights"]


def test_a_strict_check_of_a_model_holds_up_its_other_readers() -> None:
    steps = [
        step("1_train.ipynb", "%ml model save m delay"),
        step("2_judge.ipynb", "%ml check model delay holdout@v1 --target late --strict"),
        step("3_score.ipynb", "%ml model load delay -o model"),
    ]
    graph = infer(steps)
    assert Edge("2_judge", "3_score", "model", "delay", gate=True) in graph.edges
    assert [(name, read.ref) for name, read in graph.external] == [("2_judge", "holdout@v1")]


def test_a_check_never_holds_up_what_it_waits_for_itself() -> None:
    graph = infer(
        [
            step("a.ipynb", "%ml data load raw -o x\n%ml data load side -o s", "%ml check data x --strict"),
            step("b.ipynb", "%ml data load raw -o x\n%ml data save x side"),
            step("c.ipynb", "%ml data load raw -o x\n%ml check data x --strict"),
        ]
    )
    assert [(edge.before, edge.after) for edge in graph.edges] == [("b", "a"), ("c", "b")]


def test_steps_that_do_not_wait_for_each_other_are_in_the_order_of_their_names() -> None:
    steps = [
        step("10_join.ipynb", "%ml data load a -o a\n%ml data load b -o b"),
        step("2_b.ipynb", "%ml data save x b"),
        step("1_a.ipynb", "%ml data save x a"),
        step("3_alone.ipynb", "print(1)"),
    ]
    graph = infer(steps)
    assert graph.upstream("10_join") == ("1_a", "2_b")
    assert names(graph.steps) == names(infer(reversed(steps)).steps) == ["1_a", "2_b", "3_alone", "10_join"]


def test_a_locked_read_comes_from_outside_even_where_a_step_writes_the_name() -> None:
    graph = infer(
        [step("1_a.ipynb", "%ml data save x a"), step("2_b.ipynb", "%ml data load a --locked -o a")], lambda _: True
    )
    assert graph.edges == ()
    assert [(name, read.ref) for name, read in graph.external] == [("2_b", "a")]


def test_what_a_step_wrote_itself_is_no_input_and_what_it_read_before_is() -> None:
    graph = infer(
        [
            step("a.ipynb", "%ml data save x new\n%ml data load new -o y"),
            step("b.ipynb", "%ml data load books -o x", "%ml data save x books\n%ml data load books -o again"),
        ]
    )
    assert graph.edges == ()
    assert [(name, read.ref, read.cell) for name, read in graph.external] == [("b", "books", 1)]


def test_a_fixed_version_is_an_input_from_outside() -> None:
    graph = infer([step("a.ipynb", "%ml data save x t"), step("b.ipynb", "%ml data load t@v1 -o t")])
    assert graph.edges == ()
    assert [read.ref for _, read in graph.external] == ["t@v1"]


def test_a_read_that_nobody_writes_names_notebook_cell_line_and_the_nearest_name() -> None:
    steps = [step("1_a.ipynb", "%ml data save x flights"), step("2_b.ipynb", "x = 1", "\n%ml data load flihgts -o f")]
    with pytest.raises(InvalidError, match=r"2_b.ipynb cell 2 line 2 reads data flihgts.*did you mean flights\?"):
        infer(steps, exists=lambda read: False)
    assert infer(steps, exists=lambda read: read.name == "flihgts").external[0][0] == "2_b"


def test_two_writers_of_one_name_are_both_named() -> None:
    steps = [
        step("a.ipynb", "%ml data save x t"),
        step("b.ipynb", "1", "2", "3\n%ml data save x t"),
        step("c.ipynb", "%ml model save m t"),
    ]
    with pytest.raises(
        InvalidError, match=r"data t is written by 2 steps: a\.ipynb cell 1 line 1, b\.ipynb cell 3 line 2"
    ):
        infer(steps)


def test_a_circle_names_every_read_and_write_in_it() -> None:
    steps = [
        step("a.ipynb", "%ml data load z -o z", "%ml data save z x"),
        step("b.ipynb", "%ml data load x -o x", "%ml data save x y"),
        step("c.ipynb", "%ml data load y -o y", "%ml data save y z"),
    ]
    with pytest.raises(InvalidError) as caught:
        infer(steps)
    for sentence in (
        "a.ipynb cell 1 line 1 reads z, which c.ipynb cell 2 line 1 writes",
        "b.ipynb cell 1 line 1 reads x, which a.ipynb cell 2 line 1 writes",
        "c.ipynb cell 1 line 1 reads y, which b.ipynb cell 2 line 1 writes",
    ):
        assert sentence in caught.value.message


def test_two_notebooks_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidError, match=r"two notebooks are called a: one/a\.ipynb and two/a\.ipynb"):
        infer([step("one/a.ipynb", ""), step("two/a.ipynb", "")])


def test_an_unknown_step_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidError, match="did you mean 4_train"):
        infer(delays()).step("4_trian")


def test_the_text_is_a_tree_in_which_each_step_stands_once() -> None:
    said = "reads flights, weather · takes airports@v1 · writes delays_train, delays_holdout · also after 1_ingest"
    assert infer(delays()).text().splitlines() == [
        "1_ingest (month)  writes flights, weather",
        "└── 2_validate  reads flights, weather · checks flights",
        f"    └── 3_features (until, holdout)  {said}",
        "        └── 4_train  reads delays_train · writes delay",
        "            └── 5_evaluate  reads delays_holdout, delay · also after 3_features",
    ]
    assert infer([]).text() == "no steps\n"


def test_mermaid_has_a_box_per_step_and_an_arrow_per_pair() -> None:
    assert infer(delays()).mermaid().splitlines() == [
        "flowchart LR",
        '    s1["1_ingest"]',
        '    s2["2_validate"]',
        '    s3["3_features"]',
        '    s4["4_train"]',
        '    s5["5_evaluate"]',
        '    s1 -->|"flights, weather"| s2',
        '    s1 -->|"flights, weather"| s3',
        '    s3 -->|"delays_train"| s4',
        '    s3 -->|"delays_holdout"| s5',
        '    s4 -->|"delay"| s5',
        '    s2 ==>|"checked: flights"| s3',
        '    x1[("airports@v1")]',
        "    x1 -.-> s3",
    ]


def test_mermaid_labels_cannot_break_out() -> None:
    drawn = infer([step('a"] --> evil["<b>#.ipynb', "1")]).mermaid()
    assert drawn.splitlines()[1:] == ['    s1["a#quot;] --#gt; evil[#quot;#lt;b#gt;#35;"]']


def test_a_thousand_steps_are_put_in_order() -> None:
    steps = [
        step(f"{place}_step.ipynb", f"%ml data load d{place - 1} -o x\n%ml data save x d{place}")
        for place in range(1000, 0, -1)
    ]
    graph = infer(steps)
    assert names(graph.steps) == [f"{place}_step" for place in range(1, 1001)]
    assert len(graph.text().splitlines()) == 1000
