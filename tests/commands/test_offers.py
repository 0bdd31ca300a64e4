"""What completion offers, from a workspace with versions, runs, reports and schedules in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops import Workspace, ml
from nbmlops.commands.answer import completions
from nbmlops.core.errors import NotFoundError
from nbmlops.store.glance import Glance, bare, through
from nbmlops.workspace.current import forget
from tests.commands.fakes import in_a_cell, in_a_shell
from tests.filled import fill

FLIGHTS = pd.DataFrame({"dep_delay": [1, 2], "carrier": ["a", "b"], "dep delay": [3, 4]})
SETTINGS = '[tool.nbmlops.pipelines]\ndelays = ["notebooks/*.ipynb"]\n[tool.nbmlops.remotes]\norigin = "/mnt/o"\n'


class Estimator:
    def fit(self) -> None: ...


VARIABLES: dict[str, Any] = {
    "flights": FLIGHTS,
    "model": Estimator(),
    "auc": 0.75,
    "_hidden": FLIGHTS,
    "pytest": pytest,
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("offers")
    (folder / "notebooks").mkdir()
    for name in ("1_ingest", "2_train"):
        (folder / "notebooks" / f"{name}.ipynb").write_text(
            '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
        )
    (folder / "pyproject.toml").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch, Workspace.init(folder) as made:
        patch.chdir(folder)
        first = made.data.save(FLIGHTS, "flights")
        made.data.alias(first.ref, "production")
        made.data.save(FLIGHTS.head(1), "flights")
        made.data.save(FLIGHTS[["dep_delay"]], "weather")
        made.data.delete(made.data.save(FLIGHTS.head(1), "dropped").ref, unlock=True)
        for number in range(12):
            with made.run("gbm" if number else "forest-x", {"depth": number, "learning rate": 0.1}) as run:
                run.log({"auc": number / 20, "test loss": 1.0})
                run.artifact("some text", "notes.txt", as_="text")
        made.check.data("flights", "dep_delay: number")
        made.schedule.add("delays@working", "0 6 * * *", name="nightly")
        yield made
    forget()


def offered(line: str, workspace: Any) -> list[str]:
    *words, incomplete = line.split(" ")
    return [item.value for item in completions(words, incomplete, in_a_cell(workspace, VARIABLES))]


def quoted(words: str, incomplete: str, workspace: Any) -> list[str]:
    """The last word holds spaces, as it does in quotes."""
    return [item.value for item in completions(words.split(), incomplete, in_a_cell(workspace, VARIABLES))]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("data save flights ", ["flights", "weather"]),
        ("data load w", ["weather"]),
        ("data load flights@", ["flights@production", "flights@v2", "flights@v1"]),
        ("data load flights@p", ["flights@production"]),
        ("data push fl", ["flights"]),
        ("data history flights@", []),
        ("data restore ", ["dropped"]),
        ("data load flights --columns ", ["dep_delay", "carrier", "dep delay"]),
        ("data load flights --columns carrier,dep_", ["carrier,dep_delay"]),
        ("data load flights@production --where dep_", ["dep_delay"]),
        ("data blame weather --column ", ["dep_delay"]),
        ("data diff flights@v1 flights@v2 --key c", ["carrier"]),
        ("data alias flights p", ["production"]),
        ("data push --to ", ["origin"]),
        ("remote remove o", ["origin"]),
        ("check leakage flights --target c", ["carrier"]),
        ("check data we", ["weather"]),
        ("check fl", ["flights"]),
        ("check show ", ["1"]),
        ("check list --subject fl", ["flights@v2"]),
        ("pipeline run ", ["delays"]),
        ("pipeline run delays --from ", ["1_ingest", "2_train"]),
        ("pipeline run delays --executor d", ["dask"]),
        ("pipeline promote delays --against gbm-1", ["gbm-11", "gbm-10", "gbm-1"]),
        ("schedule pause ", ["nightly"]),
        ("schedule restore ", []),
        ("run show forest", ["forest-x-1", "forest-x"]),
        ("run g", ["gbm"]),
        ("run start gbm -p d", ["depth="]),
        ("log a", ["auc="]),
        ("run best gbm --metric ", ["auc", "test loss"]),
        ("run artifact gbm-3 ", ["notes.txt"]),
        ("run list --experiment f", ["forest-x"]),
        ("run list --where metrics.", ["metrics.auc", "metrics['test loss']"][:1]),
        ("run list --where st", ["started", "status"]),
        ("run list --by -metrics.a", ["-metrics.auc"]),
        ("lint notebooks/1", ["notebooks/1_ingest.ipynb"]),
        ("lint d", ["delays"]),
        ("data save notebooks/2", ["notebooks/2_train.ipynb"]),
        ("data load flights --to note", ["notebooks/"]),
    ],
)  # fmt: skip
def test_what_a_word_may_name_is_offered(
    line: str, words: list[str], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.marker.root)
    assert offered(line, workspace) == words


@pytest.mark.parametrize(
    ("incomplete", "words"),
    [
        ("metrics.auc > 0.8 and par", ["metrics.auc > 0.8 and params."]),
        ("metrics.auc > 0.8 and params.de", ["metrics.auc > 0.8 and params.depth"]),
        ("metrics.auc > 0.8 an", ["metrics.auc > 0.8 and"]),
        ("params['lear", ["params['learning rate']"]),
        ('params["lear', ['params["learning rate"]']),
        ("status = 'fi", ["status = 'finished'"]),
        ("kind != ", ["kind != 'run'", "kind != 'step'", "kind != 'pipeline'", "kind != 'proof'"]),
        ("experiment='for", ["experiment='forest-x'"]),
    ],
)
def test_a_condition_on_runs_is_completed_word_by_word(incomplete: str, words: list[str], workspace: Workspace) -> None:
    found = quoted("run list --where", incomplete, workspace)
    assert [word for word in found if word in words] == words
    assert all(word.startswith(incomplete) for word in found)


def test_a_digest_is_offered_once_it_is_begun(workspace: Workspace) -> None:
    digest = workspace.data.show("flights@v1").digest
    assert offered(f"data show flights@{digest[:3]}", workspace) == [f"flights@{digest[:12]}"]


def test_what_is_offered_in_a_condition_can_be_asked(workspace: Workspace) -> None:
    (word,) = quoted("run list --where", "metrics['te", workspace)
    assert len(workspace.run.list(where=f"{word} > 0 and params['learning rate'] = 0.1")) == 12


def test_a_shell_offers_references_too(workspace: Workspace) -> None:
    assert [item.value for item in completions(["data", "load"], "we", in_a_shell(workspace))] == ["weather"]


def test_a_catalog_that_is_locked_is_not_waited_for(workspace: Workspace) -> None:
    with sqlite3.connect(workspace.catalog.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert offered("data load ", workspace) == []
        other.execute("ROLLBACK")
    other.close()
    assert offered("data load we", workspace) == ["weather"]


def test_a_file_that_is_no_catalog_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"no database at all, " * 100)
    assert Glance(bare(tmp_path / "catalog.db")).names("data") == []
    assert Glance(bare(tmp_path / "missing.db")).names("data") == []
    assert not (tmp_path / "missing.db").exists()


def test_both_ways_to_ask_a_catalog_give_the_same(workspace: Workspace) -> None:
    alone, inside = Glance(bare(workspace.catalog.path)), Glance(through(workspace.catalog))
    for ask in (
        lambda glance: glance.names("data", "f"),
        lambda glance: glance.names("data", deleted=True),
        lambda glance: glance.refs("data", "flights"),
        lambda glance: glance.digests("data", "flights"),
        lambda glance: glance.columns("flights@production"),
        lambda glance: glance.runs("gbm-1"),
        lambda glance: glance.runs(),
        lambda glance: glance.experiments(),
        lambda glance: [glance.keys(group) for group in ("metrics", "params", "tags")],
        lambda glance: glance.artifacts("gbm-3"),
        lambda glance: (glance.reports(), glance.subjects(), glance.schedules()),
    ):
        assert ask(alone) == ask(inside) != []


def test_the_first_names_and_the_newest_runs_of_very_many_are_offered(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as many:
        fill(many, runs=3_000, names=700, experiments=600)
        assert len(offered("data load ", many)) == 500
        assert offered("data load table_0069", many) == [f"table_{number:05}" for number in range(690, 700)]
        assert offered("data load table_00001 --columns c", many) == ["carrier"]
        assert offered("run show ", many)[0] == "e599-5"
        assert len(offered("run list --experiment e", many)) == 500
        assert offered("run show e42-", many) == [f"e42-{number}" for number in (5, 4, 3, 2, 1)]


def test_nothing_of_a_reference_is_offered_without_a_workspace() -> None:
    def none() -> Any:
        raise NotFoundError("not in a workspace")

    session = in_a_cell(None)
    session._open = none
    assert completions(["data", "load"], "", session) == []


def test_the_current_workspace_is_the_one_that_is_asked(project: Path) -> None:
    ml.data.save(FLIGHTS, "only_here")
    session = in_a_cell(None)
    session._open = type(session)()._open
    assert [item.value for item in completions(["data", "load"], "", session)] == ["only_here"]
