"""Builds the documentation into ``build/docs``: ``python docs/site/build.py``.

Nothing is fetched: pages, scripts and the index of the search all lie in the folder afterwards. A warning is an error.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from gather import gather
from sphinx.cmd.build import build_main
from tutorials import executed

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def main() -> int:
    """Gather the pages, then let Sphinx make the site of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--into", type=Path, default=BUILD / "docs", help="folder of the site")
    parser.add_argument("--notebooks", type=Path, help="folder of tutorials that were executed")
    asked = parser.parse_args()
    shown = asked.notebooks or executed(ROOT / "notebooks", BUILD / "notebooks")
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        gather(ROOT, shown, source)
        strict = ["-W", "--keep-going", "-q", "-j", "auto"]
        into = [str(source), str(asked.into)]
        return build_main(["-b", "html", "-c", str(Path(__file__).parent), "-d", f"{folder}/doctrees", *strict, *into])


if __name__ == "__main__":
    raise SystemExit(main())
