"""Every verb, every role, every face: what the table says is what happens."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nbmlops import ml
from nbmlops.commands.answer import answer
from nbmlops.commands.grammar import NOUNS, VERBS, Verb
from nbmlops.commands.session import Session
from nbmlops.core.errors import InvalidError, NbmlopsError, RefusedError
from nbmlops.core.permissions import NEEDS, PERMISSIONS, ROLES, method_of, needed, needed_by_method, verbs_of
from nbmlops.workspace import Workspace
from nbmlops.workspace.current import forget, workspace
from tests.commands.fakes import in_a_cell

POLICY = """
[roles]
of_viewer = "viewer"
of_scientist = "scientist"
of_engineer = "engineer"
of_approver = "approver"
of_admin = "admin"
"""
FACES = ("python", "cell", "shell")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("NBMLOPS_USER", "of_admin")
        (folder / "nbmlops-policy.toml").write_text(POLICY)
        ml.init()
        ml.store.policy("nbmlops-policy.toml")
        yield folder
        forget()


def in_python(verb: Verb) -> None:
    found: Any = ml
    for name in verb.python.removeprefix("ml.").split("."):
        found = getattr(found, name)
    found(**{"no such keyword": 1})


def in_cell(verb: Verb) -> None:
    answer([*verb.words.split(), "--no-such-option"], in_a_cell(workspace()), "%ml")


def in_shell(verb: Verb) -> None:
    answer([*verb.words.split(), "--no-such-option"], Session(), "nbmlops")


CALLS: dict[str, Callable[[Verb], None]] = {"python": in_python, "cell": in_cell, "shell": in_shell}
"""Each ends in an error of what follows the guard: nothing is ever done."""
BEHIND: dict[str, type[Exception]] = {"python": TypeError, "cell": InvalidError, "shell": InvalidError}


@pytest.mark.parametrize(
    ("verb", "face"),
    list(itertools.product(VERBS, FACES)),
    ids=lambda value: value.words if isinstance(value, Verb) else value,
)
def test_a_verb_is_refused_to_whom_the_table_refuses_it_and_to_nobody_else(
    verb: Verb, face: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if face == "python" and face in verb.exempt:
        assert verb.name in {"demo", "ui"}
        return
    for role, given in {**ROLES, "nothing": frozenset()}.items():
        monkeypatch.setenv("NBMLOPS_USER", f"of_{role}")
        allowed = verb.needs == "anyone" or verb.needs in given
        with pytest.raises((TypeError, NbmlopsError), match=r".") as raised:
            CALLS[face](verb)
        if allowed:
            if (verb.name, face) != ("log", "python"):  # which takes any keyword, and misses the run
                assert type(raised.value) is BEHIND[face], (role, raised.value)
            assert "may not" not in str(raised.value)
        else:
            assert isinstance(raised.value, RefusedError), (role, raised.value)
            assert f"of_{role} may not `{verb.words}`: it needs {verb.needs}" in raised.value.message


def test_every_verb_of_the_grammar_is_in_the_table_and_nothing_else_is() -> None:
    here = {(verb.noun, verb.name) for verb in VERBS}
    entered = [(noun, name) for noun, needs in NEEDS.items() for names in needs.values() for name in names.split()]
    assert sorted(entered) == sorted(here), "enter each verb in nbmlops/core/permissions.py"
    assert {needed(*each) for each in here} == {"anyone", *PERMISSIONS}
    for verb in VERBS:
        if "python" not in verb.exempt:
            assert verb.python.rpartition(".")[2] == method_of(verb.noun, verb.name)


def test_every_method_of_a_service_that_is_no_verb_is_in_the_table_too(tmp_path: Path) -> None:
    with Workspace.init(tmp_path) as opened:
        for noun in NOUNS:
            service = getattr(opened, noun)
            methods = [name for name in dir(service) if not name.startswith("_") and callable(getattr(service, name))]
            by_call = ["__call__"] if callable(service) else []
            unknown = [name for name in [*methods, *by_call] if needed_by_method(noun, name)[0] == "admin"]
            told = {method_of(noun, name) for name in NEEDS[noun].get("admin", "").split()}
            assert set(unknown) <= told, "enter each method in nbmlops/core/permissions.py"


def test_roles_grow_and_only_admins_have_all() -> None:
    assert set(verbs_of("viewer")) < set(verbs_of("scientist")) < set(verbs_of("engineer")) < set(verbs_of("admin"))
    assert set(verbs_of("approver")) - set(verbs_of("engineer")) == {
        *("model approve", "model reject", "pipeline approve", "pipeline reject")
    }


@pytest.mark.usefixtures("here")
def test_what_a_verb_calls_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "of_scientist")
    table = pd.DataFrame({"a": [1], "b": [2]})
    saved = ml.data.save(table, "table")
    # To judge keeps a report by means of another noun, and a run's body is asked for on its own.
    assert ml.check.data("table", "b: number").passed
    with ml.run("short") as run:
        run.log(loss=0.5)
        monkeypatch.setenv("NBMLOPS_USER", "of_viewer")
        with pytest.raises(RefusedError, match="may not `data save`"):
            ml.data.save(table, "table")
    assert ml.data.show("table").ref == saved.ref
    assert ml.run.list()[0].status == "finished"


def test_help_and_completion_are_for_everybody(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "of_nothing")
    answer(["store", "gc", "--help"], Session(), "nbmlops")
    assert "Free the bytes" in capsys.readouterr().out


def test_a_service_behind_the_guard_passes_for_itself(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import inspect

    from nbmlops.data import Data

    monkeypatch.setenv("NBMLOPS_USER", "of_viewer")
    assert isinstance(ml.data, Data)
    assert "progress" in inspect.signature(ml.data.save).parameters
    assert "save" in dir(ml.data)
    with pytest.raises(AttributeError, match="no_such"):
        _ = ml.data.no_such


def test_a_refusal_tells_who_can_and_is_an_event(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "of_viewer")
    with pytest.raises(NbmlopsError) as refused:
        workspace().store.gc()
    assert refused.value.message == "of_viewer may not `store gc`: it needs admin, and of_viewer has the role viewer"
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("ask of_admin for the role admin")
    event = workspace().audit.events(1)[0]
    assert (event.actor, event.action, event.subject) == ("of_viewer", "access.refused", "store gc")
    assert event.detail == {"needs": "admin", "roles": ["viewer"]}
