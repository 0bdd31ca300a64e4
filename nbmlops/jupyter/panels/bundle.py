"""The panels' JS as one ES module, and their CSS as one sheet: joined here, so that there is nothing to build.

Files of the frame share one scope; those of a panel (``runs.js``, and more of it as ``runs-….js``) have one of their
own, so that two panels may use the same names.
anywidget takes the module's default export; the sidebar and the page of its own take `mount`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from nbmlops.jupyter.panels.panel import names

__all__ = ["digest", "script", "style"]

WEB = Path(__file__).parent / "web"
_FRAME = ("elements", "turns", "tabs", "chart", "table", "versions", "versions-view", "actions", "frame", "cell")
_EXPORTS = "export { mount, panels };\nexport default { render };\n"


@cache
def script() -> str:
    """The module; it exports ``mount(element, transport, options)``, and ``render`` as anywidget has it."""
    shared = [_read(f"{name}.js") for name in _FRAME]
    own = [f"{{\n{text}}}\n" for name in names() if (text := _all_of(name))]
    return "\n".join([*shared, *own, _EXPORTS])


@cache
def style() -> str:
    """The sheet; colours are JupyterLab's variables, with others where there are none."""
    own = [f"{name}.css" for name in names() if (WEB / f"{name}.css").exists()]
    return "\n".join(map(_read, ("frame.css", "versions.css", *own)))


@cache
def digest() -> str:
    """Another one when the module or the sheet is another: by it a browser may keep them."""
    return hashlib.blake2b(f"{script()}\0{style()}".encode(), digest_size=8).hexdigest()


def _all_of(panel: str) -> str:
    more = sorted(path.name for path in WEB.glob(f"{panel}-*.js"))
    return "".join(_read(name) for name in (f"{panel}.js", *more) if (WEB / name).exists())


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")
