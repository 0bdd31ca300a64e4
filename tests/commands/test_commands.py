"""Each command parses its line, calls one method of one service, and gives what that gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbmlops.commands.answer import answer
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError
from nbmlops.data.query import Query
from nbmlops.pipelines.request import Limits
from nbmlops.pipelines.selection import Selection
from tests.commands.fakes import Asked, in_a_cell, in_a_shell

FRAME, MODEL = object(), object()
VARIABLES = {"flights": FRAME, "model": MODEL, "auc": 0.75, "grid": {"depth": [1, 2]}}

SAVED = {"as_": None, "message": None, "tags": {}, "alias": None, "allow_empty": False}

SEARCHED = {
    **dict.fromkeys(("noun", "owner", "tag", "stale", "fresh", "quality", "used", "html")),
    "failing": False,
}
KEPT = {"example": None, "message": None, "format": None}
SCORED: dict[str, Any] = {
    **dict.fromkeys(("to", "jobs", "executor", "scheduler", "message")),
    "keep": (),
    "bad": "refuse",
}
WHOLE = {"limit": None, "after": None, "aliased": False}

JUDGED: dict[str, Any] = {
    **dict.fromkeys(("metric", "floor", "ceiling", "champion", "tolerance", "risk", "train", "sensitive")),
    **dict.fromkeys(("fairness", "calibration", "overfit", "change", "latency", "batch_latency")),
    **dict.fromkeys(("memory", "size", "max_age", "lost")),
    "slices": (),
    "only": (),
    "strict": False,
}
RUN: dict[str, Any] = {
    "steps": None,
    "for_": {},
    "cache": True,
    "logical_time": None,
    "limits": Limits(),
} | dict.fromkeys(("executor", "scheduler"))
IN_A_CELL: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("status", "status", (), {}),
    ("lint delays", "lint", ("delays",), {}),
    ("log auc={auc} n=3", "log", ({"auc": 0.75, "n": "3"},), {"step": None}),
    ("log auc=0.9 --step 4", "log", ({"auc": "0.9"},), {"step": 4}),
    (
        "reproduce gbm-1",
        *("reproduce", ("gbm-1", {}), {"notebook": None, "data": (), "tolerance": 1e-9, "strict": False}),
    ),
    (
        "reproduce gbm-1 -p depth=4 --notebook a.ipynb --data flights@v2 --tolerance 0.1 --strict",
        "reproduce",
        ("gbm-1", {"depth": "4"}),
        {"notebook": "a.ipynb", "data": ("flights@v2",), "tolerance": 0.1, "strict": True},
    ),
    ("data save flights", "data.save", (FRAME, "flights"), SAVED),
    ("data save flights f2 -m words", "data.save", (FRAME, "f2"), SAVED | {"message": "words"}),
    (
        "data save flights --tag a=1 --tag b={auc} --alias golden",
        *("data.save", (FRAME, "flights"), SAVED | {"tags": {"a": "1", "b": 0.75}, "alias": "golden"}),
    ),
    ("data save s3://b/flights.csv f2", "data.save", ("s3://b/flights.csv", "f2"), SAVED),
    (
        "data track s3://b/flights.csv f2 -m words",
        *("data.track", ("s3://b/flights.csv", "f2"), {"tags": {}, "message": "words", "alias": None}),
    ),
    ("data list", "data.list", (), {"tags": {}, "deleted": False}),
    ("data list --tag a=1 --deleted", "data.list", (), {"tags": {"a": "1"}, "deleted": True}),
    ("data show flights@v3", "data.show", ("flights@v3",), {}),
    ("data history flights", "data.history", ("flights",), {"tags": {}, **WHOLE}),
    (
        *("data history flights --tag a=1 --limit 2 --after flights@v7 --aliased", "data.history", ("flights",)),
        {"tags": {"a": "1"}, "limit": 2, "after": "flights@v7", "aliased": True},
    ),
    ("data tag flights@v3 a=1 --remove b", "data.tag", ("flights@v3", {"a": "1"}), {"remove": ("b",)}),
    ("data alias flights@v3 golden", "data.alias", ("flights@v3", "golden"), {"remove": False}),
    ("data alias flights golden --remove", "data.alias", ("flights", "golden"), {"remove": True}),
    ("data delete flights@v3 --unlock", "data.delete", ("flights@v3",), {"unlock": True}),
    ("data restore flights", "data.restore", ("flights",), {}),
    ("data rename a b", "data.rename", ("a", "b"), {}),
    (
        "data concat a b@v1 --name ab -m all --tag k=v",
        *("data.concat", (("a", "b@v1"), "ab"), {"message": "all", "tags": {"k": "v"}, "alias": None}),
    ),
    ("data push a b@v1 --to /backup", "data.push", ("a", "b@v1"), {"to": "/backup"}),
    ("data push", "data.push", (), {"to": None}),
    ("data pull a --from origin --locked", "data.pull", ("a",), {"from_": "origin", "locked": True}),
    ("model push m --to origin", "model.push", ("m",), {"to": "origin"}),
    ("model pull m@v2", "model.pull", ("m@v2",), {"from_": None}),
    ("remote add origin s3://b/p", "remote.add", ("origin", "s3://b/p"), {}),
    ("remote list", "remote.list", (), {}),
    ("remote remove origin", "remote.remove", ("origin",), {}),
    ("store backup a.zip", "store.backup", ("a.zip",), {}),
    ("store restore a.zip --replace", "store.restore", ("a.zip",), {"replace": True}),
    ("run autolog", "run.autolog", (), {"off": False, "plots": True, "models": True}),
    ("run autolog --off", "run.autolog", (), {"off": True, "plots": True, "models": True}),
    ("run autolog --no-plots --no-models", "run.autolog", (), {"off": False, "plots": False, "models": False}),
    ("run list -n 3", "run.list", (3,), {"where": None, "by": None, "after": None, "experiment": None}),
    ("run best gbm --metric auc", "run.best", ("gbm", "auc"), {"lowest": False, "where": None}),
    ("run compare gbm-1 gbm-2", "run.compare", ("gbm-1", "gbm-2"), {}),
    ("run show gbm-1", "run.show", ("gbm-1",), {}),
    ("run note gbm-1 better", "run.note", ("gbm-1", "better"), {}),
    ("run artifact gbm-1 a.png", "run.load_artifact", ("gbm-1", "a.png"), {"to": None, "overwrite": False}),
    ("run export gbm-1 --to out", "run.export", ("gbm-1",), {"to": "out"}),
    ("run export --to mlflow:http://localhost:5000", "run.export", (), {"to": "mlflow:http://localhost:5000"}),
    ("run import out --experiment gbm", "run.import_", ("out",), {"experiment": "gbm"}),
    ("check infer flights", "check.infer", (FRAME,), {"from_": None, "to": None, "name": "flights"}),
    ("check infer weather@v2 --from 3", "check.infer", ("weather@v2",), {"from_": 3, "to": None, "name": None}),
    ("check infer w@v1 w@v2 --to w.txt", "check.infer", ("w@v1", "w@v2"), {"from_": None, "to": "w.txt", "name": None}),
    (
        "check data flights --strict",
        "check.data",
        (FRAME, None),
        {"strict": True, "name": "flights", "functions": VARIABLES},
    ),
    ("check flights", "check.data", (FRAME, None), {"strict": False, "name": "flights", "functions": VARIABLES}),
    ("check model model flights --target late", "check.model", (MODEL, FRAME, "late"), JUDGED),
    (
        "check model delay@v2 held@v1 --target late --only floor,champion --champion delay@v1 --floor 0.6 --strict",
        *("check.model", ("delay@v2", "held@v1", "late")),
        {**JUDGED, "only": ("floor", "champion"), "champion": "delay@v1", "floor": 0.6, "strict": True},
    ),
    (
        "check feature n.ipynb --timeout 5",
        *("check.feature", ("n.ipynb",), {"timeout": 5.0, "strict": False}),
    ),
    (
        "check importance model flights --target late --train held@v1 --metric roc_auc --cost a={len}",
        *("check.importance", (MODEL, FRAME)),
        {"target": "late", "train": "held@v1", "metric": "roc_auc", "costs": {"a": len}, "strict": False},
    ),
    (
        "check leakage flights --target late --time at --group who --test held@v1 --bound 0.9",
        *("check.leakage", (FRAME, "late")),
        {"time": "at", "group": "who", "test": "held@v1", "bound": 0.9, "strict": False},
    ),
    ("check list", "check.list", (50,), {"subject": None, "status": None, "section": None, "before": None}),
    (
        "check list -n 5 --subject flights --status failed --section data --before 40",
        *("check.list", (5,), {"subject": "flights", "status": "failed", "section": "data", "before": 40}),
    ),
    ("check show 3", "check.show", ("3",), {"junit": None, "html": None}),
    ("check show 3 --junit a.xml --html b.html", "check.show", ("3",), {"junit": "a.xml", "html": "b.html"}),
    ("check diff 3 4", "check.diff", ("3", "4"), {"from_": None}),
    ("check diff suite.txt flights --from 3", "check.diff", ("suite.txt", "flights"), {"from_": 3}),
    ("model save model delay -m words", "model.save", (MODEL, "delay"), {**KEPT, "message": "words"}),
    ("model save model delay --example flights", "model.save", (MODEL, "delay"), {**KEPT, "example": FRAME}),
    ("model save model delay --format onnx", "model.save", (MODEL, "delay"), {**KEPT, "format": "onnx"}),
    ("search late flights", "search", ("late flights",), {**SEARCHED, "limit": 10}),
    ("search late --noun data -n 3", "search", ("late",), {**SEARCHED, "noun": "data", "limit": 3}),
    (
        *("search late --fresh 7d --quality failed --unused", "search", ("late",)),
        {**SEARCHED, "fresh": "7d", "quality": "failed", "used": False, "limit": 10},
    ),
    ("model score delay@v1 flights", "model.score", ("delay@v1", "flights"), SCORED),
    (
        "model score delay flights --to x --keep a --keep b --bad null --jobs 2 --executor dask --scheduler h -m y",
        *("model.score", ("delay", "flights")),
        {
            "to": "x",
            "keep": ("a", "b"),
            "bad": "null",
            "jobs": 2,
            "executor": "dask",
            "scheduler": "h",
            "message": "y",
        },
    ),
    ("model verify delay", "model.verify", ("delay",), {"every": False}),
    ("model verify --all", "model.verify", (None,), {"every": True}),
    ("model list", "model.list", (), {"deleted": False}),
    ("model show delay", "model.show", ("delay",), {}),
    ("model history delay", "model.history", ("delay",), WHOLE),
    ("model history delay --limit 2", "model.history", ("delay",), {**WHOLE, "limit": 2}),
    ("model promote delay@v2 --to champion", "model.promote", ("delay@v2", "champion"), {"message": None}),
    ("model approve delay@v2 -m good", "model.approve", ("delay@v2", "production"), {"message": "good"}),
    ("model reject delay --to champion", "model.reject", ("delay", "champion"), {"message": None}),
    ("model drill delay", "model.drill", ("delay", "production"), {"on": None}),
    ("model drill delay champion --on flights", "model.drill", ("delay", "champion"), {"on": FRAME}),
    ("model rollback delay", "model.rollback", ("delay", "production"), {}),
    ("model rollback delay champion", "model.rollback", ("delay", "champion"), {}),
    ("model delete delay@v1", "model.delete", ("delay@v1",), {}),
    ("model restore delay", "model.restore", ("delay",), {}),
    ("model rename a b", "model.rename", ("a", "b"), {}),
    ("model trust a.B", "model.trust_type", ("a.B",), {}),
    ("pipeline list", "pipeline.list", (), {}),
    ("pipeline show delays", "pipeline.show", ("delays",), {}),
    (
        "pipeline run delays",
        "pipeline.run",
        ("delays", {}),
        RUN,
    ),
    (
        *("pipeline run delays --executor dask --scheduler tcp://h:8786", "pipeline.run", ("delays", {})),
        RUN | {"executor": "dask", "scheduler": "tcp://h:8786"},
    ),
    (
        *("pipeline run delays --from 3_features --until 4_train", "pipeline.run", ("delays", {})),
        RUN | {"steps": Selection(("3_features",), ("4_train",))},
    ),
    (
        *(
            "pipeline run delays --cell-timeout 5 --timeout 60 --memory 2GiB --log-output",
            "pipeline.run",
            ("delays", {}),
        ),
        RUN | {"limits": Limits(cell=5, step=60, memory=2**31)},
    ),
    ("pipeline package delays@v3", "pipeline.package", ("delays@v3", None), {"with_data": False}),
    ("pipeline package delays@v3 a.zip --with-data", "pipeline.package", ("delays@v3", "a.zip"), {"with_data": True}),
    ("pipeline approve delays@v4 -m good", "pipeline.approve", ("delays@v4", "production"), {"message": "good"}),
    ("pipeline reject delays --to champion", "pipeline.reject", ("delays", "champion"), {"message": None}),
    ("pipeline resume delays-3", "pipeline.resume", ("delays-3",), {}),
    (
        *("pipeline run delays --for month=1..2 --for grid={grid}", "pipeline.run", ("delays", {})),
        RUN | {"for_": {"month": ["1", "2"], "grid": list(VARIABLES["grid"])}},
    ),
    ("pipeline explain delays -p month=2", "pipeline.explain", ("delays", {"month": "2"}), {"for_": {}}),
    (
        *("pipeline export delays airflow --tz Asia/Tokyo --to dags", "pipeline.export", ("delays", "airflow", {})),
        {"to": "dags", "cron": None, "tz": "Asia/Tokyo", "image": None},
    ),
    (
        *("pipeline run delays -p month=2 --no-cache --logical-time 2013-04-01", "pipeline.run"),
        *(
            ("delays", {"month": "2"}),
            RUN | {"cache": False, "logical_time": "2013-04-01"},
        ),
    ),
    (
        *("pipeline run delays -p grid={grid}", "pipeline.run"),
        *(
            ("delays", {"grid": VARIABLES["grid"]}),
            RUN,
        ),
    ),
    ("pipeline rehearse delays --rows 50", "pipeline.rehearse", ("delays",), {"rows": 50, "timeout": None}),
    ("pipeline promote delays", "pipeline.promote", ("delays", "production"), {"against": None, "message": None}),
    ("pipeline rollback delays", "pipeline.rollback", ("delays", "production"), {}),
    ("pipeline history delays", "pipeline.history", ("delays",), {}),
    ("pipeline delete delays@v1", "pipeline.delete", ("delays@v1",), {}),
    ("pipeline restore delays", "pipeline.restore", ("delays",), {}),
    ("pipeline rename a b", "pipeline.rename", ("a", "b"), {}),
    ("store verify --full", "store.verify", (), {"full": True}),
    ("store stats --grace 0", "store.stats", (), {"grace": "0"}),
    ("store repair --from /backup", "store.repair", ("/backup",), {}),
]


@pytest.mark.parametrize(("line", "path", "arguments", "keywords"), IN_A_CELL, ids=[row[0] for row in IN_A_CELL])
def test_a_line_calls_one_method(line: str, path: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    workspace = Asked()
    answer(line.split(), in_a_cell(workspace, VARIABLES))
    assert workspace.calls == [(path, arguments, keywords)]


@pytest.mark.parametrize(
    "words",
    [
        ["--query", "select 1", "--from", "sqlite:///a.db", "flights"],
        ["flights", "--from", "sqlite:///a.db", "--query", "select 1"],
        ["flights", "--query", "select 1", "--from", "address"],
        ["flights", "--query-file", "ones.sql", "--from", "sqlite:///a.db"],
    ],
)
def test_the_rows_of_a_query_are_saved_under_the_only_word(words: list[str], folder: Path) -> None:
    (folder / "ones.sql").write_text("select 1")
    workspace = Asked()
    answer(["data", "save", *words], in_a_cell(workspace, VARIABLES | {"address": "sqlite:///a.db"}))
    assert workspace.calls == [("data.save", (Query("select 1", "sqlite:///a.db"), "flights"), SAVED)]


def test_a_load_resolves_the_reference_and_loads_that_very_version() -> None:
    workspace = Asked()
    session = in_a_cell(workspace)
    answer(
        ["data", "load", "flights", "--columns", "a,b", "--where", "month = 2", "--sample", "5", "--as", "arrow"],
        session,
    )
    (shown, loaded) = workspace.calls
    assert shown[:2] == ("data.show", ("flights",))
    assert loaded[0] == "data.load"
    assert loaded[1] == (session.source,)
    assert loaded[2] == {
        "columns": ["a", "b"],
        "where": "month = 2",
        "sample": 5,
        "as_": "arrow",
        "to": None,
        "locked": False,
        "overwrite": False,
    }


def test_a_locked_load_leaves_the_choice_to_the_lock() -> None:
    workspace = Asked()
    answer("data load flights --locked".split(), in_a_cell(workspace))
    (loaded,) = workspace.calls
    assert loaded[1:] == (
        ("flights",),
        {
            "columns": None,
            "where": None,
            "sample": None,
            "as_": None,
            "to": None,
            "locked": True,
            "overwrite": False,
        },
    )


def test_a_run_executes_the_body_with_its_params_and_ends_before_it_is_shown() -> None:
    workspace = Asked()
    session = in_a_cell(workspace, VARIABLES, body="fit()")
    answer("run gbm -p depth=6 -p rate=0.5 -p grid={grid} -p name=a --tag who=me".split(), session)
    given = {"depth": 6, "rate": 0.5, "grid": VARIABLES["grid"], "name": "a"}
    assert workspace.calls == [("run", ("gbm", given, {"who": "me"}), {}), ("run().__exit__", (), {})]
    assert session.executed == [("fit()", given)]  # type: ignore[attr-defined]


def test_the_body_of_a_check_is_its_suite() -> None:
    workspace = Asked()
    answer(["check", "flights"], in_a_cell(workspace, VARIABLES, body="a: number\n"))
    assert workspace.calls == [
        ("check.data", (FRAME, "a: number\n"), {"strict": False, "name": "flights", "functions": VARIABLES})
    ]


def test_a_suite_can_be_a_file_but_not_two_things(folder: Path) -> None:
    (folder / "suite.txt").write_text("a: number")
    workspace = Asked()
    answer("check data weather --suite suite.txt".split(), in_a_shell(workspace))
    assert workspace.calls == [("check.data", ("weather", "a: number"), {"strict": False, "name": None})]
    with pytest.raises(InvalidError, match="two suites"):
        answer("check data flights --suite suite.txt".split(), in_a_cell(workspace, VARIABLES, body="a: number"))


def test_the_body_of_a_check_of_features_is_its_tests() -> None:
    workspace = Asked()
    answer(["check", "feature", "--strict"], in_a_cell(workspace, VARIABLES, body="assert 1"))
    given = {"tests": "assert 1", "names": VARIABLES, "timeout": 60.0, "strict": True}
    assert workspace.calls == [("check.feature", (None,), given)]
    with pytest.raises(InvalidError, match="nothing to test"):
        answer(["check", "feature"], in_a_cell(workspace, VARIABLES))
    with pytest.raises(InvalidError, match="nothing to test"):
        answer(["check", "feature"], in_a_shell(workspace))
    with pytest.raises(InvalidError, match="there are two: the body of the cell, and a notebook"):
        answer(["check", "feature", "n.ipynb"], in_a_cell(workspace, VARIABLES, body="assert 1"))


def test_a_suite_can_be_what_a_variable_holds() -> None:
    workspace = Asked()
    answer("check data weather --suite model".split(), in_a_cell(workspace, VARIABLES))
    assert workspace.calls == [
        ("check.data", ("weather", MODEL), {"strict": False, "name": None, "functions": VARIABLES})
    ]


def test_artifacts_are_kept_with_the_run_that_metrics_are_logged_to(folder: Path) -> None:
    (folder / "plot.png").write_bytes(b"")
    workspace = Asked()
    answer("log -a plot.png".split(), in_a_shell(workspace))
    assert workspace.calls == [("log", ({},), {"step": None}), ("log().artifact", (Path("plot.png"), None), {})]


def test_in_a_shell_an_object_is_a_path(folder: Path) -> None:
    (folder / "flights.parquet").write_bytes(b"")
    workspace = Asked()
    answer("data save flights.parquet".split(), in_a_shell(workspace))
    answer("check data flights.parquet".split(), in_a_shell(workspace))
    assert [call[1][0] for call in workspace.calls] == [Path("flights.parquet")] * 2


def test_in_a_cell_a_path_can_be_saved_too_and_a_variable_comes_first(folder: Path) -> None:
    (folder / "flights.parquet").write_bytes(b"")
    (folder / "flights").write_bytes(b"")
    workspace = Asked()
    answer("data save flights.parquet".split(), in_a_cell(workspace, VARIABLES))
    answer("data save flights".split(), in_a_cell(workspace, VARIABLES))
    assert [call[1] for call in workspace.calls] == [(Path("flights.parquet"), None), (FRAME, "flights")]


WRONG: list[tuple[str, str, str | None]] = [
    ("dta list", "'dta' is neither a noun nor a verb", "did you mean data?"),
    ("xyzzy", "'xyzzy' is neither a noun nor a verb", "the words are init, status"),
    ("save flights", "'save' is neither", "the noun comes first, as in `nbmlops data save flights`"),
    ("data lst", "'lst' is no verb of data", "did you mean list"),
    ("data xyzzy", "'xyzzy' is no verb of data", "the verbs are save, load"),
    ("data list --jsn", "data list has no option --jsn", "did you mean --json?"),
    ("data save", "data save needs VALUE", "nbmlops data save VALUE [NAME]"),
    ("data save t --query a --query-file b --from u", "is either given or in a file", "leave out --query"),
    ("data save t --query a", "--query needs --from", "data save --query SQL --from URL NAME"),
    ("data save --query a --from u", "need one name", "data save --query SQL --from URL NAME"),
    ("data save a b --query a --from u", "need one name", "data save --query SQL --from URL NAME"),
    ("data save flights --from u", "which database to ask, but not what", "add --query SQL"),
    ("data save t --query-file no.sql --from u", "there is no file no.sql", "one SQL query"),
    ("data list extra", "got unexpected extra argument (extra)", "nbmlops data list"),
    ("data save flihgts", "there is no variable 'flihgts'", "did you mean flights?"),
    ("data save xyzzy", "there is no variable 'xyzzy'", "run the cell that defines it first"),
    ("data save no/such.csv", "there is no file no/such.csv", None),
    ("data load flights --as csv", "'csv' is not one of", "nbmlops data load REF"),
    ("run list -n 0", "0 is not in the range", "nbmlops run list"),
    ("run resume gbm-1", "a run records the code of a cell", "%%ml run resume gbm-1"),
    ("run start gbm", "a run records the code of a cell", "%%ml run gbm"),
    ("log", "there is nothing to log", "log auc=0.91"),
    ("log auc", "'auc' is not of the form key=value", "auc=0.91"),
    ("log =1", "'=1' is not of the form key=value", "auc=0.91"),
    ("log a=1 a=2", "a is given twice", None),
    ("log auc={", "hold no Python expression", "one expression"),
    ("log auc={nothing}", "name 'nothing' is not defined", None),
    ("store repair", "store repair needs", "nbmlops store repair"),
    ("data show flights -o 1x", "no name of a variable", None),
]


@pytest.mark.parametrize(("line", "message", "hint"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_not_of_the_grammar_is_refused_with_the_next_thing_to_type(
    line: str, message: str, hint: str | None
) -> None:
    workspace = Asked()
    with pytest.raises((NbmlopsError, NameError)) as error:
        answer(line.split(), in_a_cell(workspace, VARIABLES))
    assert message in str(error.value)
    assert hint is None or hint in str(error.value)
    assert workspace.calls == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("data load flights", "a shell has no variable to load into"),
        ("model load delay", "a shell has no variable to load into"),
        ("run artifact gbm-1 a.png", "a shell has no variable to load into"),
        ("run autolog", "nothing is fitted in a shell's line"),
        ("data save x.csv -o v", "a shell has none"),
        ("data save nothing.csv", "there is no file nothing.csv"),
        ("check flights", "'flights' is no verb of check"),
        ("log auc={auc}", "log"),
    ],
)
def test_a_shell_has_no_variables_and_says_so(line: str, message: str, folder: Path) -> None:
    (folder / "x.csv").write_text("a\n1\n")
    workspace = Asked()
    if line.startswith("log"):
        answer(line.split(), in_a_shell(workspace))
        assert workspace.calls == [("log", ({"auc": "{auc}"},), {"step": None})]
        return
    with pytest.raises((InvalidError, NotFoundError), match=message):
        answer(line.split(), in_a_shell(workspace))
    assert workspace.calls == []


def test_nothing_after_the_program_is_the_status_in_a_cell_and_help_in_a_shell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    workspace = Asked()
    answer([], in_a_cell(workspace))
    assert workspace.calls == [("status", (), {})]
    assert answer([], in_a_shell(workspace)).result is None
    assert "Nouns:" in capsys.readouterr().out


def test_a_noun_alone_tells_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    answer(["data"], in_a_shell())
    assert "history" in capsys.readouterr().out


def test_json_and_output_and_detail_are_said_to_the_face() -> None:
    given = answer("data show flights -o v --json".split(), in_a_cell(Asked()))
    assert (given.output, given.as_json, given.detail) == ("v", True, True)
    plain = answer("data list".split(), in_a_cell(Asked()))
    assert (plain.output, plain.as_json, plain.detail) == (None, False, False)
