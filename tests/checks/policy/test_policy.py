"""The rules of a project: read, or refused by the key, and what they say of data and of models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from nbmlops.checks import Report
from nbmlops.checks.policy.rules import Policy
from nbmlops.core.errors import AmbiguousError, InvalidError, NotFoundError, RefusedError
from nbmlops.render import html, text
from nbmlops.workspace import Workspace

PEOPLE = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "email": ["ann@example.org", "bob@example.org", None],
        "age": [31, 42, 53],
        "paid": [1.0, 2.0, 3.0],
    }
)


@pytest.fixture
def ruled(tmp_path: Path) -> Iterator[Callable[[str], Workspace]]:
    """Opens the workspace again under other rules."""
    opened: list[Workspace] = []
    root = tmp_path / "project"
    Workspace.init(root).close()

    def under(rules: str) -> Workspace:
        (root / "pyproject.toml").write_text(rules)
        opened.append(Workspace.open(root))
        return opened[-1]

    yield under
    for workspace in opened:
        workspace.close()


def outcome(report: Report, check: str) -> Any:
    (found,) = (one for one in report.outcomes if one.check == check)
    return found


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"personnal": "warn"}, "unknown key 'personnal'"),
        ({"personal": "never"}, "personal = 'never'"),
        ({"licences": "CC0"}, "licences = 'CC0'"),
        ({"licences": []}, "licences = "),
        ({"origin": 1}, "origin = 1"),
        ({"allowed": ["x"]}, "policy.allowed. must be a table"),
        ({"allowed": {"a.b": ""}}, "allowed.a.b = ''"),
        ({"retention": {"a": "soon"}}, "retention.a = 'soon'"),
        ({"retention": {"a": "0 days"}}, "0 days"),
        ({"retention": {"a": 90}}, "retention.a = 90"),
        ({"retention": {"a": "9999999999 years"}}, "9999999999 years"),
        ({"denied": {"a": "ssn"}}, "denied.a = 'ssn'"),
    ],
)
def test_what_is_no_rule_is_refused_by_its_key(table: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidError, match=complaint):
        Policy.parse(table)


def test_rules_are_read() -> None:
    policy = Policy.parse({"retention": {"*": "2 weeks", "a": "1 year"}, "denied": {"*": ["*_ID"], "m": ["age"]}})
    assert (policy.longest("a"), policy.longest("b")) == (timedelta(days=365), timedelta(days=14))
    assert (policy.forbidding("m", "user_id"), policy.forbidding("m", "Age"), policy.forbidding("n", "age")) == (
        "*_ID",
        "age",
        None,
    )


def test_personal_data_fails_warns_or_is_allowed_with_its_reason(ruled: Callable[[str], Workspace]) -> None:
    workspace = ruled("")
    workspace.data.save(PEOPLE, "people")
    report = workspace.check.policy("people")
    (found,) = report.outcomes
    assert (report.status, found.column, found.rows) == ("failed", "email", (0, 1))
    assert found.figure == "e-mail address: 2 values of 2 (100.00%)"
    assert report.judged == (f"data:{workspace.data.show('people').id}",)
    for shown in (text(report, detail=True), html(report, detail=True), str(report.to_json())):
        assert "ann@" not in shown
        assert "example.org" not in shown
    with pytest.raises(RefusedError, match="email personal data"):
        workspace.check.policy("people", strict=True)
    assert ruled('[tool.nbmlops.policy]\npersonal = "warn"').check.policy("people").status == "warned"
    assert ruled('[tool.nbmlops.policy]\npersonal = "allow"').check.policy("people").status == "passed"
    allowed = ruled('[tool.nbmlops.policy.allowed]\n"people.email" = "contract"').check.policy("people")
    assert (allowed.status, allowed.outcomes[0].detail) == ("passed", "allowed: contract")


def test_a_table_and_a_file_are_looked_through_too(ruled: Callable[[str], Workspace], tmp_path: Path) -> None:
    workspace = ruled("")
    path = tmp_path / "people.parquet"
    PEOPLE.to_parquet(path)
    assert [workspace.check.policy(value).status for value in (PEOPLE, path, PEOPLE[["id", "age"]])] == [
        "failed",
        "failed",
        "passed",
    ]
    (tmp_path / "notes.txt").write_text("ann@example.org")
    workspace.data.save(tmp_path / "notes.txt", "notes")
    assert outcome(workspace.check.policy("notes"), "personal data").figure == "file: not looked through"


def test_age_licence_and_origin_of_a_version(
    ruled: Callable[[str], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = '[tool.nbmlops.policy]\nlicences = ["CC0-1.0"]\norigin = true\n'
    workspace = ruled(f'{rules}[tool.nbmlops.policy.retention]\nages = "30 days"')
    workspace.data.save(PEOPLE[["age"]], "ages", tags={"licence": "CC0-1.0"})
    fresh = workspace.check.policy("ages")
    assert [one.status for one in fresh.outcomes] == ["passed", "passed", "passed", "passed"]
    now = workspace.clock.now() + timedelta(days=31)

    class Later:
        def now(self) -> Any:
            return now

    monkeypatch.setattr(workspace.check, "_clock", Later())
    late = outcome(workspace.check.policy("ages"), "retention")
    assert (late.status, late.figure, late.bound) == ("failed", "31 days", "at most 30 days")
    workspace.data.tag("ages", {"licence": "proprietary"})
    assert outcome(workspace.check.policy("ages"), "licence").status == "failed"
    workspace.data.save(PEOPLE[["paid"]], "payments")
    assert outcome(workspace.check.policy("payments"), "licence").figure == "none is named"


def test_a_model_may_not_come_from_data_that_is_not_for_training_however_far(ruled: Callable[[str], Workspace]) -> None:
    workspace = ruled('[tool.nbmlops.policy.denied]\n"*" = ["*mail"]\nwages = ["age"]')
    workspace.data.save(PEOPLE, "people", tags={"no-training": "true"})
    with workspace.run("clean"):
        frame = workspace.data.load("people")[["age", "paid"]]
        workspace.data.save(frame, "ages")
    with workspace.run("train"):
        frame = workspace.data.load("ages")
        model = LinearRegression().fit(frame[["age"]], frame["paid"])
        workspace.model.save(model, "wages", example=frame[["age"]])
    report = workspace.check.policy("wages")
    assert report.judged == (f"model:{workspace.model.show('wages').id}",)
    columns, training = report.outcomes
    assert (columns.status, columns.figure) == ("failed", "age")
    assert (training.status, training.figure) == ("failed", "people@v1")
    workspace.data.tag("people", {"no-training": "false"})
    assert outcome(workspace.check.policy("wages"), "no-training").status == "passed"


def test_of_a_model_from_nowhere_that_is_said(ruled: Callable[[str], Workspace]) -> None:
    workspace, frame = ruled(""), PEOPLE[["age"]]
    workspace.model.save(LinearRegression().fit(frame, PEOPLE["paid"]), "wages", example=frame)
    columns, training = workspace.check.policy("wages").outcomes
    assert (columns.status, columns.detail) == ("passed", "the rules deny none")
    assert (training.status, training.detail) == ("warned", "nothing is recorded of what it was made from")


def test_what_is_not_there_or_of_two_kinds_is_said(ruled: Callable[[str], Workspace]) -> None:
    workspace = ruled("")
    workspace.data.save(PEOPLE[["age"]], "ages")
    with pytest.raises(NotFoundError, match="named 'agse'"):
        workspace.check.policy("agse")
    frame = PEOPLE[["age"]]
    workspace.model.save(LinearRegression().fit(frame, PEOPLE["paid"]), "ages", example=frame)
    with pytest.raises(AmbiguousError, match="data and of model"):
        workspace.check.policy("ages")
    assert workspace.check.policy("ages", kind="model").judged[0].startswith("model:")
    with pytest.raises(InvalidError, match="unknown key 'nope'"):
        ruled("[tool.nbmlops.policy]\nnope = 1").check.policy("ages", kind="data")
