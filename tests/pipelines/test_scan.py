from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.pipelines.cells import cell_digests, code_digest
from nbmlops.pipelines.scan import Scan, scan


def notebook(*sources: str | tuple[str, str]) -> dict[str, Any]:
    """A notebook of code cells; a pair is a cell's source and its tag."""
    cells = [source if isinstance(source, tuple) else (source, "") for source in sources]
    return {
        "cells": [
            {"cell_type": "code", "source": text, "metadata": {"tags": [tag] if tag else []}} for text, tag in cells
        ]
    }


def places(found: Scan, relation: str) -> list[tuple[str, str, int, int]]:
    return [(access.kind, access.ref, access.cell, access.line) for access in getattr(found, relation)]


def test_a_locked_load_is_told_from_a_plain_one_and_waits_for_no_step() -> None:
    found = scan(
        notebook(
            "from nbmlops import ml",
            "%ml data load flights --locked -o a\n%ml data load flights -o b",
            'ml.data.load("weather", locked=True)\nml.data.load("weather", locked=False)',
        )
    )
    assert [(read.name, read.locked, read.is_bare) for read in found.reads] == [
        ("flights", True, False),
        ("flights", False, True),
        ("weather", True, False),
        ("weather", False, True),
    ]


def test_magics_tell_what_is_read_and_written() -> None:
    found = scan(
        notebook(
            "%load_ext nbmlops",
            '%ml data load flights -o flights  # all of them\nweather = %ml data load "weather@v3";',
            "if True:\n    %ml data save flights -m 'the new flights'\n%ml data save weather storms",
            "%ml model load delay@production -o model\n%ml model save model delay --example X",
        )
    )
    assert places(found, "reads") == [
        ("data", "flights", 2, 1),
        ("data", "weather@v3", 2, 2),
        ("model", "delay@production", 4, 1),
    ]
    assert places(found, "writes") == [("data", "flights", 3, 2), ("data", "storms", 3, 3), ("model", "delay", 4, 2)]
    assert found.dynamic == ()


@pytest.mark.parametrize(
    "source",
    [
        "from nbmlops import ml\nml.data.load('flights')",
        "from nbmlops import ml as m\nm.data.load(ref='flights')",
        "import nbmlops\nnbmlops.ml.data.load('flights')",
        "import nbmlops as nb\nnb.ml.data.load('fli' 'ghts', columns=['a'])",
        "from nbmlops import ml; data = ml.data\ndef f():\n    return data.load('flights')",
        "from nbmlops import ml; load = ml.data.load\nx = [load('fli' + 'ghts') for _ in range(3)]",
    ],
)
def test_calls_count_under_whatever_name_ml_was_imported(source: str) -> None:
    assert [(access.kind, access.name) for access in scan(notebook(source)).reads] == [("data", "flights")]


def test_calls_of_others_do_not_count() -> None:
    calls = "from other import ml\nml.data.load('a')\njson.load('b')\nx.data.save(df, 'c')"
    assert scan(notebook(calls, "'%ml data load d'\n# %ml data load e")) == Scan((), (), (), ())


def test_python_saves_name_what_they_write() -> None:
    source = (
        "from nbmlops import ml\nml.data.save(df, 'flights')\nml.data.save(df, name='late')\nml.data.save(weather)\n"
    )
    found = scan(notebook(source + "ml.data.save('out/storms.csv')\nml.model.save(model, 'delay', example=X)"))
    assert [write.name for write in found.writes] == ["flights", "late", "weather", "storms", "delay"]


def test_a_parameter_is_taken_at_its_default_or_at_the_value_given() -> None:
    cells = notebook(
        ("source: str = 'flights'\nmonth = 5", "parameters"),
        "from nbmlops import ml\nml.data.load(source)\nml.data.load(source + '_raw')",
        "ml.data.save(df, f'late_{month:02d}')",
    )
    assert [read.name for read in scan(cells).reads] == ["flights", "flights_raw"]
    assert [write.name for write in scan(cells).writes] == ["late_05"]
    assert [write.name for write in scan(cells, {"month": 12}).writes] == ["late_12"]
    cells["cells"].insert(1, notebook(("month = 7", "injected-parameters"))["cells"][0])
    assert [write.name for write in scan(cells).writes] == ["late_07"]


