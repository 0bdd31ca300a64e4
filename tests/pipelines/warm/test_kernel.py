"""With real kernels: a step in a warm kernel finds what it would find in a cold one."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbmlops.pipelines.execution import perform
from nbmlops.pipelines.kernel import Kernel
from nbmlops.pipelines.outcome import Execution
from nbmlops.pipelines.request import Cancellation, Limits, Request
from nbmlops.pipelines.warm.kernel import WarmKernel
from nbmlops.pipelines.warm.wanted import leading_imports

if TYPE_CHECKING:
    from nbformat import NotebookNode

pytestmark = pytest.mark.notebook

KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
IMPORTS = "import random\nimport pandas as pd\nfrom sklearn.linear_model import LinearRegression\nimport numpy as np"
# All that a notebook may find of the process that it runs in. What differs from one process to the next anyway, numbers
# of processes and names of temporary files, is taken out.
LOOK = """\
import gc, json, locale, logging, os, re, signal, sys, threading, warnings
def plain(text):
    return re.sub(r"nbmlops-\\w+|0x\\w+|\\d{3,}|Thread-\\d+", "*", str(text))
def opened():
    for entry in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            yield plain(os.readlink(f"/proc/self/fd/{entry}"))
        except OSError:
            pass
print(json.dumps({
    "environ": {key: plain(value) for key, value in sorted(os.environ.items()) if not key.startswith("JPY_")},
    "cwd": os.getcwd(),
    "path": sys.path,
    "argv": [plain(word) for word in sys.argv],
    "modules": sorted(name for name in sys.modules if not name.startswith("_")),
    "warnings": [plain(entry) for entry in warnings.filters],
    "open": sorted(opened()),
    "names": sorted(globals()),
    "hidden": sorted(get_ipython().user_ns_hidden),
    "counts": [get_ipython().execution_count, len(In), len(Out), _, __, _i],
    "callbacks": {key: len(value) for key, value in get_ipython().events.callbacks.items()},
    "signals": [plain(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    "threads": sorted(plain(thread.name) for thread in threading.enumerate()),
    "logging": [plain(handler) for handler in logging.getLogger().handlers],
    "meta": [plain(finder) for finder in sys.meta_path],
    "limits": [sys.getrecursionlimit(), locale.getlocale(), gc.get_threshold(), os.nice(0), os.umask(0o22)],
    "seeded": [random.seed(5), random.random(), np.random.seed(5), np.random.rand()][1::2],
    "hash": hash("a") if os.environ.get("PYTHONHASHSEED") else None,
}))
"""


def notebook_of(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_code_cell(source) for source in sources], metadata={"kernelspec": KERNELSPEC})


def started(kernel: Kernel) -> Kernel:
    asyncio.run(kernel.launch())
    return kernel


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Any]:
    """Starts warm kernels, and ends them."""
    made = []

    def make(*imports: str, wait: bool = True) -> WarmKernel:
        kernel = WarmKernel("python3", cwd=tmp_path, imports=imports)
        made.append(kernel)
        started(kernel)
        deadline = time.monotonic() + 60
        while wait and not kernel.is_ready and time.monotonic() < deadline:
            time.sleep(0.01)
        return kernel

    yield make
    for kernel in made:
        asyncio.run(kernel.stop(0))


def run(folder: Path, warm: WarmKernel | None, *sources: str, **options: Any) -> Execution:
    env = {"NBMLOPS_RUN": "r-1", "OWN": 'it\'s "mine"\n'}
    return perform(
        Request(
            "step.ipynb", notebook_of(*sources), folder / "step.ipynb", "python3", folder, env, warm=warm, **options
        )
    )


def said(execution: Execution) -> str:
    execution.raise_for_status()
    return str(execution.notebook.cells[-1].outputs[0].text)


def is_warm(execution: Execution) -> bool:
    return execution.notebook.metadata.get("nbmlops", {}).get("kernel") == "warm"


def test_a_notebook_sees_the_same_in_a_warm_kernel_as_in_a_cold_one(tmp_path: Path, warm: Any) -> None:
    sources = [IMPORTS, LOOK]
    cold = run(tmp_path, None, *sources)
    imports = list(leading_imports(notebook_of(*sources), [tmp_path]))
    assert len(imports) > 4, "those of both cells"
    found = run(tmp_path, warm(*imports), *sources)
    assert (is_warm(cold), is_warm(found)) == (False, True)
    seen, expected = json.loads(said(found)), json.loads(said(cold))
    assert expected["environ"]["OWN"] == 'it\'s "mine"\n'
    for what, value in expected.items():
        assert seen[what] == value, what
    assert seen == expected


def test_two_warm_kernels_draw_other_random_numbers(tmp_path: Path, warm: Any) -> None:
    draw = "import random, numpy\nprint(random.random(), numpy.random.rand(), numpy.random.default_rng().random())"
    imports = list(leading_imports(notebook_of(draw), [tmp_path]))
    assert imports == ["import random, numpy"]
    first, second = (said(run(tmp_path, warm(*imports), draw)).split() for _ in range(2))
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_a_step_is_not_given_a_kernel_whose_imports_failed_or_said_something(tmp_path: Path, warm: Any) -> None:
    for number, line in enumerate(
        ["print('hello')", "import warnings; warnings.warn('old')", "1 / 0", "import sys; sys.exit()"]
    ):
        (tmp_path / f"loud{number}.py").write_text(line)
        kernel = warm("import sys; sys.path.insert(0, '')", f"import loud{number}")
        assert kernel.is_ready
        assert not kernel.is_fit()
        execution = run(tmp_path, kernel, "print(1)")
        assert (execution.status, is_warm(execution)) == ("completed", False)


def test_a_kernel_whose_modules_were_changed_since_is_not_used(tmp_path: Path, warm: Any) -> None:
    (tmp_path / "quiet.py").write_text("x = 1")
    kernel = warm("import sys; sys.path.insert(0, '')", "import quiet")
    assert kernel.is_fit()
    (tmp_path / "quiet.py").write_text("x = 2, 3")
    execution = run(tmp_path, kernel, "import quiet\nprint(quiet.x)")
    assert (said(execution), is_warm(execution)) == ("(2, 3)\n", False)


def test_a_kernel_that_died_while_it_waited_is_not_used(tmp_path: Path, warm: Any) -> None:
    kernel = warm()
    kernel.kill()
    while not kernel.has_ended:
        time.sleep(0.01)
    execution = run(tmp_path, kernel, "print(1)")
    assert (execution.status, is_warm(execution)) == ("completed", False)


def test_an_import_that_hangs_holds_up_no_step_for_longer_than_a_kernel_may_take_to_start(
    tmp_path: Path, warm: Any
) -> None:
    kernel = warm("import time; time.sleep(600)", wait=False)
    stop = Cancellation()
    execution = run(tmp_path, kernel, "print(1)", limits=Limits(step=30.0, start=0.05), cancellation=stop)
    # The cold one has 0.05 seconds as well, from the start of the step on.
    assert execution.status == "kernel_died"
    assert execution.error is not None
    assert "did not answer" in execution.error.evalue
    stop.cancel()
    assert run(tmp_path, warm("import time; time.sleep(600)", wait=False), "1", cancellation=stop).status == "cancelled"


def test_the_limits_of_a_step_hold_in_a_warm_kernel(tmp_path: Path, warm: Any) -> None:
    slow = run(tmp_path, warm(), "import time; time.sleep(60)", limits=Limits(cell=0.3))
    assert (slow.status, is_warm(slow)) == ("timed_out", True)
    if os.path.isdir("/proc"):  # noqa: PTH112 - the system tells of memory there
        big = run(
            tmp_path, warm(), "x = b'x' * 900_000_000\nimport time; time.sleep(9)", limits=Limits(memory=500_000_000)
        )
        assert (big.status, is_warm(big)) == ("kernel_died", True)
