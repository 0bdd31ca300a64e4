"""What MLflow's own client makes and tells, for the tests: run by the Python that has MLflow."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def client_of(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


def make(uri: str, folder: Path) -> dict[str, Any]:
    """Runs of every status, with all that MLflow keeps of one."""
    from mlflow.entities import Metric, Param, RunTag

    client = client_of(uri)
    experiment = client.create_experiment("/Users/ann/délay model", artifact_location=(folder / "kept").as_uri())
    parent = client.create_run(experiment, start_time=1_700_000_000_123, run_name="search")
    client.set_tag(parent.info.run_id, "mlflow.note.content", "# Why\nno reason")
    client.set_terminated(parent.info.run_id, "KILLED", 1_700_000_100_456)
    run = client.create_run(experiment, 1_700_000_001_000, {"mlflow.parentRunId": parent.info.run_id}, "child é")
    run_id = run.info.run_id
    points = [Metric("loss", step / 3, 1_700_000_001_000 + step, step) for step in range(2_500)]
    points += [Metric("loss", float("nan"), 1_700_000_009_000, 9_000), Metric("loss", float("inf"), 1, -3)]
    points += [Metric("val/auc x", 0.5, 7, 0), Metric("val/auc x", 0.75, 7, 0), Metric("low", float("-inf"), 7, 0)]
    for start in range(0, len(points), 1_000):
        client.log_batch(run_id, metrics=points[start : start + 1_000])
    params = {"depth": "4", "rate": "0.1", "on": "True", "none": "None", "text": "007", "long": "v" * 6_000, "e": "1e5"}
    client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])
    client.log_batch(run_id, tags=[RunTag("owner", "ann é"), RunTag("long", "t" * 8_000)])
    (folder / "plot.txt").write_text("a plot")
    client.log_artifact(run_id, str(folder / "plot.txt"))
    client.log_artifact(run_id, str(folder / "plot.txt"), "deep/er")
    client.set_terminated(run_id, "FINISHED", 1_700_000_050_000)
    failed = client.create_run(experiment, 1_700_000_002_000)
    client.set_terminated(failed.info.run_id, "FAILED", 1_700_000_003_000)
    running = client.create_run(experiment, 1_700_000_004_000)
    client.log_metric(running.info.run_id, "auc", 0.5, 1, 0)
    return {"parent": parent.info.run_id, "run": run_id, "failed": failed.info.run_id, "running": running.info.run_id}


def finish(uri: str, run_id: str) -> None:
    """A run goes on and ends."""
    client = client_of(uri)
    client.log_metric(run_id, "auc", 0.75, 2, 1)
    client.set_terminated(run_id, "FINISHED", 1_700_000_009_000)


def tell(uri: str) -> list[dict[str, Any]]:
    """All that the client tells of all runs, by their start."""
    client = client_of(uri)
    told = []
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]):
            run_id = run.info.run_id
            told.append(
                {
                    "experiment": experiment.name,
                    "info": {key: getattr(run.info, key) for key in ("run_id", "status", "start_time", "end_time")},
                    "params": run.data.params,
                    "tags": run.data.tags,
                    "last": {key: repr(value) for key, value in run.data.metrics.items()},
                    "metrics": {
                        key: sorted(
                            (point.step, point.timestamp, repr(point.value))
                            for point in client.get_metric_history(run_id, key)
                        )
                        for key in run.data.metrics
                    },
                    "artifacts": artifacts(client, run_id),
                }
            )
    return told


def artifacts(client: Any, run_id: str, path: str | None = None) -> dict[str, str]:
    """Contents of a run's artifacts in hex, by name."""
    found = {}
    for each in client.list_artifacts(run_id, path):
        if each.is_dir:
            found |= artifacts(client, run_id, each.path)
        else:
            found[each.path] = Path(client.download_artifacts(run_id, each.path)).read_bytes().hex()
    return found


if __name__ == "__main__":
    verb, uri, answer, *rest = sys.argv[1:]
    told = {"make": lambda: make(uri, Path(rest[0])), "finish": lambda: finish(uri, rest[0]), "tell": lambda: tell(uri)}
    Path(answer).write_text(json.dumps(told[verb]()))
