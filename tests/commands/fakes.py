"""A workspace that does nothing but write down what it is asked, and a notebook without IPython."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from nbmlops.commands.session import Notebook, Session

__all__ = ["Asked", "in_a_cell", "in_a_shell"]


class Asked:
    """Stands for the workspace and everything below it; `calls` has each call as path, arguments and keywords."""

    def __init__(self, path: str = "", calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] | None = None) -> None:
        self._path = path
        self.calls = [] if calls is None else calls

    def __getattr__(self, name: str) -> Asked:
        if name.startswith("__"):
            raise AttributeError(name)
        return Asked(f"{self._path}.{name}".lstrip("."), self.calls)

    def __call__(self, *arguments: Any, **keywords: Any) -> Asked:
        keywords.pop("progress", None)
        self.calls.append((self._path, arguments, keywords))
        return Asked(f"{self._path}()", self.calls)

    def __iter__(self) -> Any:
        return iter(())

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append((f"{self._path}.__exit__", (), {}))


def in_a_shell(workspace: Any = None) -> Session:
    return Session(lambda: workspace)


def in_a_cell(workspace: Any = None, variables: Mapping[str, Any] | None = None, body: str | None = None) -> Session:
    names = dict(variables or {})
    executed: list[Any] = []
    notebook = Notebook(
        names,
        evaluate=lambda text: eval(text, {}, names),
        execute=lambda source, given: executed.append((source, dict(given))),
        body=body,
    )
    session = Session(lambda: workspace, notebook=notebook)
    session.executed = executed  # type: ignore[attr-defined]
    return session
