"""What is personal is nowhere shown in full: not in evidence of suites, of drift, nor in names of slices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from nbmlops.checks.records import Report
from nbmlops.render import html, text
from nbmlops.workspace import Workspace

PLANTED = ("ann.lee@example.org", "carol.dee@example.org", "Leewood", "Deeman", "4917012345678", "4915798765432")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.init(tmp_path_factory.mktemp("masked")) as made:
        yield made


def people(turn: int, rows: int = 600) -> pd.DataFrame:
    one, other = turn, 1 - turn
    mails, names, phones = PLANTED[0:2], PLANTED[2:4], PLANTED[4:6]
    half = rows // 3
    return pd.DataFrame(
        {
            "contact": [mails[one]] * (rows - half) + [mails[other] if turn else mails[one]] * half,
            "surname": [names[one]] * rows,
            "phone": [int(phones[one])] * rows,
            "tel": [float(phones[one])] * rows,
        }
    )


def shown(report: Report) -> str:
    return "\n".join([text(report, detail=True), html(report, detail=True), json.dumps(report.to_json())])


def none_of_it(told: str) -> None:
    assert not [value for value in PLANTED if value in told]


@pytest.mark.parametrize("profiles", [False, True])
def test_drift_of_personal_columns_is_told_without_their_values(workspace: Workspace, profiles: bool) -> None:
    before, after = (people(turn) for turn in (0, 1))
    against: Any = before
    current: Any = after
    if profiles:
        against, current = (workspace.data.profile(frame) for frame in (before, after))
    report = workspace.check.drift(current, against)
    assert {outcome.column for outcome in report.failures} == {"contact", "surname", "phone", "tel"}
    assert "new: c" in shown(report)
    none_of_it(shown(report))


def test_rows_that_offend_are_shown_without_what_is_personal(workspace: Workspace) -> None:
    suite = 'phone: between(0, 1)\ntel: between(0, 1)\nsurname: in("x")\ncontact: matches("x")'
    report = workspace.check.data(people(0), suite)
    assert len(report.failures) == 4
    assert "4•••••••••••8" in text(report)
    none_of_it(shown(report))


def test_slices_are_named_without_what_is_personal_and_groups_keep_their_names(workspace: Workspace) -> None:
    rng = np.random.default_rng(0)
    rows = 600
    x = rng.normal(size=rows)
    frame = pd.DataFrame({"x": x, "late": (x > 0).astype(int)})
    weak = np.arange(rows) % 3 == 0
    frame["surname"] = np.where(weak, PLANTED[2], PLANTED[3])
    frame["religion"] = np.where(weak, "pastafarian", "none")
    frame.loc[weak, "late"] = rng.integers(0, 2, int(weak.sum()))
    model = LogisticRegression().fit(frame[["x"]], frame["late"])
    for column, named in (("surname", "surname = L•••••d"), ("religion", "religion = pastafarian")):
        report = workspace.check.model(model, frame, "late", slices=(column,), only=("slices",), metric="accuracy")
        assert named in text(report)
        none_of_it(shown(report))
