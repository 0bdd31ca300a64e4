from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops import ml
from nbmlops.core.errors import StepFailedError
from nbmlops.jupyter.panels.outputs import shown_cells
from nbmlops.jupyter.panels.pipelines import panel
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.render.dispatch import html
from nbmlops.workspace.current import forget, workspace
from tests.jupyter.panels.filled import sums, text_of_error
from tests.pipelines.project import RAW, write


def said(kind: str, what: str, /, **params: Any) -> dict[str, Any]:
    return answer(workspace, {"panel": "pipelines", kind: what, "params": params})


def asked(what: str, /, **params: Any) -> Any:
    given = said("ask", what, **params)
    assert "error" not in given, given
    return given["ok"]


def line(what: str, /, **params: Any) -> str:
    return str(answer(workspace, {"panel": "pipelines", "act": what, "params": params, "dry": True})["ok"]["line"])


def done(what: str, /, **params: Any) -> dict[str, Any]:
    given = said("act", what, **params)
    assert "error" not in given, given
    return dict(given["ok"])


def ended(begun: str) -> dict[str, Any]:
    """What became of a line that runs in a process of its own."""
    return until(lambda: None if (now := follow(begun))["running"] else now)


def follow(begun: str) -> dict[str, Any]:
    return dict(answer(workspace, {"panel": "pipelines", "apart": begun})["ok"])


def until(found: Callable[[], Any]) -> Any:
    for _ in range(600):
        if there := found():
            return there
        time.sleep(0.1)
    raise AssertionError("it did not come")


@pytest.fixture
def project(folder: Path) -> Any:
    """The current folder, a workspace with the pipeline ``sums``."""
    sums(folder)
    yield folder
    forget()


def test_a_graph_tells_steps_edges_and_what_comes_from_outside(project: Path) -> None:
    ml.data.save(pd.DataFrame({"seats": [180]}), "planes")
    write(project / "notebooks" / "3_use.ipynb", "n: int = 1", 'ml.data.load("total")\nml.data.load("planes@v1")')
    graph = asked("graph", name="sums")
    assert [step["name"] for step in graph["steps"]] == ["1_make", "2_sum", "3_use"]
    assert graph["steps"][0]["notebook"] == "notebooks/1_make.ipynb"
    assert [(edge["before"], edge["after"], edge["names"]) for edge in graph["edges"]] == [
        ("1_make", "2_sum", ["raw"]),
        ("2_sum", "3_use", ["total"]),
    ]
    assert graph["outside"] == [{"kind": "data", "ref": "planes@v1", "to": ["3_use"]}]
    assert (graph["run"], graph["last"]) == (None, {})
    assert "there is no pipeline named 'nothing'" in text_of_error(said("ask", "graph", name="nothing"))


def test_a_run_is_started_apart_followed_and_stopped(project: Path) -> None:
    waits = "import time\nprint('so far', flush=True)\ntime.sleep(rows)"
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW, waits)
    given = {"name": "sums", "params": {"rows": "60"}}
    assert line("run", **given) == "%ml pipeline run sums -p rows=60"
    begun = done("run", **given)["apart"]
    assert follow(begun)["running"], "the answer does not wait for it"
    step = until(
        lambda: (
            next((one for one in asked("live", run="sums")["steps"] if one["cell"] == 6), None)
            if asked("runs", name="sums")["rows"]
            else None
        )
    )
    assert (step["name"], step["state"], step["done"], step["cells"]) == ("1_make", "running", 4, 5)
    printed = until(lambda: asked("output", run=step["run"])["cells"][-1]["outputs"])
    assert [one["text"] for one in printed] == ["so far\n"]
    assert done("stop", run="sums-1")["line"] == "%ml pipeline stop sums-1"
    over = ended(begun)
    assert over["code"] == 2
    assert "sums-1 was stopped by" in over["text"]
    found = asked("live", run="sums-1")
    assert found["run"]["status"] == "killed"
    assert [(one["name"], one["state"]) for one in found["steps"]] == [("1_make", "cancelled")]
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 10", RAW)
    assert ended(done("resume", run="sums-1")["apart"])["code"] == 0
    assert [run["name"] for run in asked("runs", name="sums")["rows"]] == ["sums-2", "sums-1"]
    assert ml.data.show("total").ref == "total@v1"


