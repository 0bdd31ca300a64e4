"""Judge a table, a version of data or a version of a model by the policy of its project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from nbmlops.checks.evidence import TableEvidence
from nbmlops.checks.policy.personal import Finding, look_for_personal_data
from nbmlops.checks.records import Outcome, Status
from nbmlops.render.units import count
from nbmlops.store.graph import trace

if TYPE_CHECKING:
    from nbmlops.checks.frames import CheckedTable
    from nbmlops.checks.policy.rules import Policy
    from nbmlops.store.versions import Version, Versions

__all__ = ["NO_TRAINING", "not_looked_through", "of_data", "of_model", "of_table"]

NO_TRAINING = "no-training"
"""Tag of data from which no model may be made."""
_FAR = 10_000
"""Versions of a lineage that are looked at."""
_NO = frozenset({"", "0", "false", "no"})
_KNOWN = ("source", "query", "notebook", "script")


def of_table(table: CheckedTable, policy: Policy, name: str) -> list[Outcome]:
    """Whether a table holds personal data; `name` is that of the data in the rules."""
    if policy.personal == "allow":
        return [Outcome("personal data", None, "passed", "not looked for", 'personal = "allow"')]
    found = look_for_personal_data(table)
    outcomes = [_personal(one, policy, policy.allowed_because(name, one.column)) for one in found]
    if not outcomes:
        columns = count(len(table.names), "column")
        return [Outcome("personal data", None, "passed", f"none found in {columns}", "none", number=0)]
    return outcomes


def _personal(found: Finding, policy: Policy, allowed: str | None) -> Outcome:
    status: Status = "failed" if found.sure and policy.personal == "refuse" else "warned"
    if not found.present:
        figure, detail = found.kind, "the column is called so"
    elif found.kind == "free text":
        figure, detail = found.kind, "names may stand in it; addresses and numbers were looked for"
    else:
        share = found.values / found.present
        figure = f"{found.kind}: {count(found.values, 'value')} of {found.present:,} ({share:.2%})"
        detail = f"such as {found.example}" if found.sure else f"such as {found.example}; it may be chance"
    if allowed:
        status, detail = "passed", f"allowed: {allowed}"
    return Outcome(
        "personal data",
        found.column,
        status,
        figure,
        "none" if not allowed else "allowed",
        detail,
        rows=found.rows,
        number=found.values,
    )


def of_data(version: Version, policy: Policy, now: datetime) -> list[Outcome]:
    """What the rules ask of a version itself: its age, its licence and its origin; nothing that they do not ask."""
    found = []
    if (longest := policy.longest(version.name)) is not None:
        age = now - version.created_at
        found.append(
            Outcome(
                "retention",
                None,
                "passed" if age <= longest else "failed",
                count(age.days, "day"),
                f"at most {count(longest.days, 'day')}",
                "" if age <= longest else "delete it, or erase what it holds",
                number=age.days,
            )
        )
    if policy.licences is not None:
        licence = version.tags.get("licence") or version.tags.get("license")
        found.append(
            Outcome(
                "licence",
                None,
                "passed" if licence in policy.licences else "failed",
                licence or "none is named",
                f"one of {', '.join(policy.licences)}",
                "" if licence else "name it with the tag licence",
            )
        )
    if policy.origin:
        detail = version.detail
        known = next((str(detail[key]) for key in _KNOWN if detail.get(key)), None) or (version.run_id and "a run")
        found.append(Outcome("origin", None, "passed" if known else "failed", known or "not known", "known"))
    return found


def not_looked_through(version: Version) -> Outcome:
    """That personal data was not looked for in a file, a folder or an array."""
    kind = version.detail["format"]
    return Outcome("personal data", None, "warned", f"{kind}: not looked through", "none", "only tables are")


def of_model(version: Version, policy: Policy, versions: Mapping[str, Versions]) -> list[Outcome]:
    """What the rules ask of a model: the columns that it takes, and the data that it came from, however far."""
    columns = [each["name"] for each in version.detail["signature"]["inputs"]]
    return [_columns(version.name, columns, policy), _sources(version, versions)]


def _columns(model: str, columns: Sequence[str], policy: Policy) -> Outcome:
    denied = [(column, pattern) for column in columns if (pattern := policy.forbidding(model, column))]
    evidence = (TableEvidence.of(("column", "denied by"), denied, "columns that are denied"),) if denied else ()
    return Outcome(
        "columns",
        None,
        "failed" if denied else "passed",
        ", ".join(column for column, _ in denied) or f"none of {count(len(columns), 'column')}",
        "none that is denied",
        "" if policy.denied else "the rules deny none",
        evidence=evidence,
        number=len(denied),
    )


def _sources(version: Version, versions: Mapping[str, Versions]) -> Outcome:
    graph = versions["data"].catalog.read(lambda c: trace(c, version, "upstream", None, _FAR))
    ids = [int(node.id.partition(":")[2]) for node in graph.nodes if node.kind == "data"]
    sources = [versions["data"].get(number) for number in ids]
    tagged = [one.ref for one in sources if one.tags.get(NO_TRAINING, "").lower() not in _NO]
    detail = "" if sources else "nothing is recorded of what it was made from"
    if graph.cut:
        detail = f"what lies behind {count(graph.cut, 'version')} was not looked at"
    status: Status = "failed" if tagged else "warned" if detail else "passed"
    return Outcome(
        NO_TRAINING,
        None,
        status,
        ", ".join(tagged) or f"none of {count(len(sources), 'version')} of data",
        f"no data with the tag {NO_TRAINING}",
        detail,
        number=len(tagged),
    )
