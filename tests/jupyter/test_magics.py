from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from nbmlops import ml
from nbmlops.commands.grammar import VERBS, Verb
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, RefusedError
from nbmlops.render import Listing
from tests.jupyter.cells import Cells

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})


@pytest.fixture
def flights(cells: Cells) -> Cells:
    cells.names["flights"] = FRAME
    cells.value("%ml data save flights -m first")
    return cells


def test_a_line_gives_the_record_and_shows_one_line(flights: Cells) -> None:
    shown = flights.run("%ml data save flights other")
    assert shown.value.ref == "other@v1"
    assert "other@v1   3 rows" in shown.printed
    assert len(shown.printed.strip().splitlines()) == 1


def test_the_record_can_be_assigned(flights: Cells) -> None:
    assert flights.run("v = %ml data show flights").printed == ""
    assert flights.names["v"].message == "first"


def test_a_semicolon_silences_and_still_assigns(flights: Cells) -> None:
    assert flights.run("%ml data list;").value is None
    assert flights.run("%ml data list;  # all of them").value is None
    flights.value("v = %ml data list;")
    assert [record.name for record in flights.names["v"]] == ["flights"]


def test_quotes_and_comments_and_braces_in_a_message_are_as_people_expect(flights: Cells) -> None:
    value = flights.value("""%ml data save flights again -m "it's {not} $an # expression"  # but this is a comment""")
    assert value.message == "it's {not} $an # expression"


def test_a_quote_that_is_not_closed_is_an_error(flights: Cells) -> None:
    error = flights.run("%ml data save flights -m it's").error
    assert isinstance(error, InvalidError)
    assert "a quote is not closed" in error.message


def test_the_magic_alone_says_where_one_stands(flights: Cells, project: Path) -> None:
    assert flights.value("%ml").workspace == project.name


def test_output_goes_into_a_variable_and_is_told_in_one_line(flights: Cells) -> None:
    shown = flights.run("%ml data load flights -o loaded")
    assert shown.printed == "loaded = flights@v1   3 rows \u00d7 2\n"
    assert shown.value is None
    pd.testing.assert_frame_equal(flights.names["loaded"], FRAME, check_dtype=False)


def test_a_record_in_a_variable_is_shown_as_ever(flights: Cells) -> None:
    assert flights.value("%ml data show flights -o v").ref == "flights@v1"
    assert flights.names["v"].ref == "flights@v1"


def test_a_frame_can_be_loaded_by_assignment(flights: Cells) -> None:
    flights.value("df = %ml data load flights@v1")
    assert len(flights.names["df"]) == 3


def test_json_is_one_document_that_reads_back(flights: Cells) -> None:
    shown = flights.run("%ml data list --json")
    (document,) = json.loads(shown.value)
    assert document["ref"] == "flights@v1"
    assert json.loads(shown.printed.partition(": ")[2] or shown.printed) == [document]


def test_showing_tells_more_than_saving_and_only_of_what_was_asked(flights: Cells) -> None:
    assert "int64" in flights.run("%ml data show flights").printed
    flights.value("v = %ml data show flights")
    flights.value("%ml data list")
    assert "int64" not in flights.run("v").printed


def test_listings_can_be_counted_and_handed_to_pandas(flights: Cells) -> None:
    listing = flights.value("%ml data list")
    assert isinstance(listing, Listing)
    assert listing.to_pandas()["rows"].tolist() == [3]


def test_an_error_has_no_traceback_and_says_what_to_type(flights: Cells) -> None:
    shown = flights.run("%ml data save flihgts")
    assert isinstance(shown.error, NotFoundError)
    assert "Traceback" not in shown.printed
    assert "there is no variable 'flihgts' in this notebook\nhint: did you mean flights?" in shown.printed


def test_an_error_of_the_python_face_looks_the_same(flights: Cells) -> None:
    flights.names["ml"] = ml
    shown = flights.run("ml.data.load('flihgts')")
    assert isinstance(shown.error, NotFoundError)
    assert "Traceback" not in shown.printed


