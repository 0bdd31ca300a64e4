"""Shows records in cells; registered by the names of their types, so that none of them is imported for it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["SHOWN", "Formatters"]

SHOWN = {
    "nbmlops.checks.changes": ("SuiteChanges",),
    "nbmlops.checks.records": ("Report",),
    "nbmlops.checks.report_diff": ("ReportDiff",),
    "nbmlops.checks.suite": ("Suite",),
    "nbmlops.data.diff_records": ("DataDiff",),
    "nbmlops.data.erasure_records": ("Erasure",),
    "nbmlops.data.records": ("DataVersion",),
    "nbmlops.demo.story": ("DemoResult",),
    "nbmlops.features.feast.records": ("FeastExport",),
    "nbmlops.features.online.records": ("OnlineRows",),
    "nbmlops.features.records": ("FeatureDiff", "FeatureVersion"),
    "nbmlops.models.card": ("ModelCard",),
    "nbmlops.models.diff_records": ("ModelDiff",),
    "nbmlops.models.exporting": ("Bundle",),
    "nbmlops.models.records": ("ModelVersion", "Promotion"),
    "nbmlops.monitoring.alerts.records": ("Alert", "Digest"),
    "nbmlops.monitoring.dossier.records": ("Dossier",),
    "nbmlops.monitoring.records": ("Monitor",),
    "nbmlops.monitoring.score.records": ("ScoreSheet",),
    "nbmlops.monitoring.simulation.records": ("Simulation",),
    "nbmlops.monitoring.story.records": ("Story",),
    "nbmlops.pipelines.badge": ("Badge",),
    "nbmlops.pipelines.ci.workflow": ("Workflow",),
    "nbmlops.pipelines.explaining": ("Explanation",),
    "nbmlops.pipelines.export.records": ("Export",),
    "nbmlops.pipelines.linting.finding": ("Finding",),
    "nbmlops.pipelines.linting.fixing": ("Fixes",),
    "nbmlops.pipelines.graph": ("Graph",),
    "nbmlops.pipelines.packaging.records": ("Package",),
    "nbmlops.pipelines.records": ("Pipeline", "PipelineRun", "PipelineVersion"),
    "nbmlops.pipelines.reproduction": ("Reproduction",),
    "nbmlops.pipelines.step_settings": ("StepSettings",),
    "nbmlops.pipelines.schedules.records": (
        *("Backfill", "BackfillTime", "Fire", "Remark", "Schedule", "Upcoming", "Vigil"),
    ),
    "nbmlops.profiling.records": ("Profile",),
    "nbmlops.render.listing": ("Listing",),
    "nbmlops.serving.batch.records": ("Scores",),
    "nbmlops.serving.capture.forgetting": ("Forgotten",),
    "nbmlops.serving.capture.labels": ("LabelIntake",),
    "nbmlops.serving.deployments.replay": ("Replay",),
    "nbmlops.serving.deployments.trial": ("Trial",),
    "nbmlops.serving.endpoint.records": ("Endpoint",),
    "nbmlops.serving.records": ("Deployment", "DeploymentChange"),
    "nbmlops.store.access.records": ("Glass", "Grant", "Standing"),
    "nbmlops.store.asks": ("Ask",),
    "nbmlops.store.audit": ("Event",),
    "nbmlops.store.audit_export": ("TrailExport",),
    "nbmlops.store.audit_verdict": ("Trail",),
    "nbmlops.store.graph": ("LineageGraph",),
    "nbmlops.store.certificates": ("Certificate",),
    "nbmlops.store.holds": ("Hold",),
    "nbmlops.store.retaining": ("Retained",),
    "nbmlops.store.records": (
        *("Backup", "CatalogExport", "Collected", "Pull", "Push", "Repair", "Stats", "Verification"),
    ),
    "nbmlops.tracking.active": ("ActiveRun",),
    "nbmlops.tracking.autologging": ("Autolog",),
    "nbmlops.tracking.comparison": ("Comparison",),
    "nbmlops.tracking.interchange.records": ("Exported", "Imported"),
    "nbmlops.tracking.records": ("Run",),
    "nbmlops.workspace.doctor": ("Diagnosis",),
    "nbmlops.workspace.project.records": ("Project",),
    "nbmlops.workspace.remotes": ("RemoteName",),
    "nbmlops.workspace.root": ("Workspace",),
    "nbmlops.workspace.search.records": ("Found",),
    "nbmlops.workspace.status": ("Status",),
}
"""Module -> types that have a look."""
_WIDE = 120
_LINES, _BYTES, _LONGEST = 2_000, 90_000, 20_000
"""Lines of text that a cell shows, and their bytes, and the characters of one; a notebook keeps them."""


class Formatters:
    """The formatters of one shell; `full` is the record that is to be shown with all that is known of it."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.full: Any = None

    def add(self) -> None:
        """Register text, HTML and Markdown for every type that has a look."""
        formatters = self._formatters
        for module, names in SHOWN.items():
            for name in names:
                formatters["text/plain"].for_type_by_name(module, name, self._text)
                formatters["text/html"].for_type_by_name(module, name, self._html)
                formatters["text/markdown"].for_type_by_name(module, name, self._markdown)

    def remove(self) -> None:
        """Take them back."""
        formatters = self._formatters
        for module, names in SHOWN.items():
            for name in names:
                for kind in ("text/plain", "text/html", "text/markdown"):
                    formatters[kind].pop(f"{module}.{name}", None)

    @property
    def _formatters(self) -> Any:
        display: Any = self._shell.display_formatter
        return display.formatters

    def _text(self, record: Any, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's own signature
        from nbmlops.render.dispatch import text

        columns = shutil.get_terminal_size((_WIDE, 24)).columns
        rows = _bounded(text(record, detail=record is self.full, columns=columns).split("\n"))
        for place, row in enumerate(rows):
            if place:
                printer.break_()
            printer.text(row)

    def _html(self, record: Any) -> str:
        from nbmlops.render.dispatch import html

        return html(record, detail=record is self.full)

    def _markdown(self, record: Any) -> str:
        from nbmlops.render.dispatch import markdown

        return markdown(record, detail=record is self.full)


def _bounded(rows: list[str]) -> list[str]:
    """The first rows, as many as a notebook is to keep, and how many are left out."""
    from nbmlops.render.width import clip

    kept, left = list[str](), _BYTES
    for row in rows[:_LINES]:
        shown = clip(row, _LONGEST)
        left -= len(shown.encode()) + 1
        if left < 0:
            break
        kept.append(shown)
    if len(kept) < len(rows):
        kept.append(f"… {len(rows) - len(kept):,} more lines: -o NAME puts all of it in a variable")
    return kept
