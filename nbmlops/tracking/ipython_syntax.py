"""IPython's cell syntax written as Python, line for line, without IPython.

Whoever reads cells without a kernel (capture, scan, lint, digests) needs Python that `ast` accepts.
`to_python` writes ``%magic``, ``!shell``, ``obj?``, ``x = %magic`` and ``%%magic`` as the calls on
``get_ipython()`` that IPython itself would make, each on the line where it stood, so that a position
in the tree is a position in the cell. `read_magic` is the way back, from a call to what was written.
"""

from __future__ import annotations

import ast
import re
import threading
import warnings
from dataclasses import dataclass

from nbmlops.core.syntax import parsed

__all__ = ["Magic", "lines_of", "parse_python", "read_magic", "to_python"]

_NEWLINE = re.compile(r"\r\n|\r|\n")
# Most cells are plain Python: one search spares them the character loop.
_HINT = re.compile(r"\A(?:[ \t]*\n)*[ \t]+\S|^[ \t]*(?:[%!?,;/]|>>>|In \[)|\?[ \t]*$|=[ \t]*[%!]", re.MULTILINE)
_PROMPTS = (re.compile(r"(?:>>>|\.\.\.) ?"), re.compile(r"(?:In \[\d+\]|\s*\.{3,}): ?"))
_ASSIGN = re.compile(r"([^=]*[^=!<>:+\-*/%&|^@~\s])\s*=\s*(?=%[^\W\d]|!)")
_CALLEE = re.compile(r"[^\W\d][\w.]*")
_OPEN, _CLOSE = "([{", ")]}"
# Cell magics whose body is Python that runs in the user's namespace.
_PYTHON_BODIES = frozenset({"time", "timeit", "prun", "capture"})
_ML_PYTHON_BODIES = frozenset({"run", "feature"})
# The filters of `warnings` belong to the process; two threads must not swap them at once.
_warnings_lock = threading.Lock()
_METHODS = {"run_line_magic": "line", "run_cell_magic": "cell", "system": "shell", "getoutput": "shell"}


@dataclass(frozen=True, slots=True)
class Magic:
    """One use of IPython syntax; `kind` is ``line``, ``cell`` or ``shell`` (which has no `name`)."""

    kind: str
    name: str
    text: str
    line: int


def lines_of(source: str) -> list[str]:
    r"""Split at the newlines that Python knows: ``\n``, ``\r`` and ``\r\n``, nothing else."""
    return _NEWLINE.split(source)


def to_python(source: str) -> str:
    r"""Rewrite the IPython syntax in `source`; what is not IPython syntax is left as it is.

    Parameters
    ----------
    source : str
        The text of a code cell, of any content.

    Returns
    -------
    str
        As many lines as `source` has, joined by ``\n``.

    Examples
    --------
    >>> to_python("flights = %ml data load flights")
    "flights = get_ipython().run_line_magic('ml', 'data load flights')"
    """
    lines = lines_of(source)
    plain = "\n".join(lines)
    if not _HINT.search(plain):
        return plain
    done: list[str] = []
    while lines:
        lines = _clean(lines)
        start = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
        done += [""] * start
        lines = lines[start:]
        if not lines or not lines[0].startswith("%%") or lines[0].rstrip().endswith("?"):
            return "\n".join(done + _rewrite(lines))
        name, text = _split(lines[0][2:])
        if _has_python_body(name, text):
            # The body runs as a cell of its own, so it may begin with another cell magic.
            done.append(_call("run_cell_magic", name, text, ""))
            lines = lines[1:]
        else:
            done.append(_call("run_cell_magic", name, text, "\n".join(lines[1:])))
            done += [""] * (len(lines) - 1)
            lines = []
    return "\n".join(done)


def read_magic(call: ast.Call) -> Magic | None:
    """Give the IPython syntax that `call` stands for, or None when it is an ordinary call."""
    match call:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=method),
            args=[ast.Constant(value=str(first)), *rest],
        ) if method in _METHODS:
            kind = _METHODS[method]
            if kind == "shell":
                return Magic(kind, "", first, call.lineno)
            if rest and isinstance(rest[0], ast.Constant) and isinstance(rest[0].value, str):
                return Magic(kind, first, rest[0].value, call.lineno)
    return None


