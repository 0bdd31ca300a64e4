"""What one use of IPython syntax does to the names of a notebook."""

from __future__ import annotations

import ast
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbmlops.tracking.ipython_syntax import parse_python
from nbmlops.tracking.ml_line import MlLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nbmlops.tracking.ipython_syntax import Magic

__all__ = ["Effects", "effects"]

# Magics that may define names which no reader of the text can know.
_OPEN_LINE_MAGICS = frozenset(
    {"R", "Rpull", "edit", "load", "loadpy", "macro", "pylab", "recall", "rep", "rerun", "run", "sql", "store"}
)
_FOREIGN_BODIES = frozenset({"bash", "html", "HTML", "javascript", "js", "latex", "markdown", "perl", "pypy", "python"})
_CLOSED_CELL_MAGICS = _FOREIGN_BODIES | frozenset(
    {"!", "SVG", "capture", "file", "ml", "prun", "python2", "python3", "ruby", "script", "sh", "svg", "sx", "system"}
    | {"time", "timeit", "writefile"}
)
_TIMED_VALUED = frozenset({"-l", "-n", "-r", "-s"})


@dataclass(frozen=True, slots=True)
class Effects:
    """What a magic does to names.

    Attributes
    ----------
    code : tuple of ast.Module
        Python that runs as part of it, at the line of the magic.
    keeps : bool
        Whether what `code` defines outlives it (``%time``), or not (``%timeit``).
    uses, mentions, given, defines : tuple of str
        As the kinds of `NameEvent`.
    after : bool
        Whether `defines` holds only once the rest of the cell has run.
    opens : bool
        Whether any other name may be defined by it.
    """

    code: tuple[ast.Module, ...] = ()
    keeps: bool = True
    uses: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    after: bool = False
    opens: bool = False


def effects(magic: Magic) -> Effects:
    """Read `magic`; one that is not known is taken to leave names alone, a foreign cell may define any."""
    if magic.kind == "shell":
        return Effects(mentions=tuple(_shell_names(magic.text)))
    if magic.name == "ml":
        return _of_ml(magic)
    if magic.name in {"time", "timeit", "prun"} and magic.kind == "line":
        return Effects(code=tuple(_placed([_untimed(magic)], magic.line)), keeps=magic.name == "time")
    if magic.name == "capture" and magic.kind == "cell":
        return Effects(defines=tuple(filter(str.isidentifier, magic.text.split()[:1])), after=True)
    foreign = magic.kind == "cell" and magic.name not in _CLOSED_CELL_MAGICS
    return Effects(opens=foreign or magic.name in _OPEN_LINE_MAGICS)


def _of_ml(magic: Magic) -> Effects:
    line, cell = MlLine.parse(magic.text), magic.kind == "cell"
    return Effects(
        code=tuple(_placed((f"({_unformatted(expression)})" for expression in line.expressions), magic.line)),
        uses=line.objects,
        mentions=line.mentions,
        given=line.parameters if cell else (),
        defines=(line.output,) if line.output else (),
        after=cell,
    )


def _placed(texts: Iterable[str], line: int) -> Iterator[ast.Module]:
    for text in texts:
        if tree := _tree(text):
            yield ast.increment_lineno(tree, line - 1)


def _tree(text: str) -> ast.Module | None:
    with contextlib.suppress(SyntaxError, ValueError, MemoryError):
        return parse_python(text)
    return None


def _unformatted(expression: str) -> str:
    """Cut a format or a conversion off, as in ``{auc:.3f}`` and ``{name!r}``."""
    candidates = (expression, expression.rpartition(":")[0], expression.rpartition("!")[0])
    return next((text for text in candidates if text.strip() and _tree(f"({text})")), "")


def _untimed(magic: Magic) -> str:
    words = magic.text.split()
    if not words or not words[0].startswith("-"):
        return magic.text
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in _TIMED_VALUED else words[1:]
    return " ".join(words)


def _shell_names(text: str) -> Iterator[str]:
    # `${HOME}` is the shell's own, `{path}` and `{table.name}` are the notebook's.
    for at, character in enumerate(text):
        if character == "{" and text[at - 1 : at] != "$":
            inner = text[at + 1 : at + 200].partition("}")[0]
            if inner.replace(".", "").isidentifier():
                yield inner.partition(".")[0]
