"""What jupyter-scheduler executes jobs by, in place of its own: our engine, our ledger and our records.

jupyter-scheduler is told the name of a class, makes one object of it for each job, and sends that to a process of the
job's own::

    c.Scheduler.execution_manager_class = "nbmlops.jupyter.jobs.ExecutionManager"

A job is a run of a pipeline of one notebook, in the workspace that the server's folder belongs to. It executes in a
folder of its own there, with the files that jupyter-scheduler has staged, so that the notebook finds them and the
workspace; what it leaves there goes back to where jupyter-scheduler looks for it.
"""

from __future__ import annotations

import ast
import fcntl
import itertools
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from jupyter_scheduler.executors import DefaultExecutionManager
from jupyter_scheduler.models import Status
from jupyter_scheduler.orm import Job
from jupyter_scheduler.utils import get_utc_timestamp

from nbmlops.core.errors import InvalidError, NotFoundError, StepFailedError, StoppedError

if TYPE_CHECKING:
    from nbmlops.pipelines.step_settings import StepSettings
    from nbmlops.workspace.root import Workspace

__all__ = ["ExecutionManager"]

_ASKED = ("retries", "timeout", "cell timeout", "memory")
"""What the parameters of a job's environment may say, in the words of ``%%ml step``."""
_LONGEST = 1_024
"""Characters of its message that jupyter-scheduler has room for."""


class ExecutionManager(DefaultExecutionManager):  # type: ignore[misc] # jupyter-scheduler ships no types
    """Executes one job of jupyter-scheduler as a run of a pipeline."""

    def execute(self) -> None:
        """Execute the notebook, record it, and put what came of it where jupyter-scheduler looks for it.

        Raises
        ------
        StepFailedError
            When the notebook did not complete; the message says where and why.
        StoppedError
            When the process was told to end.
        NotFoundError
            When the server's folder is in no workspace.
        InvalidError
            When a parameter is unknown or of a wrong type, or what is asked of the run cannot be read.
        """
        signal.signal(signal.SIGTERM, _stopped)
        job, staged = self.model, Path(self.staging_paths["input"])
        settings = _settings(job.runtime_environment_parameters or {})
        with _workspace(Path(self.root_dir)) as workspace:
            self._leave_out_the_store(staged.parent / workspace.marker.state.name)
            with _place(workspace.marker.state / "scratch" / "jobs", str(job.job_id)) as place:
                shutil.copytree(staged.parent, place, dirs_exist_ok=True)
                notebook = _under_its_own_name(place / staged.name, str(job.input_filename))
                try:
                    self._run(workspace, notebook, settings)
                finally:
                    notebook.unlink(missing_ok=True)
                    shutil.copytree(place, staged.parent, dirs_exist_ok=True)
                    self.add_side_effects_files(str(staged.parent))

    def on_failure(self, e: Exception) -> None:
        """Keep with the job how it ended and why, and when; one that was told to end is stopped, not failed."""
        status = Status.STOPPED if isinstance(e, StoppedError) else Status.FAILED
        self._note(status=status, status_message=str(e)[:_LONGEST], end_time=get_utc_timestamp())

    def _leave_out_the_store(self, copied: Path) -> None:
        """Remove the copy of the workspace that comes along with a notebook that lies beside it.

        The notebook would take it for its own workspace, and so would whoever opens what comes back.
        """
        shutil.rmtree(copied, ignore_errors=True)
        files = self.model.packaged_files or ()
        self._note(packaged_files=[path for path in files if Path(path).parts[0] != copied.name])

    def _run(self, workspace: Workspace, notebook: Path, settings: StepSettings) -> None:
        from nbmlops.pipelines.request import Limits

        params = {name: _plain(text) for name, text in (self.model.parameters or {}).items()}
        limits = settings.within(Limits())
        for attempt in itertools.count(1):
            try:
                done = workspace.pipeline.run(str(notebook), params, cache=False, limits=limits)
            except KeyboardInterrupt:
                raise StoppedError("the job was told to end") from None
            except StepFailedError as error:
                if attempt > settings.retries.times:
                    self._hand_over(error.notebook)
                    raise
                time.sleep(settings.retries.pause(attempt))
            else:
                self._hand_over(done.steps[0].output_notebook)
                self._note(status_message=f"recorded as the run {done.run.name}")
                return

    def _hand_over(self, executed: str | None) -> None:
        """Write the executed notebook in the formats that the job asks for."""
        from nbmlops.pipelines.notebook import read_notebook

        if executed is not None:
            self.create_output_files(self.model, read_notebook(Path(executed)))

    def _note(self, **values: Any) -> None:
        with self.db_session() as session:
            session.query(Job).filter(Job.job_id == self.job_id).update(values)
            session.commit()


def _stopped(*_: object) -> NoReturn:
    raise StoppedError("the job was told to end")


@contextmanager
def _place(jobs: Path, name: str) -> Iterator[Path]:
    """A folder of the job's own; what jobs whose process was killed have left is cleared away with it."""
    jobs.mkdir(parents=True, exist_ok=True)
    for lock in jobs.glob("*.lock"):
        with suppress(OSError), lock.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink()
    place, lock = jobs / name, jobs / f"{name}.lock"
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            place.mkdir()
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _workspace(folder: Path) -> Workspace:
    from nbmlops.workspace.root import Workspace

    try:
        return Workspace.open(folder)
    except NotFoundError as error:
        raise NotFoundError(
            f"the server's folder {folder} is in no workspace, so that the job could not be recorded",
            hint="start JupyterLab in a workspace, or make one there with `ml init`",
        ) from error


def _settings(asked: Mapping[str, Any]) -> StepSettings:
    """What a job asks for, such as ``{"timeout": "20m", "retries": 3}``; a number of a timeout is one of seconds."""
    from nbmlops.pipelines.step_settings import parse_settings

    lines = []
    for name, value in asked.items():
        if name not in _ASKED:
            raise InvalidError(f"a job cannot ask for {name!r}", hint=f"it can for {', '.join(_ASKED)}")
        unit = "s" if "timeout" in name and str(value).isdecimal() else ""
        lines.append(f"{name}: {value}{unit}")
    return parse_settings("\n".join(lines))


def _under_its_own_name(staged: Path, name: str) -> Path:
    """The staged notebook, whose name has the time in it, under the name that runs of it have in common."""
    from nbmlops.workspace.recorder import experiment_of

    return staged.rename(staged.with_name(f"{experiment_of(name)}.ipynb"))


def _plain(text: str) -> str:
    """What a parameter says; jupyter-scheduler's own way wants texts in the quotes that Python writes."""
    try:
        read = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
    return read if isinstance(read, str) else text
