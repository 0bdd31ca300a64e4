"""What the catalog could not keep is refused when it is said, and what is said after it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError
from nbmlops.tracking import ActiveRun
from nbmlops.tracking.wording import check_key
from nbmlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        yield made


HALF, NUL = "\ud800", "\0"
BAD: list[tuple[Callable[[ActiveRun], object], str]] = [
    (lambda run: run.log({f"auc{HALF}": 1.0}), "UTF-8 has nothing for its character 4"),
    (lambda run: run.log({f"auc{HALF}": [1, 2]}), "the name .* is no text"),
    (lambda run: run.log({f"auc{NUL}": 1.0}), "holds the character NUL"),
    (lambda run: run.log({"": 1.0}), "is empty"),
    (lambda run: run.log({"x" * 513: 1.0}), "has 513 characters; at most 512"),
    (lambda run: run.param({f"depth{HALF}": 4}), "the name .* is no text"),
    (lambda run: run.param({"deep": {"x" * 512: 4}}), "at most 512 can be kept"),
    (lambda run: run.tag({f"a{HALF}": "x"}), "the name .* is no text"),
    (lambda run: run.tag(owner=f"a{HALF}"), "the tag owner .* is no text"),
    (lambda run: run.tag(owner=f"a{NUL}"), "the tag owner .* holds the character NUL"),
    (lambda run: run.note(HALF), "the tag note .* is no text"),
]


@pytest.mark.parametrize(("say", "said"), BAD, ids=[str(number) for number in range(len(BAD))])
def test_what_cannot_be_kept_is_refused_and_the_run_goes_on(
    workspace: Workspace, say: Callable[[ActiveRun], object], said: str
) -> None:
    with workspace.run("gbm") as run:
        with pytest.raises(InvalidError, match=said):
            say(run)
        run.log(auc=0.5)
    record = workspace.run.show("gbm")
    assert (record.status, record.metrics, record.tags, record.params) == ("finished", {"auc": 0.5}, {}, {})


def test_a_run_does_not_begin_with_what_cannot_be_kept(workspace: Workspace) -> None:
    with pytest.raises(InvalidError, match="the tag owner"):
        workspace.run.start("gbm", tags={"owner": HALF})
    with pytest.raises(InvalidError, match="the name"):
        workspace.run.start("gbm", params={HALF: 1})
    assert workspace.run.list() == []


def test_texts_of_params_errors_and_paths_may_be_anything(workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="odd"), workspace.run("gbm", params={"text": f"a{HALF}"}):
        raise ValueError(f"odd {HALF}")
    workspace.run.start("gbm", notebook=f"/work/a{HALF}.ipynb").finish()
    first, second = workspace.run.show("gbm-1"), workspace.run.show("gbm-2")
    assert (first.params, first.error) == ({"text": "a\ufffd"}, {"name": "ValueError", "value": "odd \ufffd"})
    assert second.notebook == "/work/a\\ud800.ipynb"


def test_a_metric_named_by_a_number_is_named_by_its_digits(workspace: Workspace) -> None:
    with workspace.run("gbm") as run:
        run.log({3: 0.5})  # type: ignore[dict-item]
    assert workspace.run.show("gbm").metrics == {"3": 0.5}


@given(st.text(st.characters(), min_size=1, max_size=600))
def test_a_name_is_refused_or_can_be_kept(name: str) -> None:
    try:
        assert check_key(name) == name
    except InvalidError:
        assert len(name) > 512 or "\0" in name or name.encode(errors="replace").decode() != name
    else:
        assert name.encode().decode() == name
