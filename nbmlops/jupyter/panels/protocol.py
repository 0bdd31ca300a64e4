"""The one way in for every front end: a message from a panel, and the answer to it.

A message asks (``{"panel": "runs", "ask": "page", "params": {}}``), acts (``{"panel": "runs", "act": "note",
"params": {}, "dry": true}``), or follows what runs apart (``{"panel": "runs", "apart": ID, "stop": false}``). The
answer is ``{"ok": value}`` or ``{"error": {"message": …, "hint": …}}``, the latter with ``"unknown": true`` where there
is nothing of a name. An action is always a line of the grammar that the panel declares, so a panel can do nothing that
a person could not type; with ``dry`` the line is only written: as it is typed here, and as a cell has it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, nearest, spoken
from nbmlops.jupyter.panels import apart
from nbmlops.jupyter.panels.given import checked
from nbmlops.jupyter.panels.lines import in_cell, typed
from nbmlops.jupyter.panels.panel import Panel, find, names
from nbmlops.render.dispatch import html, text
from nbmlops.render.dispatch import json as to_json
from nbmlops.store import lineage
from nbmlops.store.pulse import pulse, refuse_gone

if TYPE_CHECKING:
    from nbmlops.workspace.root import Workspace

__all__ = ["answer"]

_KEYS = {"panel", "ask", "act", "apart", "params", "dry", "stop"}
_log = logging.getLogger(__name__)


def answer(open_workspace: Callable[[], Workspace], message: Any) -> dict[str, Any]:
    """Answer a message.

    Parameters
    ----------
    open_workspace : callable
        Gives the workspace, when it is needed.
    message : object
        What came from the front end, as JSON has it.

    Returns
    -------
    dict
        What JSON can hold: ``ok``, or ``error`` and, when a line was run, ``line``.
    """
    line: dict[str, str] = {}
    try:
        return {"ok": to_json(_answered(open_workspace, _understood(message), line))}
    except NbmlopsError as error:
        unknown = {"unknown": True} if isinstance(error, NotFoundError) else {}
        return {"error": {"message": error.message, "hint": error.hint, **unknown}, **line}
    except Exception as error:  # noqa: BLE001 - the front end waits, and an error that it never hears of is worse
        _log.exception("a panel asked for %s", str(message)[:200])
        hint = spoken("look at the log; `ml doctor` tells whether the store is in order")
        return {"error": {"message": f"{type(error).__name__}: {error}", "hint": hint}, **line}


def _understood(message: Any) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise InvalidError("a message is a mapping", hint='as in {"panel": "runs", "ask": "page"}')
    for key in message:
        if key not in _KEYS:
            raise InvalidError(f"a message has no {str(key)[:60]!r}", hint=f"it has {', '.join(sorted(_KEYS))}")
    kinds = [key for key in ("ask", "act", "apart") if key in message]
    if len(kinds) != 1 or not isinstance(message[kinds[0]], str):
        raise InvalidError("a message asks, acts or follows: one of the three, by a name")
    if not isinstance(message.get("panel", ""), str):
        raise InvalidError("the panel of a message is a name")
    return dict(message)


def _answered(open_workspace: Callable[[], Workspace], message: dict[str, Any], line: dict[str, str]) -> Any:
    if message.get("ask") == "panels":
        return [{"name": each.name, "title": each.title} for each in map(find, names())]
    if "apart" in message:
        return apart.stop(message["apart"]) if message.get("stop") else apart.look(message["apart"])
    panel, params = find(message.get("panel", "")), message.get("params", {})

    def present() -> Workspace:
        workspace = open_workspace()
        refuse_gone(workspace.catalog)
        return workspace

    if "act" in message:
        return _acted(present, panel, message, line)
    name = message["ask"]
    if name == "changed":
        return _token(present())
    ask = _declared(panel, panel.asks, name, "asked")
    given = checked(ask, params, f"{panel.name}: {name}", skip=1)
    # Who looks has not read: what is open beside the panel is not made from what it shows.
    with lineage.activate(replace(lineage.current(), looks=True)):
        return ask(present(), **given)


def _declared(panel: Panel, known: Mapping[str, Callable[..., Any]], name: str, verb: str) -> Callable[..., Any]:
    if name not in known:
        raise NotFoundError(
            f"{name[:60]!r} cannot be {verb} of the panel {panel.name}",
            hint=nearest(name, known) or f"what can be {verb}: {', '.join(known)}",
        )
    return known[name]


def _token(workspace: Workspace) -> str:
    # What this process has said, and what the dead left behind, is to be seen as well.
    workspace.run.reap()
    return hashlib.blake2b(pulse(workspace.catalog).encode(), digest_size=12).hexdigest()


def _acted(
    open_workspace: Callable[[], Workspace], panel: Panel, message: dict[str, Any], line: dict[str, str]
) -> dict[str, Any]:
    from nbmlops.commands.answer import answer as run
    from nbmlops.commands.session import Session

    name = message["act"]
    make = _declared(panel, panel.lines, name, "done")
    words = make(**checked(make, message.get("params", {}), f"{panel.name}: {name}"))
    line["line"] = typed(words)
    if message.get("dry"):
        return {**line, "cell": in_cell(words), "apart": name in panel.apart}
    if name in panel.apart:
        return {**line, "apart": apart.start(open_workspace().marker.root, words)}
    session = Session(open_workspace)
    given = run(words, session, "%ml")
    shown = {"text": text(given.result, detail=given.detail), "html": html(given.result, detail=given.detail)}
    return {**line, **shown, "good": session.good}