def test_a_step_that_failed_shows_where_and_what_was_skipped_says_why(project: Path) -> None:
    ml.pipeline.run("sums")
    ml.pipeline.run("sums", {"factor": 3})
    steps = {one["name"]: one for one in asked("live", run="sums-2")["steps"]}
    assert steps["1_make"]["why"] == "same code, parameters and inputs as 1_make-1"
    assert steps["2_sum"]["state"] == "completed"
    assert asked("why", run=steps["2_sum"]["run"]) == {"reasons": ["parameter factor is another: 2 → 3"]}
    assert asked("why", run="2_sum-1") == {"reasons": ["no result of it that is still there had committed before"]}
    assert "sums-1 is no run of a step" in text_of_error(said("ask", "why", run="sums-1"))
    write(project / "notebooks" / "2_sum.ipynb", "factor: int = 0", 'ml.data.load("raw")', "1 / factor")
    with pytest.raises(StepFailedError):
        ml.pipeline.run("sums")
    failed = next(one for one in asked("live", run="sums")["steps"] if one["name"] == "2_sum")
    assert (failed["state"], failed["why"]) == ("failed", "ZeroDivisionError: division by zero")
    assert failed["expected"] > 0
    cells = asked("output", run=failed["run"])["cells"]
    assert [cell["status"] for cell in cells if cell["type"] == "code"] == ["completed"] * 3 + ["failed"]
    assert cells[-1]["outputs"][0]["kind"] == "error"
    assert "\x1b" not in cells[-1]["outputs"][0]["text"]
    (row,) = [run for run in asked("runs", name="sums")["rows"] if run["status"] == "failed"]
    assert row["error"]["name"] == "failed"


def test_what_would_run_is_told_with_its_reasons(project: Path) -> None:
    ml.pipeline.run("sums")
    assert [step["will"] for step in asked("explain", name="sums")["steps"]] == ["skip", "skip"]
    found = asked("explain", name="sums", params={"factor": "3"})["steps"]
    assert [(step["step"], step["will"]) for step in found] == [("1_make", "skip"), ("2_sum", "run")]
    assert found[1]["why"] == ["parameter factor is another: 2 → 3"]


def test_parts_of_a_fan_are_told_each(project: Path) -> None:
    ml.pipeline.run("sums", for_={"rows": [1, 2, 3]}, steps=["1_make"])
    steps = asked("live", run="sums")["steps"]
    assert {(one["name"], one["stem"]) for one in steps} == {(f"1_make[rows={n}]", "1_make") for n in (1, 2, 3)}
    assert asked("live", run="sums")["run"]["tags"]["for"] == "rows=1,2,3"


def test_a_form_has_a_field_for_each_parameter_and_says_what_is_wrong_below_it(project: Path) -> None:
    fields = asked("form", name="sums")["fields"]
    assert [(field["name"], field["kind"], field["default"]) for field in fields] == [
        ("rows", "int", "10"),
        ("factor", "int", "2"),
    ]
    wrong = asked("faults", name="sums", values={"rows": "many"})
    assert list(wrong) == ["rows"]
    assert "expects int, not 'many'" in wrong["rows"]["message"]
    assert wrong["rows"]["hint"]
    assert asked("faults", name="sums", values={"rows": "12"}) == {}


def test_a_form_has_what_a_schedule_gives_as_one_would_type_it(project: Path) -> None:
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 10\nfull: bool = True\nday: str = ''", RAW)
    ml.schedule.add("sums@working", "0 6 * * *", {"full": "false", "rows": 5, "day": "due-1d:%Y-%m-%d"})
    found = asked("form", name="sums", schedule="sums")
    assert (found["given"], found["untold"]) == ({"full": "False", "rows": "5"}, [])
    write(project / "notebooks" / "1_make.ipynb", "rows: str = 'ten'", RAW)
    assert asked("form", name="sums", schedule="sums")["untold"] == ["rows"]


def test_a_text_of_several_lines_is_told_to_have_no_line(project: Path) -> None:
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 10\nwhere: str = ''", RAW)
    wrong = asked("faults", name="sums", values={"where": "a\nb"})
    assert "a line holds no line break" in wrong["where"]["message"]
    assert "Python" in wrong["where"]["hint"]


