from __future__ import annotations

import ast
import shlex
import threading
import warnings

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from nbmlops.tracking.ipython_syntax import lines_of, read_magic
from nbmlops.tracking.ml_line import MlLine, words
from nbmlops.tracking.source import analyse, events, parse, to_python

FRAGMENTS = [
    "%ml data save x",
    "%%ml run r -o q",
    "%%time",
    "x = %ml data load f -o g",
    "!ls {x}",
    "y = !ls",
    "x?",
    "??x",
    "'''",
    '"""',
    "(",
    ")",
    "[",
    "\\",
    "def f(a=b):",
    "    return c",
    "class K:",
    "for i in z:",
    "    if i: i",
    "%",
    "!",
    ",f a",
    ";f",
    "/f",
    "{",
    "}",
    "#",
    "f'{a!r:>{w}}'",
    "lambda q: r",
    "del x",
    "import *",
    "\t",
    "\r",
    "\x0c",
    "\u2028",
    "\x00",
    ">>> x",
    "...: y",
]
cells = st.one_of(
    st.text(alphabet=st.characters()),
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map("\n".join),
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map("".join),
)


MONSTERS = {
    "a lone surrogate": "\ud800",
    "brackets without end": "(" * 5000,
    "minus without end": "-" * 5000 + "1",
    "a sum of three thousand": "x" + "+x" * 3000,
    "cell magics in cell magics": "%%time\n" * 1000,
    "brackets to be timed": "%timeit " + "(" * 5000,
    "brackets to be logged": "%ml log a={" + "(" * 5000 + "}",
    "a doubtful escape": "'\\d'",
    "a doubtful escape in an expression": "%ml log a={'\\d'}",
    "null": "x = 1\x00",
}


@settings(deadline=None)
@given(cells)
def test_any_text_is_read_without_raising(source: str) -> None:
    found = analyse(source)
    assert found.error is None or not (found.defines or found.uses)


@pytest.mark.parametrize("source", MONSTERS.values(), ids=MONSTERS)
def test_monstrous_cells_are_read_without_raising(source: str) -> None:
    assert isinstance(analyse(source).uses, tuple)


@settings(deadline=None)
@given(cells)
def test_rewriting_keeps_every_line_where_it_was(source: str) -> None:
    assert len(lines_of(to_python(source))) == len(lines_of(source))


@settings(deadline=None)
@given(st.text(alphabet=st.characters()))
def test_any_line_of_ml_is_taken_apart_without_raising(text: str) -> None:
    line = MlLine.parse(text)
    assert isinstance(line.objects + line.mentions + line.expressions + line.parameters, tuple)


