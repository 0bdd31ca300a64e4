"""The files that a browser loads, by the name that a server has for them.

They come from the installed package at each request for one, so what runs in the browser is always of the version
that answers it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["NAMES", "Served", "served"]

SCRIPT, STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"


class Served(NamedTuple):
    """A file as it is sent.

    Attributes
    ----------
    body : bytes
        What is in it.
    content_type : str
        What it is.
    digest : str
        Of what is in it: a browser that has the same is told so, and nothing is sent.
    """

    body: bytes
    content_type: str
    digest: str


def _own(name: str) -> Callable[[], str]:
    return lambda: files("nbmlops.jupyter.server").joinpath("web", name).read_text(encoding="utf-8")


def _panel_script() -> str:
    from nbmlops.jupyter.panels.bundle import script

    return script()


def _panel_style() -> str:
    from nbmlops.jupyter.panels.bundle import style

    return style()


NAMES = MappingProxyType(
    {
        "panel.js": (_panel_script, SCRIPT),
        "panel.css": (_panel_style, STYLE),
        "rest.js": (_own("rest.js"), SCRIPT),
        "sidebar.js": (_own("sidebar.js"), SCRIPT),
        "sidebar.css": (_own("sidebar.css"), STYLE),
        "page.js": (_own("page.js"), SCRIPT),
        "page.css": (_own("page.css"), STYLE),
    }
)
"""What there is: where each comes from, and what it is."""


def served(name: str) -> Served:
    """The file `name` of `NAMES`."""
    make, content_type = NAMES[name]
    body = make().encode()
    return Served(body, content_type, hashlib.sha256(body).hexdigest()[:16])
