"""What a warm kernel executes while it starts: it imports what its notebook will import first.

The kernel reads this file as text and executes it in a namespace of its own, so that nothing but the imports themselves
is left behind: no module of nbmlops, and no name that the notebook could see. It needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["prepare"]


def prepare(folder: Path) -> None:
    """Execute the statements of ``ahead.json`` and write ``verdict.json``, both in the kernel's own folder.

    The verdict holds ``files``, of each module that was imported ``[path, nanoseconds of its last change, bytes]``, and
    ``fit``: false where a statement failed, printed or warned, which the notebook itself has to say in its cell.
    """
    # The notebook sees the arguments that any other kernel has.
    sys.argv[:] = [word for word in sys.argv if not word.startswith("--IPKernelApp.code_to_run=")]
    statements = json.loads((folder / "ahead.json").read_text(encoding="utf-8"))
    before, said, fit = set(sys.modules), io.StringIO(), True
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            for statement in statements:
                exec(statement, {"__name__": "__main__"})  # noqa: S102 - as the notebook would
    except BaseException:  # noqa: BLE001 - whatever it is, the notebook's own import will raise it where it is seen
        fit = False
    files = list(_files(module for name, module in list(sys.modules.items()) if name not in before))
    new = folder / "verdict.json.new"
    new.write_text(json.dumps({"fit": fit and not said.getvalue(), "files": files}), encoding="utf-8")
    new.rename(folder / "verdict.json")


def _files(modules: Iterable[Any]) -> Iterator[list[Any]]:
    for module in modules:
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            with contextlib.suppress(OSError):
                found = Path(path).stat()
                yield [path, found.st_mtime_ns, found.st_size]
