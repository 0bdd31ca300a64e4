"""Four eyes by the policy: one mechanism with ``[tool.nbmlops.approvals]``, of which the stricter counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from nbmlops.core.errors import ConflictError, RefusedError
from nbmlops.models.approvals import joined, rule_of
from nbmlops.workspace import Workspace

POLICY = """
[roles]
ann = "admin"
ben = ["engineer", "approver"]
eve = ["engineer", "approver"]
sam = "scientist"
[rules]
"model/delay@production" = { approvers = 1, other_than = "author" }
"""


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    with Workspace.init(tmp_path) as workspace:
        path = tmp_path / "nbmlops-policy.toml"
        path.write_text(POLICY)
        workspace.store.policy(path)
        monkeypatch.setenv("NBMLOPS_USER", "ben")
        x = np.arange(12.0).reshape(6, 2)
        workspace.model.save(LinearRegression().fit(x, x[:, 0]), "delay", example=x)
        yield workspace


def test_the_author_does_not_approve_what_another_asked_for(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBMLOPS_USER", "sam")
    with pytest.raises(RefusedError, match="sam may not `model promote`"):
        opened.model.promote("delay")
    monkeypatch.setenv("NBMLOPS_USER", "eve")
    asked = opened.model.promote("delay")
    assert (asked.moved, asked.waits is not None) == (False, True)
    with pytest.raises(RefusedError, match="eve asked for production"):
        opened.model.approve("delay")
    monkeypatch.setenv("NBMLOPS_USER", "ben")
    with pytest.raises(RefusedError, match="ben is the author of delay@v1 and cannot approve it"):
        opened.model.approve("delay")
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    assert opened.model.approve("delay").moved


def test_a_rule_that_changed_meanwhile_is_judged_anew(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.model.promote("delay")
    monkeypatch.setenv("NBMLOPS_USER", "ann")
    path = opened.marker.root / "nbmlops-policy.toml"
    path.write_text(POLICY.replace("approvers = 1", "approvers = 2"))
    opened.store.policy(path)
    with pytest.raises(
        ConflictError, match="needed 1 approvals when it was judged, and needs 2 now of others than the author"
    ):
        opened.model.approve("delay")


_ALIASES = st.dictionaries(st.sampled_from("pq"), st.integers(0, 3))
_LINES = st.dictionaries(st.sampled_from(["*", "delay", "price"]), _ALIASES)


@given(_LINES, _LINES, st.sampled_from(["delay", "price", "other"]), st.sampled_from("pq"))
def test_of_both_tables_the_stricter_rule_counts(
    one: dict[str, dict[str, int]], other: dict[str, dict[str, int]], name: str, alias: str
) -> None:
    tables = {"model": one}, {"model": other}
    expected = max(rule_of(table, "model", name, alias).needed for table in tables)
    assert rule_of(joined(*tables), "model", name, alias).needed == expected
