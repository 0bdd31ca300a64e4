"""Speaks to a panel as a front end does."""

from __future__ import annotations

import json
from typing import Any

from nbmlops.jupyter.panels.protocol import answer
from nbmlops.workspace.current import workspace

__all__ = ["act", "ask", "line", "refused"]


def _said(message: dict[str, Any]) -> dict[str, Any]:
    """The answer, as it is after its way over a wire."""
    given: dict[str, Any] = json.loads(json.dumps(answer(workspace, message), allow_nan=False))
    return given


def ask(panel: str, name: str, /, **params: Any) -> Any:
    """What a panel is told."""
    given = _said({"panel": panel, "ask": name, "params": params})
    assert "error" not in given, given
    return given["ok"]


def act(panel: str, name: str, /, **params: Any) -> Any:
    """What an action gives, which must go well; the line that was shown before is the one that is run."""
    shown = line(panel, name, **params)
    given = _said({"panel": panel, "act": name, "params": params})
    assert "error" not in given, given
    assert given["ok"]["line"] == shown
    return given["ok"]


def line(panel: str, name: str, /, **params: Any) -> str:
    """The line that an action is equal to."""
    given = _said({"panel": panel, "act": name, "params": params, "dry": True})
    assert "error" not in given, given
    return str(given["ok"]["line"])


def refused(panel: str, name: str, /, *, asks: bool = False, **params: Any) -> dict[str, Any]:
    """Message and hint of what cannot be done, or told."""
    given = _said({"panel": panel, "ask" if asks else "act": name, "params": params})
    assert "ok" not in given, given
    error: dict[str, Any] = given["error"]
    return error
