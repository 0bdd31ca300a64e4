"""``%ml`` and ``%%ml``: the click tree in a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from nbmlops.commands.grammar import overview

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbmlops.commands.answer import Answer
    from nbmlops.jupyter.formatters import Formatters

__all__ = ["MlMagics"]


@magics_class
class MlMagics(Magics):
    """The one magic.

    Parameters
    ----------
    shell : InteractiveShell
        The shell it is registered in.
    formatters : Formatters
        Is told which result to show in full.
    """

    def __init__(self, shell: InteractiveShell, formatters: Formatters) -> None:
        super().__init__(shell)
        self._shell = shell
        self._formatters = formatters

    @needs_local_scope
    @no_var_expand
    @line_cell_magic
    def ml(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Run a line of the grammar; its text for people is made below, from the grammar."""
        __tracebackhide__ = True
        from nbmlops.commands.answer import answer
        from nbmlops.commands.session import Session
        from nbmlops.jupyter.body import Body
        from nbmlops.jupyter.line import is_assigned, split
        from nbmlops.jupyter.meter import CellMeter

        words, silent = split(line)
        body = Body(self._shell, local_ns, cell)
        session = Session(notebook=body.notebook(), meter=CellMeter())
        try:
            given = answer(words, session, "%ml")
        except BaseException as error:  # noqa: BLE001 - it is raised again
            # What a body raises is shown from the body on, not from within the machinery.
            raise error.with_traceback(body.trace if body.failed else error.__traceback__)  # noqa: B904 - the same error
        shown = self._put(given, session.source)
        return None if silent and not is_assigned(1) else shown

    def _put(self, given: Answer, source: str | None) -> Any:
        """Put the result where ``-o`` says; give what the cell is to show."""
        self._formatters.full = given.result if given.detail else None
        result = given.document() if given.as_json else given.result
        if given.output is None:
            return result
        self._shell.user_ns[given.output] = result
        from nbmlops.jupyter.line import told

        sentence = told(given.output, result, source)
        if sentence is None:
            return result
        print(sentence)  # noqa: T201 - the one line of a load
        return None


MlMagics.ml.__doc__ = f"""One sentence, three faces: the words of nbmlops in a cell.

``%ml NOUN VERB …`` returns the record, so that ``v = %ml data save flights`` works; ``-o NAME`` puts it in a
variable, ``--json`` writes it as JSON, ``--help`` after any words tells the options. ``{{expr}}`` in the value
of key={{expr}} is Python. ``%ml`` alone says where one stands.

{overview()}
"""
