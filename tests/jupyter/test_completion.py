from __future__ import annotations

import pandas as pd
import pytest

from tests.jupyter.cells import Cells


@pytest.fixture
def flights(cells: Cells) -> Cells:
    cells.names["flights"] = pd.DataFrame({"a": [1, 2], "dep delay": [3, 4]})
    cells.value("%ml data save flights\n%ml data save flights weather")
    cells.value("%%ml run gbm\n%ml log auc=0.9")
    return cells


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%ml da", ["data"]),
        ("x = %ml data sh", ["show"]),
        ("  %ml data sh", ["show"]),
        ("%%ml check fl", ["flights"]),
        ("%%ml run g", ["gbm"]),
        ("%ml data save fl", ["flights"]),
        ("%ml data load we", ["weather"]),
        ("%ml data load weather@", ["weather@v1"]),
        ("%ml run show gbm-", ["gbm-1"]),
        ("%ml data save flights --mess", ["--message"]),
        ('%ml data save flights -m "two wo', ["wo"]),
        ("%ml data load nothing@", ["nothing@"]),
        ('%ml data load "we', ["weather"]),
        ("%ml data load flights --columns d", ['"dep delay"']),
        ('%ml data load flights --columns "dep', ["dep delay"]),
        ('%ml run list --where "metrics.a', ["metrics.auc"]),
        ('%ml run list --where "status = 1 and metrics.a', ["metrics.auc"]),
        ("%ml run list --by -metr", ["-metrics."]),
    ],
)
def test_what_follows_the_magic_is_completed_and_where_nothing_fits_nothing_changes(
    flights: Cells, text: str, offered: list[str]
) -> None:
    assert flights.tab(text) == offered


def test_only_what_is_typed_of_the_word_is_replaced(flights: Cells) -> None:
    assert flights.offers("%ml data load weather@") == [("weather@v1", len("%ml data load "))]


def test_of_a_condition_only_the_last_word_is_replaced(flights: Cells) -> None:
    text = '%ml run list --where "status = 1 and metrics.a'
    assert flights.offers(text) == [("metrics.auc", text.index("metrics"))]


def test_other_lines_are_left_to_ipython(flights: Cells) -> None:
    assert "flights" in flights.tab("fligh")
    assert "%ml" in flights.tab("%m")


def test_quotes_inside_of_a_condition_do_not_end_it(flights: Cells) -> None:
    assert "'pipeline'" in flights.tab('%ml run list --where "kind = ')
    assert '"pipeline"' in flights.tab("%ml run list --where 'kind = ")
    assert "'pipeline'" in flights.tab("%ml run list --where \"status = 'finished' and kind = ")


def test_what_cannot_be_looked_at_offers_nothing(flights: Cells) -> None:
    flights.value("import shutil\nodd = shutil.get_terminal_size()")
    assert flights.tab("%ml data diff odd --key ") == [""]
    assert flights.tab("%ml data blame flights@v99999999999999999999 ") == [""]


def test_python_in_braces_is_left_to_ipython(flights: Cells) -> None:
    assert "flights" in flights.tab("%ml log rows={len(flig")


def test_completion_without_a_workspace_offers_the_grammar(
    cells: Cells, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cells.value(f"%cd -q {tmp_path_factory.mktemp('empty')}")
    assert cells.tab("%ml data load ") == [""]
    assert cells.tab("%ml data lo") == ["load"]