def test_any_other_computed_name_is_dynamic() -> None:
    found = scan(
        notebook(
            ("source = 'flights'\nother = 'x'\nwhen = today()", "parameters"),
            "import nbmlops as n\nother = f()\nn.ml.data.load(other)\nn.ml.data.load(f'a{when}')\nn.ml.data.load(go())",
            "def read(source):\n    return n.ml.data.load(source)\n%ml data load {other}\n%ml data save df 'two words'",
        )
    )
    assert (found.reads, found.writes) == ((), ())
    assert [(place.cell, place.line, place.relation) for place in found.dynamic] == [
        (2, 3, "reads"),
        (2, 4, "reads"),
        (2, 5, "reads"),
        (3, 2, "reads"),
        (3, 3, "reads"),
        (3, 4, "writes"),
    ]


def test_a_strict_check_is_of_the_data_that_its_variable_holds() -> None:
    found = scan(
        notebook(
            "%ml data load flights -o df",
            "%%ml check df --strict\nrows between(1, 2)",
            "w = %ml data load weather\n%ml check data w\n%ml check data airports --strict",
            "from nbmlops import ml\nplanes = ml.data.load('planes')\nml.check.data(planes, strict=True)",
        )
    )
    assert [(check.name, check.cell, check.line) for check in found.checks] == [
        ("flights", 2, 1),
        ("airports", 3, 3),
        ("planes", 4, 3),
    ]
    assert [read.name for read in found.reads] == ["flights", "weather", "airports", "planes"]


def test_every_verb_that_checks_reads_the_versions_that_its_line_names() -> None:
    found = scan(
        notebook(
            "%ml check model delay@v3 holdout --target late --champion delay@production --train january",
            "%ml check drift july --against january@v2 --model delay",
            "%ml check leakage train --target late --test holdout",
            "%ml check importance delay holdout --target late --train train",
            "%ml check infer a@v1 a@v2 a",
            "%ml check policy delay --kind model\n%ml check policy customers --kind data",
        )
    )
    assert places(found, "reads") == [
        ("model", "delay@v3", 1, 1),
        ("data", "holdout", 1, 1),
        ("model", "delay@production", 1, 1),
        ("data", "january", 1, 1),
        ("data", "july", 2, 1),
        ("data", "january@v2", 2, 1),
        ("model", "delay", 2, 1),
        ("data", "train", 3, 1),
        ("data", "holdout", 3, 1),
        ("model", "delay", 4, 1),
        ("data", "holdout", 4, 1),
        ("data", "train", 4, 1),
        ("data", "a@v1", 5, 1),
        ("data", "a@v2", 5, 1),
        ("data", "a", 5, 1),
        ("model", "delay", 6, 1),
        ("data", "customers", 6, 2),
    ]
    assert (found.checks, found.dynamic) == ((), ())


def test_their_calls_in_python_read_the_same() -> None:
    found = scan(
        notebook(
            "from nbmlops import ml",
            "ml.check.model('delay', 'holdout', 'late', champion='delay@production', train='january')",
            "ml.check.drift('july', 'january', model='delay')\nml.check.leakage('train', 'late', test='holdout')",
            "ml.check.infer('a@v1', 'a')\nml.check.policy('delay', kind='model')",
            "delay = ml.model.load('delay')\nml.check.model(delay, frame, 'late', strict=True)",
        )
    )
    assert [(read.kind, read.ref) for read in found.reads if read.cell < 5] == [
        ("model", "delay"),
        ("data", "holdout"),
        ("model", "delay@production"),
        ("data", "january"),
        ("data", "july"),
        ("data", "january"),
        ("model", "delay"),
        ("data", "train"),
        ("data", "holdout"),
        ("data", "a@v1"),
        ("data", "a"),
        ("model", "delay"),
    ]
    assert [(check.kind, check.name, check.cell) for check in found.checks] == [("model", "delay", 5)]


def test_a_strict_check_is_a_gate_of_what_it_judges_and_not_of_what_it_compares_with() -> None:
    found = scan(
        notebook(
            "%ml data load july -o july\n%ml check drift july --against january --strict",
            "%ml check model delay holdout --target late --strict",
            "%ml check policy july --strict\n%ml check leakage train --target late --test holdout --strict",
        )
    )
    assert [(check.kind, check.name) for check in found.checks] == [
        ("data", "july"),
        ("model", "delay"),
        ("data", "july"),
        ("data", "train"),
    ]


def test_a_policy_of_a_name_alone_is_of_the_kind_that_the_notebook_uses_it_as() -> None:
    found = scan(notebook("%ml model load delay -o model", "%ml check policy delay --strict\n%ml check policy other"))
    assert [(check.kind, check.name) for check in found.checks] == [("model", "delay")]
    assert [(place.text, place.why) for place in found.dynamic] == [
        ("other", "it may be data or a model: --kind says which")
    ]


