"""What a command runs in: the face that called it, the workspace, the notebook's variables, the cell's body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from nbmlops.core.errors import InvalidError
from nbmlops.core.permissions import method_of

if TYPE_CHECKING:
    from nbmlops.commands.verb import Verb
    from nbmlops.workspace import Workspace

__all__ = ["Meter", "Notebook", "Quiet", "Session"]


class Meter(Protocol):
    """Shows that something goes on."""

    def bytes(self, label: str) -> AbstractContextManager[Callable[[int], None] | None]:
        """Count bytes while the body of a ``with`` runs."""

    def steps(self, label: str) -> AbstractContextManager[Callable[[Any], None] | None]:
        """Follow the steps of a pipeline while the body of a ``with`` runs."""


class Quiet:
    """A meter that shows nothing."""

    def bytes(self, label: str) -> AbstractContextManager[None]:  # noqa: ARG002 - a quiet meter has no label
        """Show nothing."""
        return nullcontext()

    def steps(self, label: str) -> AbstractContextManager[None]:  # noqa: ARG002 - as above
        """Show nothing."""
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a cell gives to a command.

    Attributes
    ----------
    variables : mapping
        The user's namespace.
    evaluate : callable
        Computes an expression in it.
    execute : callable
        Runs the body of a cell in it, with some more names given.
    body : str or None
        The cell below the line; None when the line stands alone.
    """

    variables: Mapping[str, Any]
    evaluate: Callable[[str], Any]
    execute: Callable[[str, Mapping[str, Any]], None]
    body: str | None = None


class Session:
    """One call of a command.

    Parameters
    ----------
    open_workspace : callable, optional
        Opens the workspace when a command first asks for it; the current one by default.
    notebook : Notebook, optional
        The cell that calls; without it the caller is a shell.
    meter : Meter, optional
        Shows progress.
    """

    def __init__(
        self,
        open_workspace: Callable[[], Workspace] | None = None,
        *,
        notebook: Notebook | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._open = open_workspace or _current
        self.notebook = notebook
        self.meter: Meter = meter or Quiet()
        self.good = True
        """Whether what the command found is in order; a shell's exit code is 1 when not."""
        self.source: str | None = None
        """The version that was loaded."""

    @property
    def face(self) -> Literal["cell", "shell"]:
        """Who calls."""
        return "cell" if self.notebook else "shell"

    @property
    def workspace(self) -> Workspace:
        """The workspace."""
        return self._open()

    def permit(self, verb: Verb) -> None:
        """Refuse a verb that the policy of the workspace does not allow; where there is none, nothing is refused.

        Raises
        ------
        RefusedError
            When it is not allowed.
        """
        from nbmlops.workspace.guarding import refuse

        if verb.needs != "anyone":
            refuse(self._open, verb.noun, method_of(verb.noun, verb.name))

    def judged(self, record: Any, *, good: bool) -> Any:
        """Give `record`, and remember whether what it says is good."""
        self.good = good
        return record

    def evaluate(self, expression: str) -> Any:
        """Compute the Python between the braces of ``key={…}``; in a shell there are no variables.

        Raises
        ------
        InvalidError
            When the expression fails, or in a shell.
        """
        if self.notebook is None:
            message = f"{{{expression}}} needs a notebook's variables"
            raise InvalidError(message, hint="in a shell, write the value itself")
        return self.notebook.evaluate(expression)


def _current() -> Workspace:
    from nbmlops.workspace.current import workspace

    return workspace()
