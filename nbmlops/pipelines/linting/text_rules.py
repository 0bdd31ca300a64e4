"""Rules about what is written in a notebook: secrets, and paths of one machine."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nbmlops.pipelines.linting.finding import Severity, Spot
from nbmlops.tracking.ipython_syntax import lines_of, read_magic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nbmlops.pipelines.cells import CodeCell

__all__ = ["no_machine_paths", "no_secrets", "no_secrets_in_text", "path_literals"]

# Shapes that their issuers document for keys, so that secret scanners can find them.
_SHAPES = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"\bAIza[0-9A-Za-z_-]{35}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{30,}",
    "an API key": r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}",
    "a Stripe key": r"\b[rs]k_live_[0-9A-Za-z]{16,}",
    "a PyPI token": r"\bpypi-[A-Za-z0-9_-]{30,}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a signed web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"{}$<>]{1,80}:[^\s:/@'\"{}$<>]{3,80}@[\w.-]",
}
_SHAPE = re.compile("|".join(f"(?P<shape{i}>{pattern})" for i, pattern in enumerate(_SHAPES.values())))
# `db_password` and `apiKey` hold secrets; `token_pattern` and `primary_key` do not.
_PASSWORD = re.compile(r"(?:^|_)(?:password|passwd|passphrase|pwd|secret)\d*$")
_TOKEN = re.compile(r"(?:^|_)(?:token|credentials?|(?:api|access|secret|private|auth|account)_?key)\d*$")
_PLACEHOLDER = re.compile(
    r"(?i)secret:|<|\$|\{|%|your|my[-_]|example|placeholder|todo|change|dummy|fake|test|(.)\1*$|\*"
)
_MACHINE_ROOTS = "home|Users|root|tmp|var|mnt|media|opt|srv|Volumes|content|kaggle|dbfs|scratch|private"
_MACHINE_PATH = re.compile(rf"(?:file://)?/(?:{_MACHINE_ROOTS})/|~\w*/|[A-Za-z]:[\\/](?![\\/])\S|\\\\\w+\\\w")
_ANY_PATH = re.compile(r"/[\w.-]+(?:/|$|\.\w)")
_NO_FILE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_OPENS_PATH = re.compile(
    r"(?:read_\w+|to_\w+|open|load\w*|save\w*|dump|Path|chdir|listdir|glob|exists|makedirs|savez?)$"
)


def no_secrets(cells: Sequence[CodeCell]) -> Iterator[Spot]:
    """Find keys by their shape, and long literals given to names such as ``password``; values are not repeated."""
    for cell in cells:
        told = set[int]()
        for spot in (*no_secrets_in_text(cell.number, cell.source), *_secret_literals(cell)):
            if spot.line not in told:
                told.add(spot.line)
                yield spot


def no_secrets_in_text(number: int, text: str) -> Iterator[Spot]:
    """Find keys by their shape in the text of any cell."""
    for line, content in enumerate(lines_of(text), start=1):
        if found := _SHAPE.search(content):
            kind = list(_SHAPES)[int((found.lastgroup or "shape0").removeprefix("shape"))]
            yield _secret(number, line, f"{kind} is written here")


def _secret(cell: int, line: int, message: str) -> Spot:
    fix = 'take it out, read it with os.environ["NAME"], and revoke the one that was written'
    return Spot("secret", cell, line, message, fix)


def _secret_literals(cell: CodeCell) -> Iterator[Spot]:
    for node in ast.walk(cell.tree):
        for name, value in _given(node):
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and _is_secret(name, value.value):
                yield _secret(
                    cell.number, value.lineno, f"`{name}` is given a literal of {len(value.value)} characters"
                )


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield what a node gives a name: by assignment, keyword, default, item or dictionary."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield _target_name(target), value
        case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
            yield _target_name(target), value
        case ast.keyword(arg=str(name), value=value):
            yield name, value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant):
                    yield str(key.value), value
        case ast.arguments():
            given = [*node.posonlyargs, *node.args]
            for argument, value in zip(reversed(given), reversed(node.defaults), strict=False):
                yield argument.arg, value
            for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
                yield argument.arg, default


def _target_name(target: ast.expr) -> str:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
    return ""


def _is_secret(name: str, value: str) -> bool:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()
    if _PLACEHOLDER.match(value) or re.search(r"\s", value) or plain.endswith(value.lower()):
        return False
    if _PASSWORD.search(plain):
        return len(value) >= 8
    return bool(_TOKEN.search(plain)) and len(value) >= 16


def no_machine_paths(cells: Sequence[CodeCell]) -> Iterator[Spot]:
    """Find literals, shell lines and magics that hold an absolute path, or one below a home folder."""
    for cell in cells:
        told = set[int]()
        for line, path in _paths(cell.tree):
            if line not in told and path.strip() not in _NO_FILE:
                told.add(line)
                shown = path if len(path) <= 60 else f"{path[:57]}…"
                # A parameter is what such a path is to become: another machine can be given another one.
                severity: Severity | None = "warning" if "parameters" in cell.tags else None
                fix = "make it relative to the notebook, or a parameter; data belongs in `%ml data save`"
                if severity:
                    fix = "give another one where it does not exist: -p"
                yield Spot("absolute-path", cell.number, line, f"the path {shown!r} is absolute", fix, severity)


def _paths(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (magic := read_magic(node)):
            words = (word for word in re.split(r"[\s=\"']+", magic.text) if _MACHINE_PATH.match(word))
            yield from ((magic.line, word) for word in words)
    yield from ((literal.lineno, str(literal.value)) for literal in path_literals(tree))


def path_literals(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the literals of a cell that are absolute paths, or begin one."""
    left_out, opened = set[int](), set[int]()
    for node in ast.walk(tree):
        left_out.update(id(part) for part in _no_paths(node))
        if isinstance(node, ast.Call) and not read_magic(node):
            opened.update(id(part) for part in _path_arguments(node))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in left_out:
            continue
        if _MACHINE_PATH.match(node.value) or (id(node) in opened and _ANY_PATH.match(node.value)):
            yield node


def _no_paths(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the texts below `node` that are no paths: prose, magics, what stands behind another part."""
    match node:
        case ast.Expr(value=value):
            yield value
        case ast.JoinedStr(values=[_, *others]):
            yield from others
        case ast.BinOp(op=ast.Add(), right=right):
            yield right
        case ast.Call() if read_magic(node):
            yield from node.args


def _path_arguments(call: ast.Call) -> Iterator[ast.expr]:
    callee = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if _OPENS_PATH.match(callee):
        for argument in call.args[:1]:
            yield argument
            if isinstance(argument, ast.JoinedStr):
                yield from argument.values[:1]
