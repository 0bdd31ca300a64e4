"""The shell face: runs a line of the grammar, prints the record, and says by its exit code how it went.

=====  ====================================================================
code   meaning
=====  ====================================================================
0      done, and what was found is in order
1      done, and what was found is not: damage, a failed check, a bad finding
2      not done: an error that the person can act on, told on stderr
130    interrupted
=====  ====================================================================
"""

from __future__ import annotations

import gc
import os
import select
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from nbmlops.core.errors import NbmlopsError

__all__ = ["main"]

_BROKEN_PIPE = 128 + 13


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    # What is imported stays: looking through it for garbage, now and once more at the end, takes a sixth of a short
    # command's time.
    gc.set_threshold(50_000)
    if arguments is None:
        # jsonschema, without which no notebook is read, builds a parser of IRIs where this is installed. That takes
        # half of the time of a short run, and nothing here asks for one. Others' processes keep it.
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except NbmlopsError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        if not _has_hung_up(sys.stdout.fileno()):
            raise  # somebody else's end of a connection, of which the person has to be told
        # Python would flush stdout once more at the end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _BROKEN_PIPE
    gc.freeze()
    sys.exit(code)


def _has_hung_up(descriptor: int) -> bool:
    """Whether nobody reads any more what is written there, as when ``head`` has ended."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(seen & (select.POLLERR | select.POLLHUP) for _, seen in poll.poll(0))


def _run(arguments: Sequence[str]) -> int:
    from nbmlops.commands.answer import answer
    from nbmlops.commands.bars import Bars
    from nbmlops.commands.session import Session

    if "_NBMLOPS_COMPLETE" in os.environ:
        return _complete(os.environ["_NBMLOPS_COMPLETE"])
    session = Session(meter=Bars())
    given = answer(arguments, session)
    if given.as_json:
        print(given.document())
    elif given.result is not None:
        _show(given.result, detail=given.detail)
    return 0 if session.good else 1


def _show(result: Any, *, detail: bool) -> None:
    from nbmlops.render.dispatch import text

    # Into a pipe or a file goes everything, however wide.
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print(text(result, detail=detail, columns=columns))


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete

    from nbmlops.commands.session import Session
    from nbmlops.commands.tree import tree

    return shell_complete(tree, {"obj": Session()}, "nbmlops", "_NBMLOPS_COMPLETE", instruction)


if __name__ == "__main__":
    main()
