"""A report as JUnit XML, the form in which CI systems take the results of tests.

There is no one standard; what is written is what Jenkins' ``junit-10.xsd`` (xunit plugin), GitLab and GitHub's actions
agree on: one ``testsuite`` in ``testsuites``, ``properties`` first, a ``testcase`` for each check with at most one of
``failure`` and ``error``, then ``system-out``. A warning passes, and says so in ``system-out``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from nbmlops.checks.records import Outcome, Report

__all__ = ["junit_xml"]

_TAGS = {"failed": "failure", "errored": "error"}


def junit_xml(report: Report) -> bytes:
    """Write a report as a JUnit document in UTF-8.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from nbmlops.checks.records import Outcome, Report
    >>> outcome = Outcome("between", "a", "failed", "1 of 9 outside", "0 to 5")
    >>> report = Report(7, "t", "data", "t@v1", (outcome,), datetime(2026, 7, 1, tzinfo=UTC))
    >>> junit_xml(report).decode().splitlines()[1]
    '<testsuites name="t" tests="1" failures="1" errors="0" time="0">'
    """
    counts = report.counts
    totals = {
        "name": _allowed(report.suite or report.subject),
        "tests": str(len(report.outcomes)),
        "failures": str(counts["failed"]),
        "errors": str(counts["errored"]),
        "time": "0",
    }
    root = ET.Element("testsuites", totals)
    at = report.created_at.replace(tzinfo=None).isoformat(timespec="seconds")
    suite = ET.SubElement(root, "testsuite", {**totals, "skipped": "0", "timestamp": at, "hostname": "nbmlops"})
    properties = ET.SubElement(suite, "properties")
    facts = {"subject": report.subject, "section": report.section, "run": report.run_id, "report": report.id}
    for name, value in facts.items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": name, "value": _allowed(str(value))})
    for outcome in report.outcomes:
        _case(suite, report, outcome)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ET.Element, report: Report, outcome: Outcome) -> None:
    where = {"classname": _allowed(f"{report.section}.{report.subject}"), "name": _named(outcome), "time": "0"}
    case = ET.SubElement(suite, "testcase", where)
    said = _allowed(str(outcome))
    whose = [f"reason: {outcome.reason}" if outcome.reason else "", f"owner: {outcome.owner}" if outcome.owner else ""]
    more = [outcome.detail, *whose, f"rows {', '.join(map(str, outcome.rows))}" if outcome.rows else ""]
    detail = "\n".join([said, *(_allowed(each) for each in more if each)])
    if tag := _TAGS.get(outcome.status):
        ET.SubElement(case, tag, {"message": said, "type": _allowed(outcome.check)}).text = detail
    elif outcome.status == "warned":
        ET.SubElement(case, "system-out").text = f"warned: {detail}"


def _named(outcome: Outcome) -> str:
    return _allowed(f"{outcome.label} {outcome.bound}".strip())


def _allowed(text: str) -> str:
    """Text of characters that XML 1.0 allows (section 2.2); a mark stands for each other one."""
    return "".join(character if _is_allowed(ord(character)) else "\ufffd" for character in text)


def _is_allowed(code: int) -> bool:
    # Written so that it is quick for what is usual; U+FFFE and U+FFFF are no characters.
    return 0x20 <= code < 0xD800 or code in (0x9, 0xA, 0xD) or 0xE000 <= code < 0xFFFE or code >= 0x10000
