"""Panels in a browser without Jupyter: the real JS, and real answers of Python behind a transport of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

from nbmlops.jupyter.panels import bundle
from nbmlops.jupyter.panels.protocol import answer
from nbmlops.workspace.current import workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = ["DARK", "ORIGIN", "PAYLOADS", "faults", "mounted"]

ORIGIN = "http://localhost"
"""Chromium calls it secure, as it does JupyterLab's own: so there is a clipboard."""
DARK = {
    "--jp-ui-font-color1": "rgba(255, 255, 255, 0.87)",
    "--jp-ui-font-color2": "rgba(255, 255, 255, 0.6)",
    "--jp-layout-color1": "#111111",
    "--jp-layout-color2": "#303030",
    "--jp-border-color2": "#616161",
    "--jp-border-color3": "#424242",
    "--jp-brand-color0": "#1976d2",
    "--jp-brand-color1": "#2196f3",
    "--jp-success-color0": "#81c784",
    "--jp-warn-color0": "#ffb74d",
    "--jp-error-color0": "#ef9a9a",
}
"""Some variables of JupyterLab's dark theme."""
PAYLOADS = (
    "<script>executed++</script>",
    "<img src=x onerror=executed++>",
    "<svg onload=executed++>",
    "<svg><script>executed++</script></svg>",
    "<iframe srcdoc='<script>parent.executed++</script>'></iframe>",
    "<details open ontoggle=executed++>",
    "<body onload=executed++>",
    "<input autofocus onfocus=executed++>",
    "<a href=javascript:executed++>x</a>",
    "<math><mtext></p><img src=x onerror=executed++></mtext></math>",
    "<template><script>executed++</script></template>",
    "<style>@import 'javascript:executed++';</style>",
    "<object data=javascript:executed++>",
    "<embed src=javascript:executed++>",
    "<form><button formaction=javascript:executed++>x</button></form>",
    "<video><source onerror=executed++></video>",
    "<marquee onstart=executed++>",
    "<!--><script>executed++</script>-->",
    "</script><script>executed++</script>",
    '"><script>executed++</script>',
    "' onmouseover='executed++' x='",
    "javascript:executed++",
    "${executed++}",
    "{{constructor.constructor('executed++')()}}",
    "</textarea><script>executed++</script>",
    "</title><script>executed++</script>",
    "<x onclick=executed++ style=position:fixed;inset:0>",
    "&lt;script&gt;executed++&lt;/script&gt;",
    "\u202e<img src=x onerror=executed++>",
    "<" + "b" * 4_900 + " onclick=executed++>",
)
"""Texts that would run, set as markup anywhere."""
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>panel</title>
<link rel="stylesheet" href="/panel.css"><style>body { margin: 12px; background: var(--jp-layout-color1, #fff) }</style>
</head><body><main id="host"></main><script type="module">
import * as module from "/panel.js";
const { mount } = module;
window.executed = 0;
window.sent = [];
window.inserted = [];
const transport = { kind: "test", request(message) { window.sent.push(message); return window.answerOf(message); } };
window.unmount = mount(document.getElementById("host"), transport, OPTIONS);
window.mount = mount;
window.anywidget = module.default;
</script></body></html>"""


@contextmanager
def mounted(
    browser: Browser,
    panel: str | None,
    *,
    width: int = 1100,
    height: int = 720,
    variables: dict[str, str] | None = None,
    through: Callable[[Any], Any] | None = None,
) -> Iterator[Page]:
    """A page with a panel, or with tabs of all; what the console says against it fails the test.

    Parameters
    ----------
    browser : Browser
        Chromium.
    panel : str or None
        Its name.
    width, height : int
        Of the window, in pixels.
    variables : dict, optional
        CSS variables, such as `DARK`.
    through : callable, optional
        Answers instead of Python: given a message.
    """
    page = browser.new_page(viewport={"width": width, "height": height})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.expose_function("answerOf", through or (lambda message: answer(workspace, message)))
    files = {
        "/": ("text/html", _PAGE.replace("OPTIONS", json.dumps({"panel": panel}))),
        "/panel.js": ("text/javascript", bundle.script()),
        "/panel.css": ("text/css", f"{bundle.style()}\n:root {{ {_declared(variables or {})} }}"),
    }

    def serve(route: Route) -> None:
        kind, body = files.get(route.request.url.removeprefix(ORIGIN), ("text/plain", ""))
        route.fulfill(content_type=kind, body=body)

    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    try:
        yield page
    finally:
        page.close()
    assert not wrong, "\n".join(wrong)


def faults(page: Page) -> list[str]:
    """What axe finds on a page that is serious for people who cannot see it, or have no mouse."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    grave = [each for each in found if each["impact"] in {"serious", "critical"}]
    return [f"{each['id']}: {node['html'][:160]}" for each in grave for node in each["nodes"]]


def _declared(variables: dict[str, str]) -> str:
    return " ".join(f"{name}: {value};" for name, value in variables.items())
