"""One kernel process for one notebook: its own folder, environment, session and sockets.

Nothing here changes the process that runs it, so kernels may be started from any number of threads. They
speak over Unix sockets in a folder of their own, which cannot collide as ports do. The kernel leads its own
process group; stopping it ends the group, and a guard, which only waits for the end of a pipe that this
process holds, ends the group as well when this process dies without a word, and has the notebook say so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import IO, TYPE_CHECKING, Any

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from nbmlops.core.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

__all__ = ["Kernel"]

# Linux takes 107 bytes for the path of a Unix socket, macOS 103.
_LONGEST_SOCKET = 100
_GUARD = (
    'trap "" INT TERM HUP; read _; kill -s KILL -- "-$0"; '
    '[ -e "$1/output" ] && "$2" -P -m nbmlops.pipelines.recovery "$1" 2>/dev/null; rm -rf -- "$1"'
)


class Kernel:
    """A kernel process.

    Parameters
    ----------
    name : str
        Name of the kernel specification.
    cwd : Path
        Folder that the kernel runs in.
    env : mapping of str to str
        Variables on top of those of this process.

    Raises
    ------
    InvalidError
        The kernel is not installed, or the folder does not exist.
    """

    def __init__(self, name: str, *, cwd: Path, env: Mapping[str, str]) -> None:
        if not cwd.is_dir():
            raise InvalidError(f"the notebook cannot run in {cwd}: there is no such folder")
        specs = KernelSpecManager()
        try:
            self._python = "ipykernel_launcher" in specs.get_kernel_spec(name).argv
        except NoSuchKernel as error:
            known = ", ".join(sorted(specs.find_kernel_specs())) or "none"
            raise InvalidError(
                f"the notebook asks for the kernel {name}, which is not installed (installed: {known})",
                hint="choose another kernel in JupyterLab, or: python -m ipykernel install --user --name " + name,
            ) from error
        self.name, self._cwd = name, cwd
        self._env = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **env}
        self._guard: subprocess.Popen[bytes] | None = None
        self._group: int | None = None
        self.folder: Path | None = None
        self._client: AsyncKernelClient | None = None
        self._messages: IO[bytes] | None = None

    async def launch(self) -> None:
        """Start the process, unless it has been started.

        Raises
        ------
        UnavailableError
            It cannot be started at all.
        """
        if self.folder is not None:
            return
        self.folder = Path(tempfile.mkdtemp(prefix="nbmlops-"))
        self.manager = self._manager(self.folder)
        # What the interpreter itself says goes to a file that errors quote.
        self._messages = (self.folder / "messages").open("wb")
        try:
            await self.manager.start_kernel(
                cwd=str(self._cwd),
                env=self._env,
                extra_arguments=self.arguments(self.folder),
                stdout=subprocess.DEVNULL,
                stderr=self._messages,
            )
        except OSError as error:
            raise UnavailableError(f"the kernel {self.name} cannot be started: {error}") from error
        self._group = getattr(self.manager.provisioner, "pgid", None)
        if self._group is not None:
            self._guard = _guard(self._group, self.folder)

    def saved_as(self, output: Path) -> None:
        """Tell the guard which notebook is to say so when this process is killed."""
        assert self.folder is not None, "the kernel has started"
        (self.folder / "output").write_text(str(output), encoding="utf-8")

    def arguments(self, folder: Path) -> list[str]:  # noqa: ARG002 - a kernel that has more to be told uses it
        """What the kernel's program is given, on top of what its specification says: no history file."""
        return ["--HistoryManager.hist_file=:memory:"] if self._python else []

    def _manager(self, folder: Path) -> AsyncKernelManager:
        sockets = folder / "s"
        place: dict[str, Any] = {}
        if len(os.fsencode(sockets)) + 2 <= _LONGEST_SOCKET:
            place = {"transport": "ipc", "ip": str(sockets)}
        manager = AsyncKernelManager(kernel_name=self.name, connection_file=str(folder / "kernel.json"), **place)
        # Defaults of every socket made from here: no output is dropped however fast it comes, and a kernel
        # that has just opened its sockets is found within 10 ms instead of 100.
        manager.context.rcvhwm = 0
        manager.context.reconnect_ivl = 10
        return manager

    async def answer(self) -> dict[str, Any]:
        """Wait until the kernel answers on all its sockets, and give its ``kernel_info``."""
        self._client = client = self.manager.client(context=self.manager.context)
        client.start_channels(stdin=False, hb=False, control=False)
        client.kernel_info()
        reply: dict[str, Any] = await client.get_shell_msg()
        while True:
            # A subscription takes effect some time after it is asked for; any message shows that it has.
            try:
                await client.get_iopub_msg(timeout=0.1)
            except Empty:
                client.kernel_info()
            else:
                return reply["content"]  # type: ignore[no-any-return]

    @property
    def client(self) -> AsyncKernelClient:
        """The connected client."""
        assert self._client is not None, "the kernel has started"
        return self._client

    @property
    def pid(self) -> int | None:
        """Process id, None for a kernel on another machine."""
        return getattr(self.manager.provisioner, "pid", None)

    @property
    def group(self) -> int | None:
        """The process group that it leads, None for a kernel on another machine."""
        return self._group

    async def is_alive(self) -> bool:
        """Whether the process is still there."""
        return await self.manager.is_alive()  # type: ignore[no-any-return]

    def last_words(self) -> str:
        """Give what is known of why the process has ended."""
        code = getattr(getattr(self.manager.provisioner, "process", None), "returncode", None)
        if code is None:
            said = "the kernel has ended"
        elif code < 0:
            said = f"the kernel was killed by {signal.Signals(-code).name}"
        else:
            said = f"the kernel ended with exit code {code}"
        if code == -signal.SIGKILL:
            said += ", which is also how the system ends a process when memory runs out"
        messages = (self.folder / "messages").read_text(errors="replace") if self.folder else ""
        return ":\n".join([said, *filter(None, ["\n".join(messages.strip().splitlines()[-12:])])])

    def kill(self) -> None:
        """End the process group at once."""
        if self._group is not None:
            _signal_group(self._group, signal.SIGKILL)

    async def interrupt(self) -> None:
        """Interrupt the kernel, as Ctrl-C does, and the child processes it started."""
        if await self.is_alive():
            await self.manager.interrupt_kernel()

    async def stop(self, grace: float) -> None:
        """End the kernel and its whole process group, and free what it used.

        Parameters
        ----------
        grace : float
            Seconds that the kernel has to end by itself, running what it registered with ``atexit``;
            0 kills it at once.
        """
        if self.folder is None:
            return
        try:
            if grace > 0 and await self.is_alive():
                await self.manager.request_shutdown()
                await self._ended_within(grace)
            await self._kill()
        finally:
            await self._free(self.folder)

    async def _kill(self) -> None:
        if self._group is not None:
            _signal_group(self._group, signal.SIGKILL)
        elif await self.is_alive():
            await self.manager.signal_kernel(signal.SIGKILL)
        await self._ended_within(2.0)
        provisioner = self.manager.provisioner
        if provisioner is not None and provisioner.has_process and not await self.is_alive():
            await provisioner.wait()

    async def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while await self.is_alive():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.005)
        return True

    async def _free(self, folder: Path) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
        if self._client is not None:
            self._client.shell_channel.stop()
            self._client.iopub_channel.stop()
        await self.manager.cleanup_resources()
        if self._messages is not None:
            self._messages.close()
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = None


def _guard(group: int, folder: Path) -> subprocess.Popen[bytes]:
    # In a session of its own, or the Ctrl-C that stops this process would end the guard first.
    command = ["/bin/sh", "-c", _GUARD, str(group), str(folder), sys.executable]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # it has ended already
    except PermissionError:
        return  # macOS says so of a group whose processes have all ended
