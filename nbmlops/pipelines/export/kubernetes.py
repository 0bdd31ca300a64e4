"""Manifests for Kubernetes: a CronJob, or a Job where nothing says when; and a CronWorkflow for Argo."""

from __future__ import annotations

from typing import Any

from nbmlops.pipelines.export.calendars import plain
from nbmlops.pipelines.export.document import as_yaml
from nbmlops.pipelines.export.records import Wanted

__all__ = ["argo", "kubernetes"]

_SHARED = "nbmlops"
_NOTE = (
    f"make the secret {_SHARED} with NBMLOPS_CATALOG and NBMLOPS_OBJECTS: a container keeps nothing; its image has "
    "nbmlops, and in its working directory the project, where `nbmlops init` was run"
)


def kubernetes(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """The file, and what is left to do."""
    pod = {"restartPolicy": "Never", "containers": [_container(wanted, wanted.due)]}
    # A second try is the same run: it takes over what the first has committed.
    job = {"backoffLimit": 2, "template": {"metadata": {"labels": _labels(wanted)}, "spec": pod}}
    manifest: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "metadata": _named(wanted), "spec": job}
    if wanted.cron is not None:
        spec = {
            "schedule": plain(wanted.cron),
            "timeZone": wanted.cron.zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3_600,
            "jobTemplate": {"spec": job},
        }
        manifest |= {"kind": "CronJob", "spec": spec}
    file = f"{wanted.label}.yaml"
    return {file: as_yaml(wanted.made_by, manifest)}, (_NOTE, f"kubectl apply -f {file}")


def argo(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """The file, and what is left to do."""
    at = "{{workflow.scheduledTime}}" if wanted.cron is not None else None
    template = {"name": "run", "container": _container(wanted, at), "retryStrategy": {"limit": 2}}
    workflow = {"entrypoint": "run", "templates": [template]}
    manifest: dict[str, Any] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": _named(wanted),
        "spec": workflow,
    }
    if wanted.cron is not None:
        spec = {
            "schedules": [plain(wanted.cron)],
            "timezone": wanted.cron.zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3_600,
            "workflowSpec": workflow,
        }
        manifest |= {"kind": "CronWorkflow", "spec": spec}
    file = f"{wanted.label}.yaml"
    return {file: as_yaml(wanted.made_by, manifest)}, (
        _NOTE,
        f"argo {'cron create' if wanted.cron else 'submit'} {file}",
    )


def _container(wanted: Wanted, at: str | None) -> dict[str, Any]:
    return {
        "name": "run",
        "image": wanted.image,
        "command": wanted.words(at),
        "envFrom": [{"secretRef": {"name": _SHARED}}],
        "securityContext": {"allowPrivilegeEscalation": False},
    }


def _labels(wanted: Wanted) -> dict[str, str]:
    return {"app.kubernetes.io/name": wanted.label, "app.kubernetes.io/managed-by": "nbmlops"}


def _named(wanted: Wanted) -> dict[str, Any]:
    return {"name": wanted.label, "labels": _labels(wanted)}
