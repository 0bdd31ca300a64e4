"""Run every benchmark beside this file, each in a process of its own, and print their tables.

``python benchmarks`` runs all of them, ``python benchmarks load_ext pipelines`` those two. The exit code is 0 only
if each benchmark kept the bound that it states.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def chosen(words: list[str]) -> list[Path]:
    """Give the scripts that the words name, or all of them."""
    scripts = {path.stem: path for path in sorted(HERE.glob("*.py")) if not path.name.startswith("_")}
    unknown = [word for word in words if word not in scripts]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(scripts)}")
    return [scripts[word] for word in words] if words else list(scripts.values())


def main(words: list[str]) -> int:
    """Run the chosen benchmarks and give the exit code."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    missed = []
    for script in chosen(words):
        print(f"\n== {script.stem}", flush=True)
        began = time.perf_counter()
        if subprocess.run([sys.executable, str(script)], check=False).returncode != 0:
            missed.append(script.stem)
        print(f"({time.perf_counter() - began:.1f} s)", flush=True)
    if missed:
        print(f"\nmissed their bound: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