def test_a_check_of_a_file_or_of_a_table_of_the_notebook_reads_no_version() -> None:
    found = scan(
        notebook(
            "frame = make()\n%ml check drift frame --against january.parquet\n%ml check data out/a.csv --strict",
            "from nbmlops import ml\nml.check.data(frame[frame.a > 0], strict=True)\nml.check.drift(frame, 'b.pq')",
        )
    )
    assert found == Scan((), (), (), ())


def test_sources_may_be_lists_of_lines_and_other_cells_are_skipped() -> None:
    cells = [
        {"cell_type": "markdown", "source": "%ml data load no"},
        {"cell_type": "code", "source": ["x = 1\n", "%ml data load flights"]},
        {"cell_type": "raw", "source": "%ml data load no"},
    ]
    assert places(scan({"cells": cells}), "reads") == [("data", "flights", 2, 2)]


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters()) | st.sampled_from(["%ml data load {", "%ml data save x y z"])))
def test_any_text_is_scanned_and_digested_without_raising(sources: list[str]) -> None:
    cells = notebook(*sources)
    assert isinstance(scan(cells), Scan)
    assert len(code_digest(cells)) == 64


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x=(1)  # one\n\n"),
        ("f(a,\n  b)", "f(a, b)"),
        ("x = 'a'", 'x = "a"'),
        ("%ml data  save x   -m 'a b'  # why", '%ml data save x -m "a b";'),
        ("%%ml check x\nrows between(1, 2)\n", "%%ml check  x\nrows between(1, 2)"),
    ],
)
def test_formatting_and_comments_do_not_change_the_digest(one: str, other: str) -> None:
    assert code_digest(notebook(one)) == code_digest(notebook("# first", other, ""))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("x = 1", "x = '1'"),
        ("x = 1", "x = 1.0"),
        ("%ml data save x", "%ml data save y"),
        ("x = 'a  b'", "x = 'a b'"),
        ("!echo 'a  b'", "!echo 'a b'"),
        ("%%ml check x\nrows between(1, 2)", "%%ml check x\nrows between(1, 3)"),
        ("def broken(", "def broken2("),
    ],
)
def test_what_a_cell_does_changes_the_digest(one: str, other: str) -> None:
    assert code_digest(notebook(one)) != code_digest(notebook(other))


def test_each_cell_has_a_digest_of_its_own_and_injected_cells_have_none() -> None:
    cells = notebook(("month = 5", "parameters"), ("month = 7", "injected-parameters"), "# only a comment", "x = 1")
    assert list(cell_digests(cells)) == [1, 4]
    assert cell_digests(cells)[4] == cell_digests(notebook("x = 1"))[1]


def test_the_digest_is_the_same_on_every_supported_python() -> None:
    function = "def f(a: int = 1, *b, **c) -> str:\n    return f'{a!r:>{2}}' if a else [x async for x in b]\n"
    source = function + "class K: y = -1j, ..., b'z'"
    assert code_digest(notebook(source)) == "c274e5ee470131f5ca2e83ab1b05765a0609faee96eda17e5d7cc18c5e2ba9da"


def test_a_suite_below_a_line_reads_the_versions_that_it_looks_values_up_in() -> None:
    suite = "carrier: in(@airlines@v3.carrier), in(@fleet)\ntable: references(carrier, origin, @routes)"
    found = scan({"cells": [{"cell_type": "code", "source": f"%%ml check flights --strict\n{suite}"}]})
    assert [read.ref for read in found.reads] == ["flights", "routes", "airlines@v3", "fleet"]
    assert [check.ref for check in found.checks] == ["flights"]


def test_scores_are_made_of_a_model_and_a_table() -> None:
    found = scan(
        notebook(
            "from nbmlops import ml",
            "%ml model score delay@production flights --keep flight --bad null -o scores",
            'ml.model.score("delay", data="weather", to="tonight")\n%ml model score delay flights --to {name}',
            'ml.model.score(chosen, "flights")',
        )
    )
    assert places(found, "reads") == [
        *(("model", "delay@production", 2, 1), ("data", "flights", 2, 1)),
        *(("model", "delay", 3, 1), ("data", "weather", 3, 1)),
        *(("model", "delay", 3, 2), ("data", "flights", 3, 2), ("data", "flights", 4, 1)),
    ]
    assert places(found, "writes") == [("data", "delay_scores", 2, 1), ("data", "tonight", 3, 1)]
    assert [(place.kind, place.relation, place.cell) for place in found.dynamic] == [
        *(("data", "writes", 3), ("model", "reads", 4), ("data", "writes", 4)),
    ]
