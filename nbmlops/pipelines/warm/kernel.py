"""A kernel that is started, and has imported, before there is a step for it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbmlops.core.errors import UnavailableError
from nbmlops.pipelines.kernel import Kernel

__all__ = ["WarmKernel"]

_SCRIPT = Path(__file__).with_name("in_kernel.py")


class WarmKernel(Kernel):
    """A kernel for one notebook that is not known yet; used once.

    It is started in the folder, and with the variables, of the notebook that it is for; the variables that only its
    step knows are handed over when it is taken.

    Parameters
    ----------
    name : str
        Name of the kernel specification.
    cwd : Path
        Folder that the kernel runs in.
    imports : sequence of str
        Statements that it executes while it starts.

    Raises
    ------
    InvalidError
        The kernel is not installed, or the folder does not exist.
    """

    def __init__(self, name: str, *, cwd: Path, imports: Sequence[str]) -> None:
        super().__init__(name, cwd=cwd, env={})
        self._imports = list(imports)
        self._own: Mapping[str, str] = {}

    def arguments(self, folder: Path) -> list[str]:
        """What the kernel's program is given: what any kernel is, and the script that imports."""
        (folder / "ahead.json").write_text(json.dumps(self._imports), encoding="utf-8")
        path = "__import__('pathlib').Path"
        script = f"exec({path}({str(_SCRIPT)!r}).read_text(encoding='utf-8'), names)"
        code = f"(lambda names: ({script}, names['prepare']({path}({str(folder)!r}))))({{}}); None"
        return [*super().arguments(folder), f"--IPKernelApp.code_to_run={code}"]

    def give(self, env: Mapping[str, str]) -> None:
        """Say which variables its step has, on top of those of this process."""
        self._own = env

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""
        process = getattr(self.manager.provisioner, "process", None)
        return process is None or process.poll() is not None

    @property
    def is_ready(self) -> bool:
        """Whether it has imported, or failed to."""
        return self.has_ended or self._verdict_path.exists()

    def is_fit(self) -> bool:
        """Whether a step can have it: it lives, its imports were silent, and their files are as they were."""
        if self.has_ended or not self._verdict_path.exists():
            return False
        verdict = json.loads(self._verdict_path.read_text(encoding="utf-8"))
        return bool(verdict["fit"]) and all(map(_is_unchanged, verdict["files"]))

    async def answer(self) -> dict[str, Any]:
        """As `Kernel.answer`, and hand over the variables of its step."""
        content = await super().answer()
        variables = json.dumps(dict(self._own))
        code = f"__import__('os').environ.update(__import__('json').loads({variables!r}))"
        # Silent, and without history: the notebook's first cell is its first, and no name is left behind.
        asked = self.client.execute(code, silent=True, store_history=False)
        while (reply := await self.client.get_shell_msg())["parent_header"].get("msg_id") != asked:
            continue
        if reply["content"]["status"] != "ok":
            raise UnavailableError(f"the kernel {self.name} does not take the variables of its step")
        return content

    @property
    def _verdict_path(self) -> Path:
        assert self.folder is not None, "the kernel has started"
        return self.folder / "verdict.json"


def _is_unchanged(known: Sequence[Any]) -> bool:
    path, changed, size = known
    try:
        found = os.stat(path)  # noqa: PTH116 - done for a thousand files while a step waits
    except OSError:
        return False
    return (found.st_mtime_ns, found.st_size) == (changed, size)
