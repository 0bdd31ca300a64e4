"""What the lint of a notebook can find, and why it matters: one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["RULES", "Finding", "Rule", "Severity", "Spot"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: whether breaking it stops a promotion (``error``), and why it is one."""

    severity: Severity
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule; `cell` counts all cells of the notebook and `line` those of the cell, both from 1."""

    rule: str
    notebook: str
    cell: int
    line: int
    message: str
    why: str
    fix: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Spot:
    """What a rule reports: where, what, and what to do; `severity` where it is not the rule's own."""

    rule: str
    cell: int
    line: int
    message: str
    fix: str
    severity: Severity | None = None

    def finding(self, notebook: str) -> Finding:
        """Complete it from the table of rules."""
        rule = RULES[self.rule]
        severity = self.severity or rule.severity
        return Finding(self.rule, notebook, self.cell, self.line, self.message, rule.why, self.fix, severity)


RULES = {
    "syntax": Rule("error", "a cell that does not parse stops every headless run"),
    "hidden-state": Rule("error", "the name lives only in the memory of the kernel in which it was once defined"),
    "out-of-order": Rule("error", "run from top to bottom, as a pipeline does, the name does not exist yet"),
    "execution-order": Rule("error", "the stored outputs come from another order than the one on the page"),
    "execution-gap": Rule("warning", "cells ran that are not on the page any more, or ran more than once"),
    "secret": Rule("error", "a notebook is copied, versioned and shared, and its secrets with it"),
    "absolute-path": Rule("error", "the path exists on this machine only"),
    "install": Rule("error", "what it installs today is not what it will install at night"),
    "parameters": Rule("warning", "without a cell tagged parameters, a run cannot be given other values"),
    "shadowed": Rule("warning", "the cells below find the value of a parameter where they call what Python gives"),
    "unseeded": Rule("warning", "each run draws other numbers, so no run can prove another"),
    "unversioned-read": Rule("warning", "the file can change without anyone noticing, and lineage ends here"),
    "unversioned-write": Rule("warning", "the next run overwrites the file, and nobody can tell what made it"),
    "unused": Rule("warning", "who reads it looks for where it is used, and who sets it thinks that it does something"),
    "waits": Rule("error", "at night nobody answers, and the step stands still until its time is up"),
    "kernel-exit": Rule("error", "the cells below never run, and the step cannot be told from one that crashed"),
    "no-timeout": Rule("warning", "a server that does not answer holds up the step, and all that wait for it"),
    "ignore": Rule("warning", "a comment that ignores nothing, or says no reason, hides the next fault"),
    "dynamic-name": Rule("warning", "the order of the steps cannot take into account what is not known before"),
}