def test_a_line_that_nobody_here_started_is_unknown(project: Path) -> None:
    given = answer(workspace, {"panel": "pipelines", "apart": "nothing"})
    assert given["error"]["unknown"] is True
    assert "unknown" not in said("act", "add", target="sums", cron="now and then")["error"]


def test_a_schedule_is_added_paused_resumed_and_removed(project: Path) -> None:
    added = done("add", target="sums@working", cron="0 6 * * *", tz="Europe/Berlin")
    assert added["line"] == '%ml schedule add --tz=Europe/Berlin sums@working "0 6 * * *"'
    (row,) = asked("schedules", name="sums")["rows"]
    assert [one["local"][11:16] for one in row["next"]] == ["06:00"] * 5
    assert len({one["local"] for one in row["next"]}) == 5
    done("pause", schedule="sums")
    (row,) = asked("schedules", name="sums")["rows"]
    assert (row["schedule"]["paused_at"] is not None, row["next"]) == (True, [])
    done("unpause", schedule="sums")
    assert ml.schedule.show("sums").paused_at is None
    assert asked("fires", schedule="sums") == {"rows": []}
    done("remove", schedule="sums")
    assert asked("schedules", name="sums") == {"rows": []}
    assert "cron" in text_of_error(said("act", "add", target="sums@working", cron="whenever"))


def test_one_that_waits_for_an_event_has_no_next_times(project: Path) -> None:
    ml.schedule.add("sums@working", on="data:flights")
    (row,) = asked("schedules", name="sums")["rows"]
    assert row["next"] == []
    assert "flights" in row["schedule"]["trigger"]


def test_a_promotion_is_apart_and_its_refusal_says_why_and_moves_nothing(project: Path) -> None:
    assert line("promote", name="sums", to="staging", message="it holds") == (
        '%ml pipeline promote sums --to staging -m "it holds"'
    )
    write(project / "notebooks" / "2_sum.ipynb", "factor: int = 2", 'ml.data.load("raw")\nopen("/etc/hosts").read()')
    over = ended(done("promote", name="sums")["apart"])
    assert over["code"] == 2
    assert "error: " in over["text"]
    assert "/etc/hosts" in over["text"]
    assert asked("overview")["rows"][0]["aliases"] == {}


def test_others_approve_and_what_was_moved_is_rolled_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ml.pipeline.promote("sums")
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text() + "\n[tool.nbmlops.approvals.pipeline.sums]\nproduction = 1\n")
    write(project / "notebooks" / "1_make.ipynb", "rows: int = 11", RAW)
    ml.pipeline.promote("sums", message="more rows")
    (row,) = asked("waiting", name="sums")["rows"]
    assert (row["ref"], row["alias"], row["message"]) == ("sums@v2", "production", "more rows")
    assert asked("overview")["rows"][0]["waits"]
    refused = said("act", "approve", ref=row["ref"], to=row["alias"])
    assert "another" in text_of_error(refused) or "yourself" in text_of_error(refused)
    assert refused["line"] == "%ml pipeline approve sums@v2 --to production"
    monkeypatch.setenv("NBMLOPS_USER", "somebody else")
    done("approve", ref=row["ref"], to=row["alias"], message="seen")
    assert asked("overview")["rows"][0]["aliases"] == {"production": "sums@v2"}
    assert [version["ref"] for version in asked("versions", name="sums")["rows"]] == ["sums@v2", "sums@v1"]
    assert asked("waiting", name="sums") == {"rows": []}
    done("rollback", name="sums", alias="production")
    assert asked("overview")["rows"][0]["aliases"] == {"production": "sums@v1"}