def test_a_run_records_the_body_and_gives_it_its_params(flights: Cells) -> None:
    source = "%%ml run gbm -p depth=6 -o run\nscore = depth / 10\n%ml log auc={score} rows={len(flights)}\nscore"
    shown = flights.run(source)
    assert shown.value.status == "finished"
    assert shown.value.metrics == {"auc": 0.6, "rows": 3.0}
    assert shown.value.params == {"depth": 6}
    assert flights.names["run"] == shown.value
    assert "0.6" in shown.printed
    assert "depth" not in flights.names


def test_a_param_gives_way_to_the_notebook_s_own_variable_after_the_body(flights: Cells) -> None:
    flights.names["depth"] = "mine"
    flights.value("%%ml run gbm -p depth=6\nassert depth == 6")
    assert flights.names["depth"] == "mine"
    flights.value("%%ml run gbm -p depth=6\ndepth = 7")
    assert flights.names["depth"] == 7


def test_what_a_run_reads_and_writes_is_linked_to_it(flights: Cells) -> None:
    value = flights.value("%%ml run gbm\n%ml data load flights -o f\n%ml data save f features")
    assert value.inputs == ("flights@v1",)
    assert value.outputs == ("features@v1",)


def test_a_body_that_raises_fails_the_run_and_the_cell(flights: Cells) -> None:
    shown = flights.run("%%ml run gbm\ndef f():\n    return 1 / 0\n\nf()")
    assert isinstance(shown.error, ZeroDivisionError)
    run = ml.run.show("gbm")
    assert run.status == "failed"
    assert dict(run.error or {}) == {"name": "ZeroDivisionError", "value": "division by zero"}
    assert ml.run.current() is None


def test_the_traceback_of_a_body_shows_the_body_and_not_the_machinery(flights: Cells) -> None:
    printed = flights.run("%%ml run gbm\ndef f():\n    return 1 / 0\n\nf()").printed
    assert "return 1 / 0" in printed
    assert "click" not in printed
    assert "commands/" not in printed


@pytest.mark.parametrize(
    ("body", "error"), [("x = 1 +", InvalidError), ("await x", InvalidError), ("import nosuchmodule", ImportError)]
)
def test_a_body_that_cannot_run_fails_the_run(flights: Cells, body: str, error: type[BaseException]) -> None:
    shown = flights.run(f"%%ml run gbm\n{body}")
    assert isinstance(shown.error, error)
    assert ml.run.show("gbm").status == "failed"
    assert "commands/" not in shown.printed


def test_an_interrupt_kills_the_run_and_passes(flights: Cells) -> None:
    shown = flights.run("%%ml run gbm\nraise KeyboardInterrupt")
    assert isinstance(shown.error, KeyboardInterrupt)
    assert ml.run.show("gbm").status == "killed"


def test_a_body_of_statements_or_of_comments_runs(flights: Cells) -> None:
    assert flights.value("%%ml run gbm\n# nothing yet").status == "finished"
    flights.value("%%ml run gbm\nfor i in range(3):\n    pass")
    assert flights.names["i"] == 2


def test_a_check_takes_its_suite_from_the_cell(flights: Cells) -> None:
    report = flights.value("%%ml check flights\na: number, between(1, 3)\nb: string, nulls < 5%")
    assert report.status == "passed"
    assert report.subject == "flights"
    assert report.id == 1


def test_a_strict_check_fails_the_cell(flights: Cells) -> None:
    shown = flights.run("%%ml check flights --strict\na: number, between(1, 2)")
    assert isinstance(shown.error, RefusedError)
    assert "a between" in shown.printed


def test_a_cell_of_tests_judges_the_functions_of_the_notebook_and_defines_nothing(flights: Cells) -> None:
    flights.run("def is_rush(hour):\n    return int(16 <= hour < 20)")
    tests = "\ndef test_evening():\n    assert is_rush(17)\nassert is_rush(12) == 1"
    report = flights.value(f"%%ml check feature{tests}")
    assert [outcome.status for outcome in report.outcomes] == ["failed", "passed"]
    assert "test_evening" not in flights.names
    shown = flights.run(f"%%ml check feature --strict{tests}")
    assert isinstance(shown.error, RefusedError)
    assert "is_rush(12) == 1: 0 == 1 is false" in str(shown.error)


