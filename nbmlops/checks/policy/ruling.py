"""The verb ``policy``: data and models are judged by the rules of their project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbmlops.checks.judging import Judging
from nbmlops.checks.policy.rules import Policy
from nbmlops.checks.records import Outcome, Report

__all__ = ["Ruling"]


class Ruling(Judging):
    """What judges by rules."""

    _rules: Mapping[str, Any]

    def policy(self, value: Any, *, kind: str | None = None, strict: bool = False, name: str | None = None) -> Report:
        """Judge data or a model by the rules of the project, and keep the report.

        Of a table it is looked for personal data, whose values are never shown in full; of a version of data its age,
        licence and origin are judged as well, of a model the columns that it takes and the data that it came from. The
        rules stand in ``[tool.nbmlops.policy]`` of ``pyproject.toml``; see `nbmlops.checks.policy.rules`.

        Parameters
        ----------
        value : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame
            A reference of data or of a model, a file, or a table.
        kind : {"data", "model"}, optional
            Of what kind the reference is, where both have the name.
        strict : bool
            Raise when a rule is broken; the report is kept all the same.
        name : str, optional
            What the report calls a table that has no reference.

        Raises
        ------
        RefusedError
            When `strict` and the report did not pass.
        InvalidError
            When the rules cannot be read, or the value is no table.
        NotFoundError
            When there is no such version or file.
        """
        subject, judged, outcomes = self._by_rules(value, Policy.parse(self._rules), kind, name)
        return self._judged("data", "policy", subject, outcomes, judged, strict=strict)

    def _by_rules(
        self, value: Any, policy: Policy, kind: str | None, name: str | None
    ) -> tuple[str, tuple[str, ...], Sequence[Outcome]]:
        """What a report calls a value, the version that it is, and what the rules say of it."""
        from nbmlops.checks.policy import judging
        from nbmlops.store.graph import found
        from nbmlops.store.versions import Versions

        if not self._is_ref(value):
            table, subject, _ = self._table(value, name)
            return subject, (), judging.of_table(table, policy, subject)
        versions = {each: Versions(self._catalog, self._clock, each) for each in ("data", "model")}
        version = found(versions, value, kind)
        judged = (f"{version.kind}:{version.id}",)
        if version.kind == "model":
            return version.ref, judged, judging.of_model(version, policy, versions)
        if version.detail.get("rows") is None:
            outcomes = [judging.not_looked_through(version)]
        else:
            outcomes = judging.of_table(self._table(version.ref)[0], policy, version.name)
        return version.ref, judged, outcomes + judging.of_data(version, policy, self._clock.now())
