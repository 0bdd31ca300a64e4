"""YAML with the line that made it on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["as_yaml"]


def as_yaml(made_by: str, content: Mapping[str, Any]) -> str:
    """A document in the order of its keys, one line for each value."""
    import yaml

    body: str = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=10_000)
    return f"# Written by: {made_by}\n{body}"