def parse_python(text: str) -> ast.Module:
    """Parse plain Python without a word about doubtful escapes: the kernel warns when it runs them.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        As `ast.parse` does, depending on the text.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parsed(text)


def _has_python_body(name: str, text: str) -> bool:
    if name == "ml":
        return _split(text)[0] in _ML_PYTHON_BODIES
    return name in _PYTHON_BODIES


def _split(text: str) -> tuple[str, str]:
    words = text.split(maxsplit=1)
    return (words[0] if words else ""), (words[1].strip() if len(words) > 1 else "")


def _clean(lines: list[str]) -> list[str]:
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    if indent:
        lines = [line.removeprefix(indent) for line in lines]
    for prompt in _PROMPTS:
        if prompt.match(first.lstrip()) and not first.lstrip().startswith("..."):
            return [prompt.sub("", line, count=1) if prompt.match(line) else line for line in lines]
    return lines


def _call(method: str, *arguments: str) -> str:
    return f"get_ipython().{method}({', '.join(map(repr, arguments))})"


def _rewrite(lines: list[str]) -> list[str]:
    lexer, done, at = _Lexer(), list[str](), 0
    while at < len(lines):
        line = lines[at]
        if not lexer.fresh:
            lexer.feed(line)
            done.append(line)
            at += 1
            continue
        body = line.lstrip()
        indent = line[: len(line) - len(body)]
        ahead = _Lexer()
        mask = ahead.feed(line)
        assigned = _ASSIGN.match(mask)
        if assigned:
            whole, used = _join(lines, at)
            done.append(f"{line[: assigned.end()]}{_escaped(whole[assigned.end() :], assigned=True)}")
        elif body[:1] and body[0] in "%!?,;/":
            whole, used = _join(lines, at)
            done.append(indent + _escaped(whole.lstrip(), assigned=False))
        elif mask.rstrip().endswith("?"):
            used = 1
            done.append(indent + _help(body))
        else:
            used, lexer = 1, ahead
            done.append(line)
        done += [""] * (used - 1)
        at += used
    return done


def _join(lines: list[str], at: int) -> tuple[str, int]:
    # A backslash at the end continues a magic on the next line, as in a shell.
    parts, used = [lines[at].rstrip()], 1
    while parts[-1].endswith("\\") and at + used < len(lines):
        parts[-1] = parts[-1][:-1]
        parts.append(lines[at + used].rstrip())
        used += 1
    return " ".join(parts), used


def _escaped(text: str, *, assigned: bool) -> str:
    mark, rest = text[0], text[1:].strip()
    if mark == "!":
        return _call("getoutput" if assigned or rest[:1] == "!" else "system", rest.removeprefix("!").strip())
    if mark == "?" or (mark == "%" and rest.endswith("?")):
        return _help(text)
    name, arguments = _split(rest)
    if mark == "%":
        return _call("run_line_magic", name, arguments)
    if not _CALLEE.fullmatch(name):
        return "pass"
    if mark == "/":
        return f"{name}({', '.join(arguments.split())})"
    return f"{name}({', '.join(map(repr, arguments.split() if mark == ',' else [arguments]))})"


def _help(text: str) -> str:
    bare = text.strip()
    return _call("run_line_magic", "pinfo2" if "??" in bare else "pinfo", bare.strip("?").strip())


class _Lexer:
    """Knows, line by line, whether a new logical line begins; strings and comments are masked."""

    __slots__ = ("continued", "depth", "quote")

    def __init__(self) -> None:
        self.depth, self.quote, self.continued = 0, "", False

    @property
    def fresh(self) -> bool:
        return not (self.depth or self.quote or self.continued)

    def feed(self, line: str) -> str:
        """Take one line; give it with every character of a string or comment blanked, same length."""
        mask, at, self.continued = list[str](), 0, False
        while at < len(line):
            if self.quote:
                used = self._string(line, at)
                mask.append("\0" * used)
                at += used
                continue
            character = line[at]
            if character == "#":
                mask.append(" " * (len(line) - at))
                return "".join(mask)
            if character in "\"'":
                self.quote = character * 3 if line.startswith(character * 3, at) else character
                mask.append("\0" * len(self.quote))
                at += len(self.quote)
                continue
            self.depth = max(0, self.depth + (character in _OPEN) - (character in _CLOSE))
            self.continued = character == "\\" and at == len(line) - 1
            mask.append(character if not self.depth or character in _OPEN else "\0")
            at += 1
        if len(self.quote) == 1 and not _ends_in_backslash(line):
            self.quote = ""
        return "".join(mask)

    def _string(self, line: str, at: int) -> int:
        """Count the characters from `at` that belong to the open string, its end included."""
        start = at
        while at < len(line):
            if line[at] == "\\":
                at += 2
            elif line.startswith(self.quote, at):
                at += len(self.quote)
                self.quote = ""
                return at - start
            else:
                at += 1
        return len(line) - start


def _ends_in_backslash(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