def test_what_waits_can_be_rejected(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = project / "pyproject.toml"
    settings.write_text(settings.read_text() + "\n[tool.nbmlops.approvals.pipeline.sums]\nproduction = 1\n")
    ml.pipeline.promote("sums")
    monkeypatch.setenv("NBMLOPS_USER", "somebody else")
    done("reject", ref="sums@v1", to="production", message="not yet")
    assert asked("waiting", name="sums") == {"rows": []}
    assert asked("overview")["rows"][0]["aliases"] == {}


@pytest.mark.parametrize(
    ("act", "params"),
    [
        ("run", {"name": "other.pipeline.zip"}),
        ("run", {"name": "/tmp/x"}),
        ("promote", {"name": "sums", "to": "a b"}),
        ("promote", {"name": "--yes"}),
        ("rollback", {"name": "../x"}),
        ("add", {"target": "../x", "cron": "0 6 * * *"}),
    ],
)
def test_a_name_is_a_name_and_no_option_or_path(project: Path, act: str, params: dict[str, str]) -> None:
    given = said("act", act, **params)
    assert given["error"]["message"]
    assert "line" not in given, "nothing was made of it"


def test_what_begins_with_a_dash_is_no_option(project: Path) -> None:
    assert line("resume", run="--help") == "%ml pipeline resume -- --help"
    assert line("stop", run="-h") == "%ml pipeline stop -- -h"
    assert line("add", target="sums@working", cron="--now") == "%ml schedule add -- sums@working --now"
    assert "no run '-h'" in said("act", "stop", run="-h")["error"]["message"]


def test_values_are_given_as_they_are(project: Path) -> None:
    assert line("run", name="sums", params={"rows": "-5"}) == "%ml pipeline run sums -p rows=-5"
    quoted = line("run", name="sums", params={"rows": 'a "b" c'}, only=["1_make"], cache=False)
    assert quoted == '%ml pipeline run sums -p "rows=a \\"b\\" c" --only 1_make --no-cache'


def test_without_a_pipeline_there_is_nothing_to_list(folder: Path) -> None:
    ml.init()
    assert asked("overview") == {"rows": []}
    forget()


def test_what_is_only_frozen_any_more_is_drawn_and_run_as_it_is_frozen(project: Path) -> None:
    ml.pipeline.promote("sums")
    (project / "pyproject.toml").write_text("")
    forget()
    (row,) = asked("overview")["rows"]
    assert (row["name"], row["is_working"], row["newest"]) == ("sums", False, "sums@v1")
    assert [step["name"] for step in asked("graph", name="sums@v1")["steps"]] == ["1_make", "2_sum"]
    assert [field["name"] for field in asked("form", name="sums@v1")["fields"]] == ["rows", "factor"]
    assert line("run", name="sums@v1") == "%ml pipeline run sums@v1"


def test_without_a_front_end_the_pipelines_are_a_table(project: Path) -> None:
    shown = html(panel.static(workspace()))
    assert "1_make → 2_sum" in shown
    assert len(shown) < 100_000


def test_outputs_are_texts_and_pictures_and_nothing_that_a_browser_runs() -> None:
    png = base64.b64encode(b"\x89PNG").decode()
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["10%\r", "20%\r"]},
        {"output_type": "stream", "name": "stdout", "text": "\x1b[31m30%\x1b[0m\n"},
        {"output_type": "display_data", "data": {"text/html": "<script>1</script>", "text/plain": "a table"}},
        {"output_type": "display_data", "data": {"image/png": png, "text/plain": "<Figure>"}},
        {"output_type": "display_data", "data": {"image/svg+xml": "<svg onload=alert(1)>"}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []},
    ]
    cells = [
        {"cell_type": "code", "source": ["a\n", "b"], "metadata": {}, "outputs": outputs, "execution_count": 1}
    ] * 50
    (cell,) = shown_cells(cells, 7, 1)
    assert (cell["number"], cell["source"], cell["status"]) == (8, "a\nb", None)
    assert cell["outputs"] == [
        {"kind": "text", "name": "stdout", "text": "30%\n"},
        {"kind": "text", "name": "result", "text": "a table"},
        {"kind": "picture", "text": "<Figure>", "png": png},
        {"kind": "error", "name": "E", "text": "E: v"},
    ]
    assert len(shown_cells(cells, 30, 40)) == 20


def test_what_is_very_long_is_cut() -> None:
    outputs = [{"output_type": "stream", "name": str(n), "text": "x" * 100_000} for n in range(100)]
    (cell,) = shown_cells([{"cell_type": "code", "source": "y" * 50_000, "outputs": outputs}], 0, 1)
    assert len(cell["source"]) < 5_000
    assert (len(cell["outputs"]), cell["left_out"]) == (20, 80)
    assert sum(len(one["text"]) for one in cell["outputs"]) < 200_000
