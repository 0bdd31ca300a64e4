"""A DAG file for Airflow 3, with one task that calls the command."""

from __future__ import annotations

from nbmlops.pipelines.export.records import Wanted

__all__ = ["airflow"]

_AT = "{{ (dag_run.logical_date or dag_run.run_after).isoformat() }}"
# A word that shell quoting leaves alone, put in place of the template, whose braces it would quote.
_PLACE = "NBMLOPS_LOGICAL_TIME"


def airflow(wanted: Wanted) -> tuple[dict[str, str], tuple[str, ...]]:
    """The file, and what is left to do.

    A task that calls the command, not papermill's operator: the command is idempotent, stops with its task, and
    needs none of our packages where Airflow runs them.
    """
    command = wanted.line(_PLACE, wanted.program).replace("{", "{{ '{' }}").replace(_PLACE, f'"{_AT}"')
    timetable = "None"
    if wanted.cron is not None:
        timetable = f"CronTriggerTimetable({wanted.cron.text!r}, timezone={wanted.cron.zone!r})"
    imported = "from airflow.timetables.trigger import CronTriggerTimetable\n" if wanted.cron else ""
    content = f'''\
# Written by: {wanted.made_by}
"""Runs {wanted.ref}: one task, which commits once for the time that it stands for, however often it is tried."""

from datetime import datetime, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
{imported}
with DAG(
    dag_id={wanted.label!r},
    schedule={timetable},
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=["nbmlops"],
):
    BashOperator(
        task_id="run",
        bash_command={command!r},
        cwd={str(wanted.root)!r},
        append_env=True,
    )
'''
    return {f"{wanted.label.replace('-', '_')}.py": content}, ("copy it into the folder of Airflow's DAGs",)