def test_an_expression_sees_the_variables_of_the_function_around_it(flights: Cells) -> None:
    source = (
        "def score():\n    weight = 0.25\n    %ml log loss={sum(weight for _ in range(3))}\n"
        "from nbmlops import ml\nwith ml.run('inner') as run:\n    score()\nrun.record"
    )
    assert flights.value(source).metrics == {"loss": 0.75}


def test_an_expression_that_fails_is_an_error_and_logs_nothing(flights: Cells) -> None:
    shown = flights.run("%%ml run gbm\n%ml log auc={1 / 0} loss=1")
    assert isinstance(shown.error, InvalidError)
    assert "{1 / 0} failed: ZeroDivisionError" in shown.printed
    assert ml.run.show("gbm").metrics == {}


def test_log_and_the_run_s_own_log_are_one_call(flights: Cells) -> None:
    flights.names["ml"] = ml
    flights.value("with ml.run('gbm') as run:\n    run.log({'auc': 0.5}, step=1)\n    %ml log auc=0.75 --step 2")
    assert ml.run.history("gbm", "auc") == [(1, 0.5), (2, 0.75)]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.words)
def test_every_verb_has_help_in_a_cell(cells: Cells, verb: Verb) -> None:
    shown = cells.run(f"%ml {verb.words} --help")
    assert shown.error is None
    assert shown.value is None
    assert f"Usage: %ml {verb.words}" in shown.printed


def test_the_magic_s_own_help_is_the_grammar(cells: Cells) -> None:
    told = cells.shell.inspector.info(cells.shell.find_line_magic("ml"))["docstring"]
    assert all(f"%ml {verb.usage}" in told for verb in VERBS)


def test_a_folder_without_a_workspace_says_how_to_make_one(
    cells: Cells, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cells.value(f"%cd -q {tmp_path_factory.mktemp('empty')}")
    shown = cells.run("%ml data list")
    assert isinstance(shown.error, NbmlopsError)
    assert "hint: make one here with `%ml init`" in shown.printed
    cells.value("%ml init")
    assert cells.value("%ml data list") == []


@pytest.mark.parametrize("line", ["", "run", "data list", "check list", "run list", "data"])
def test_a_body_that_nothing_would_run_is_refused(flights: Cells, line: str) -> None:
    shown = flights.run(f"%%ml {line}\nran = True")
    assert isinstance(shown.error, InvalidError)
    assert "was not run" in str(shown.error)
    assert "ran" not in flights.names


def test_a_syntax_error_of_a_body_shows_the_line_and_no_frame_of_ours(flights: Cells) -> None:
    printed = flights.run("%%ml run gbm\ny = 1\nx = 1 +").printed
    assert "line 2 of the body" in printed
    assert "x = 1 +" in printed
    assert "SyntaxError" in printed
    assert "nbmlops/" not in printed


@pytest.mark.parametrize(("body", "status"), [("x = 1", "completed"), ("1 / 0", "failed")])
def test_the_cell_of_a_run_that_has_ended_has_ended(flights: Cells, body: str, status: str) -> None:
    flights.run(f"%%ml run gbm\n{body}")
    assert [cell.status for cell in ml.run.show("gbm").cells] == [status]


def test_hints_are_said_as_cells_say_them(flights: Cells) -> None:
    assert "`%ml data list`" in flights.run("%ml data show nothing_like_it").printed


def test_a_killed_run_goes_on_in_a_cell_with_its_params(cells: Cells, project: Path) -> None:
    ml.run.start("gbm", params={"depth": 6}).finish("killed")
    record = cells.value("%%ml run resume gbm-1\n%ml log auc={depth / 10}")
    assert (record.name, record.status, record.metrics) == ("gbm-1", "finished", {"auc": 0.6})
    assert "depth" not in cells.names


def test_a_cell_says_how_its_notebook_wants_to_run(cells: Cells) -> None:
    settings = cells.value("%%ml step -o wishes\nretries: 2, wait 5s\nmemory: 1GiB")
    assert settings is None or str(settings) == str(cells.names["wishes"])
    assert str(cells.names["wishes"]) == "retries: 2, wait 5s, factor 2, at most 10m\nmemory: 1GiB"
    wrong = cells.run("%%ml step\nretries: 2\nmemry: 1GiB")
    assert "line 2: 'memry' is no setting of a step" in wrong.printed
    assert "did you mean memory?" in wrong.printed
