"""A model's answers to a table are a version of their own, the same whatever computes them, and all or nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from nbmlops import Workspace
from nbmlops.core.errors import InvalidError, NotFoundError, UnavailableError
from nbmlops.render.dispatch import html, text
from nbmlops.serving.batch import service
from nbmlops.serving.batch.scorer import Part
from nbmlops.serving.batch.work import Opened
from tests.serving.batch.conftest import flights

ANSWERS = ["predict", "proba_late", "proba_on time"]


def names(workspace: Workspace) -> set[str]:
    return {version.name for version in workspace.data.list()}


def test_the_answers_are_those_of_the_model_in_the_order_of_the_rows(workspace: Workspace) -> None:
    told: list[int] = []
    scores = workspace.model.score("delay@production", "flights", keep=["flight", "carrier"], progress=told.append)
    assert (scores.model, scores.data, scores.rows, scores.bad) == ("delay@v1", "flights@v1", 300_000, 0)
    assert (scores.version.name, scores.ref) == ("delay_scores", "delay_scores@v1")
    assert sum(told) > 0
    saved, given = workspace.data.load(scores.ref), workspace.data.load("flights")
    assert saved.columns.tolist() == ["flight", "carrier", *ANSWERS]
    pd.testing.assert_frame_equal(saved[["flight", "carrier"]], given[["flight", "carrier"]])
    model = workspace.model.load("delay")
    expected = model.predict_proba(given.drop(columns="flight"))
    np.testing.assert_allclose(saved[ANSWERS[1:]].to_numpy(), expected, rtol=0, atol=1e-12)
    assert (saved["predict"] == model.classes_[expected.argmax(axis=1)]).all()


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let this process score small parts, and slowly, so that others have time to begin; says which it scored."""
    monkeypatch.setattr(service, "_MOST_ROWS", 2_000)
    scored: list[int] = []

    def score(opened: Opened, start: int, stop: int) -> Part:
        scored.append(start)
        time.sleep(0.3)
        return whole(opened, start, stop)

    whole = Opened.score
    monkeypatch.setattr(Opened, "score", score)
    return scored


def test_any_number_of_jobs_gives_the_same_version(workspace: Workspace, slowly: list[int]) -> None:
    workspace.data.save(flights(200_000, 3), "more")
    several = workspace.model.score("delay", "more", to="again", jobs=3)
    assert 0 < len(slowly) < 100, "others scored the rest"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", lambda _: None)
        one = workspace.model.score("delay", "more", to="again", jobs=1)
    assert (one.jobs, several.jobs) == (1, 3)
    assert one.ref == several.ref == "again@v1"


def test_the_lineage_names_the_model_and_the_table(workspace: Workspace) -> None:
    scores = workspace.model.score("delay", "flights", to="traced", jobs=1)
    assert scores.version.message == "scores of delay@v1 for flights@v1"
    assert {node.label for node in workspace.lineage(scores.ref).nodes} >= {"delay@v1", "flights@v1", scores.ref}


def damaged() -> pd.DataFrame:
    frame = flights(3_000, 2).astype({"carrier": object})
    frame.loc[7, "carrier"] = "ZZ"
    frame.loc[[7, 11], "distance"] = [-(2**40), 5]
    frame.loc[2_999, "dep_delay"] = np.inf
    frame.loc[12, "carrier"] = None
    return frame


def test_bad_rows_are_refused_by_row_and_column_and_nothing_is_saved(workspace: Workspace) -> None:
    workspace.data.save(damaged(), "damaged")
    with pytest.raises(InvalidError) as error:
        workspace.model.score("delay", "damaged", to="refused")
    assert "row 7, column carrier: 'ZZ' is none of the 3 categories" in error.value.message
    assert "row 12, column carrier: is null, and the model has seen none there" in error.value.message
    assert "row 2999, column dep_delay: inf is not finite" in error.value.message
    assert error.value.hint == "mend them, or score them as null: `--bad null`"
    assert "refused" not in names(workspace)


def test_bad_rows_may_be_scored_as_null_and_are_counted(workspace: Workspace) -> None:
    workspace.data.save(damaged(), "damaged")
    scores = workspace.model.score("delay", "damaged", to="nulls", keep=["flight"], bad="null")
    assert (scores.rows, scores.bad, dict(scores.faults)) == (3_000, 3, {"carrier": 2, "dep_delay": 1})
    assert [fault.row for fault in scores.first] == [7, 12, 2_999]
    saved = workspace.data.load(scores.ref)
    assert saved.index[saved["predict"].isna()].tolist() == [7, 12, 2_999]
    whole = workspace.model.score("delay", "flights", to="whole", jobs=1)
    assert whole.bad == 0
    for shown in (text(scores), html(scores)):
        assert "3 bad rows scored as null" in shown
        assert "'ZZ' is none of the 3 categories" in text(scores, detail=True)


def test_a_table_of_bad_rows_alone_has_nulls_alone(workspace: Workspace) -> None:
    frame = flights(3).astype({"carrier": object})
    frame["carrier"] = "ZZ"
    workspace.data.save(frame, "strange")
    scores = workspace.model.score("delay", "strange", bad="null")
    assert scores.bad == 3
    assert workspace.data.load(scores.ref).isna().all(axis=None)