@given(st.lists(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"]))))
def test_quoted_words_come_back_as_they_were(parts: list[str]) -> None:
    assert words(shlex.join(parts)) == tuple(parts)


@pytest.mark.parametrize(
    "source",
    [
        "%ml data save flights -m 'two  words'",
        "x = %ml data load flights",
        "a, b = %ml data load flights",
        "d['k = 1'] = %ml data load flights",
        "if True:\n    %ml log a=1\n    files = !ls -l",
        "!ls -l | grep x",
        "!!ls",
        "obj?",
        "obj.method??",
        "?obj",
        "text = '''\n%ml data save x\n!ls\n'''\n%ml data save text",
        "total = (1\n  % 3)\nprint(total)",
        "%ml data save flights \\\n  -m 'continued'\nx = 1",
        "x = 'what?'  # %ml no?\n# %ml neither",
        "    indented = 1\n    %ml data save indented",
        "%%bash\necho $HOME\nls",
        "%%ml check flights --strict\ncarrier: in('UA')\n",
        ">>> x = 1\n>>> %ml data save x",
        "y = x == z % 3",
        "f'{x!r}' if x != 3 else 4 % 3",
        "\n\n%ml data list",
    ],
)
def test_rewriting_means_what_ipython_means(source: str) -> None:
    theirs = TransformerManager().transform_cell(source)
    assert _dumped(to_python(source)) == _dumped(theirs)


def _dumped(source: str) -> list[str]:
    texts = []
    for node in ast.parse(source).body:
        for constant in ast.walk(node):
            # IPython keeps the last newline of a cell magic's body and of nothing else.
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                constant.value = constant.value.rstrip("\n")
        texts.append(ast.dump(node))
    return texts


def test_a_magic_is_found_at_the_line_where_it_was_written() -> None:
    tree = ast.parse(to_python("import a\n\nfor b in a:\n    %ml log \\\n        c={b}\nx = !ls"))
    found = [magic for node in ast.walk(tree) if isinstance(node, ast.Call) and (magic := read_magic(node))]
    assert sorted((m.line, m.kind, m.name, " ".join(m.text.split())) for m in found) == [
        (4, "line", "ml", "log c={b}"),
        (6, "shell", "", "ls"),
    ]


@pytest.mark.parametrize(
    ("source", "defines", "uses"),
    [
        ("x = 1\ny = x + z", "x y", "z"),
        ("x += 1", "x", "x"),
        ("a = [i for i in rows if i > low]", "a", "rows low"),
        ("a = {k: v for k, v in pairs for w in v if w}", "a", "pairs"),
        ("print([y := f(x), y ** 2])", "y", "f x"),
        ("any((hit := row) for row in rows)", "hit", "rows"),
        ("def f(a, *b, c=d, **e):\n    g = a + h\n    return g, b, c, e", "f", "d h"),
        ("def f():\n    global g\n    g = 1", "f g", ""),
        (
            "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        n += m\n    return inner",
            "outer",
            "m",
        ),
        ("f = lambda a, *b, c=d: a + e", "f", "d e"),
        ("class A(B, metaclass=M):\n    x = 1\n    y = x\n    def f(self): return x", "A", "B M x"),
        ("class A:\n    rows = [limit for _ in range(3)]\n    def f(self) -> 'A': return A", "A", "limit"),
        ("@decorate(by)\ndef f(): ...", "f", "decorate by"),
        ("try:\n    import ujson as json\nexcept ImportError as e:\n    print(e)\n    import json", "json", ""),
        ("import os.path, sys as s\nfrom a import b as c", "os s c", ""),
        ("try:\n    rows\nexcept (NameError, KeyError):\n    rows = []", "rows", "rows"),
        ("with open(p) as f, g() as (h, i): pass", "f h i", "p g"),
        ("for i, (j, *k) in rows:\n    pass\nelse:\n    x = i", "i j k x", "rows"),
        ("x = 1\ndel x", "", ""),
        ("del x", "", "x"),
        ("for r in rows:\n    if r:\n        use(last)\n    last = r", "r last", "rows use"),
        ("for r in rows:\n    total += r", "r total", "rows total"),
        (
            "match v:\n    case {'a': a, **rest}: pass\n    case [b, *c] if b > d: pass\n    case P(x=1) as p: pass",
            "a rest b c p",
            "v d P",
        ),
        ("await fetch(x)\nasync for y in z: pass", "y", "fetch x z"),
        ("x: int\ny: T = 1", "y", "T"),
        ("print(f'{a:>{b}} {c!r}')", "", "a b c"),
        ("f(*a, **b)[c:d].e = g", "", "f a b c d g"),
        ("display(_, In[1], Out, _12, get_ipython(), __name__)", "", ""),
        ("df = df.assign(x=lambda d: d.a + off)", "df", "df off"),
        ("%ml data load {name} -o df -m 'k={v}'", "df", ""),
        ("%ml log a={{b}} c={d['e']}{f:.2f}", "", "d f"),
        ("x = %ml data load flights -o y", "y x", ""),
        ("%ml model save model delay --example X", "", "model X"),
        ("%ml log auc={score(y, p):.3f} -m 'no {braces} here'", "", "score y p"),
        ("%ml data save flights.parquet", "", ""),
        ("%%ml run gbm -p depth={d} --tag a=b -o run\nm = fit(depth)\n%ml log a={m}", "m run", "d fit"),
        ("%%ml check flights\nrows between(1, 2)", "", "flights"),
        ("%time x = f(y)", "x", "f y"),
        ("%timeit -n 10 x = f(y)", "", "f y"),
        ("%%capture out\nx = 1", "x out", ""),
        ("!cp {path} $HOME ${USER}", "", "path"),
        ("%%bash\nx=$y", "", ""),
    ],
)
def test_names_are_defined_and_used_as_python_scopes_have_them(source: str, defines: str, uses: str) -> None:
    found = analyse(source)
    assert found.error is None
    assert sorted(found.defines) == sorted(defines.split())
    assert sorted(found.uses) == sorted(uses.split())


def test_what_a_function_needs_is_needed_later_and_a_comprehension_at_once() -> None:
    found = events(parse("def f():\n    return a\n[b for _ in c]\nsorted(d, key=lambda v: v + e)"))
    assert [(event.kind, event.name, event.line, event.within) for event in found if event.name in "abcde"] == [
        ("later", "a", 2, "f"),
        ("use", "c", 3, None),
        ("use", "b", 3, None),
        ("use", "d", 4, None),
        ("use", "e", 4, None),
    ]


def test_a_star_import_and_an_unknown_cell_magic_may_define_anything() -> None:
    for source in ("from math import *", "%pylab", "%%sql rows <<\nselect 1", "exec(code)", "globals()['x'] = 1"):
        assert "open" in {event.kind for event in events(parse(source))}


def test_an_error_says_what_and_where() -> None:
    parsed = parse("x = 1\n%ml data list\ny = = 2")
    assert (parsed.tree, parsed.error, parsed.line) == (None, "invalid syntax", 3)


@pytest.mark.parametrize(
    ("text", "noun", "verb", "arguments"),
    [
        ("check flights --strict", "check", "data", ("flights",)),
        ("check data flights", "check", "data", ("flights",)),
        ("run gbm -p depth=6 -o run", "run", "start", ("gbm",)),
        ("run list -n 3", "run", "list", ()),
        ("log a=1 b={c + 1}", "", "log", ("a=1", "b={c + 1}")),
        ("data load -o x -- -odd", "data", "load", ("-odd",)),
        ("", "", "", ()),
    ],
)
def test_a_line_is_read_by_the_grammar(text: str, noun: str, verb: str, arguments: tuple[str, ...]) -> None:
    line = MlLine.parse(text)
    assert (line.noun, line.verb, line.arguments) == (noun, verb, arguments)


def test_every_option_of_the_click_tree_is_known_to_take_a_value_or_not() -> None:
    from nbmlops.commands import grammar
    from nbmlops.commands.tree import Tree

    tree = Tree()
    for verb in grammar.VERBS:
        context = click.Context(tree)
        command = tree.get_command(context, verb.noun or verb.name)
        if verb.noun:
            assert isinstance(command, click.Group)
            command = command.get_command(context, verb.name)
        assert command is not None
        for option in (one for one in command.params if isinstance(one, click.Option)):
            for name in option.opts:
                line = MlLine.parse(f"{verb.words} {name} value")
                assert (line.option(name) == "value") is not option.is_flag, f"{verb.words} {name}"
        assert (MlLine.parse(verb.words).noun, MlLine.parse(verb.words).verb) == (verb.noun, verb.name)


def test_words_follow_the_shell_and_keep_expressions_whole() -> None:
    assert words("""save "a b"c 'd "e"' f\\ g {h["i j"]} # k""") == ("save", "a bc", 'd "e"', "f g", '{h["i j"]}')
    assert words("show flights ;  # quiet") == ("show", "flights")
    assert words("-m 'x;' y#z") == ("-m", "x;", "y#z")
    assert words("open 'never closed") == ("open", "never closed")


def test_threads_can_read_cells_at_the_same_time() -> None:
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [analyse("x = '\\d'") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


def test_every_version_that_a_suite_is_learnt_from_may_be_a_variable() -> None:
    line = MlLine.parse("check infer january february flights@v3 --from 3")
    assert line is not None
    assert line.mentions == ("january", "february")