def test_categories_go_as_the_deployment_says(workspace: Workspace) -> None:
    frame = flights(3).astype({"carrier": object})
    frame.loc[1, "carrier"] = "ZZ"
    workspace.data.save(frame, "newer")
    workspace.deployment.set("delay", unseen="pass")
    try:
        with pytest.raises(InvalidError, match=r"delay@v1 fails on rows 0 to 2: ValueError: .*unknown categories"):
            workspace.model.score("delay", "newer")
    finally:
        workspace.deployment.set("delay", unseen="refuse")


def test_an_empty_table_has_no_scores(workspace: Workspace) -> None:
    workspace.data.save(flights(5).head(0), "nothing", allow_empty=True)
    scores = workspace.model.score("delay", "nothing")
    assert (scores.rows, workspace.data.load(scores.ref).columns.tolist()) == (0, ANSWERS)


def test_what_a_table_lacks_is_said_before_anything_is_computed(workspace: Workspace) -> None:
    workspace.data.save(flights(5).rename(columns={"distance": "distances"}), "other")
    with pytest.raises(InvalidError, match="delay@v1 takes columns that the table lacks: distance") as error:
        workspace.model.score("delay", "other")
    assert error.value.hint == "did you mean distances?"
    with pytest.raises(InvalidError, match="there is no column 'fligth'"):
        workspace.model.score("delay", "flights", keep=["fligth"])
    with pytest.raises(NotFoundError):
        workspace.model.score("delay", "fligths")
    with pytest.raises(NotFoundError):
        workspace.model.score("dely", "flights")


def test_what_is_no_table_and_words_that_mean_nothing_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    workspace.data.save(tmp_path / "notes.txt")
    with pytest.raises(InvalidError, match="notes@v1 is a file, not a table"):
        workspace.model.score("delay", "notes")
    with pytest.raises(InvalidError, match="bad cannot be 'skip'"):
        workspace.model.score("delay", "flights", bad="skip")
    with pytest.raises(InvalidError, match="0 jobs compute nothing"):
        workspace.model.score("delay", "flights", jobs=0)
    with pytest.raises(InvalidError, match="executor cannot be 'threads'"):
        workspace.model.score("delay", "flights", executor="threads")
    with pytest.raises(InvalidError, match="processes have no scheduler"):
        workspace.model.score("delay", "flights", executor="processes", scheduler="tcp://127.0.0.1:1")
    with pytest.raises(InvalidError, match="which scheduler of Dask is not said"):
        workspace.model.score("delay", "flights", executor="dask")


def test_a_column_that_is_called_as_an_answer_is_cannot_be_kept(workspace: Workspace) -> None:
    workspace.data.save(flights(5).assign(predict=1), "clash")
    with pytest.raises(InvalidError, match="two columns would be called 'predict'"):
        workspace.model.score("delay", "clash", keep=["predict"])


def test_a_model_without_an_example_says_what_to_do(workspace: Workspace) -> None:
    inputs = flights(50)[["dep_delay"]]
    workspace.model.save(LinearRegression().fit(inputs, inputs["dep_delay"]), "bare")
    with pytest.raises(InvalidError, match="bare@v1 has no signature") as error:
        workspace.model.score("bare", "flights")
    assert "--example X" in str(error.value.hint)


def test_numbers_arrays_and_several_answers_become_columns(workspace: Workspace) -> None:
    inputs = flights(500)[["dep_delay", "distance"]]
    line = LinearRegression().fit(inputs, np.column_stack([inputs["dep_delay"] * 2, inputs["distance"]]))
    workspace.model.save(line, "two", example=inputs.head())
    saved = workspace.data.load(workspace.model.score("two", "flights").ref)
    assert saved.columns.tolist() == ["predict_0", "predict_1"]
    array = inputs.to_numpy()
    workspace.model.save(LogisticRegression().fit(array, array[:, 0] > 15), "plain", example=array[:5])
    workspace.data.save(inputs, "unnamed")
    saved = workspace.data.load(workspace.model.score("plain", "unnamed").ref)
    assert saved.columns.tolist() == ["predict", "proba_False", "proba_True"]
    assert saved["predict"].dtype == bool


def test_a_process_that_is_killed_leaves_nothing_and_is_told_of(workspace: Workspace, slowly: list[int]) -> None:
    killer = threading.Thread(target=kill_a_child, args=(slowly,), daemon=True)
    killer.start()
    with pytest.raises(UnavailableError, match="was killed") as error:
        workspace.model.score("delay", "flights", to="killed", jobs=2)
    killer.join()
    assert "--jobs 1" in str(error.value.hint)
    assert slowly
    assert "killed" not in names(workspace)
    assert computing() == []


def kill_a_child(scored: list[int]) -> None:
    """Kill a process below this one, as soon as this one has scored something too."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if scored and (found := computing()):
            os.kill(found[0], signal.SIGKILL)
            return
        time.sleep(0.01)


def computing() -> list[int]:
    """Processes below this one that score."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == os.getpid() and b"loky" in command and b"resource_tracker" not in command:
                found.append(int(entry.name))
    return found


def test_ctrl_c_leaves_nothing_half_made_and_no_process(workspace: Workspace) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.model.score("delay", "flights", to="stopped", jobs=2, progress=stop)
    assert "stopped" not in names(workspace)
    assert computing() == []
