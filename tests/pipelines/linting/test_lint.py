from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.pipelines.linting.finding import RULES
from nbmlops.pipelines.linting.lint import Finding, lint

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
HEX = "9f86d081884c7d659a2feaa0c55ad015"


def notebook(*sources: str, counts: tuple[int | None, ...] = (), parameters: bool = True) -> dict[str, Any]:
    """A notebook of a tagged, empty cell (cell 1) and one code cell per source."""
    first = {"cell_type": "code", "source": "", "metadata": {"tags": ["parameters"] if parameters else []}}
    rest = [
        {"cell_type": "code", "source": source, "metadata": {}, "execution_count": count}
        for source, count in zip(sources, (*counts, *[None] * len(sources)), strict=False)
    ]
    return {"cells": [first, *rest]}


def found(*sources: str, **options: Any) -> list[tuple[str, int, int]]:
    return [(one.rule, one.cell, one.line) for one in lint(notebook(*sources, **options), "n.ipynb")]


# Rule, cell and line of each fault, and the cells from cell 2 on.
PLANTED: dict[str, tuple[str, int, int, list[str]]] = {
    "a name whose cell was deleted": ("hidden-state", 3, 2, ["import math", "x = 1\nprint(math.pi * radius)"]),
    "an import that was never written": ("hidden-state", 2, 2, ["\ndf = pd.DataFrame()"]),
    "a name deleted above": ("hidden-state", 4, 1, ["x = 1", "del x", "print(x)"]),
    "a name that only a function needs": ("hidden-state", 2, 3, ["def f(a):\n    b = a\n    return b * scale"]),
    "a name of a class seen from a method": (
        "hidden-state",
        2,
        4,
        ["class A:\n    k = 1\n    def f(self):\n        return k"],
    ),
    "a name of a comprehension seen outside": ("hidden-state", 2, 2, ["[i for i in range(3)]\nprint(i)"]),
    "the name of an exception after its clause": (
        "hidden-state",
        3,
        1,
        ["try:\n    1\nexcept Exception as e:\n    pass", "e"],
    ),
    "an object saved but never made": ("hidden-state", 2, 1, ["%ml data save flights"]),
    "an example that is not there": ("hidden-state", 3, 2, ["model = 1", "\n%ml model save model delay --example X"]),
    "an expression of a magic": ("hidden-state", 3, 1, ["p = 1", "%ml log auc={score(p)}"]),
    "a value made from itself": ("hidden-state", 2, 2, ["df = (\n    df\n)", "df"]),
    "a param of a run seen outside": ("hidden-state", 3, 1, ["%%ml run gbm -p depth=6\nprint(depth)", "depth"]),
    "an accumulator that starts elsewhere": ("hidden-state", 2, 2, ["for row in range(3):\n    total += row"]),
    "the result of a run used inside it": ("hidden-state", 2, 2, ["%%ml run gbm -o run\nprint(run)"]),
    "a definition further down": ("out-of-order", 2, 1, ["print(x)", "y = 1", "x = 2"]),
    "a definition further down in the cell": ("out-of-order", 2, 1, ["print(x)\nx = 2"]),
    "a function called before what it needs": ("out-of-order", 3, 1, ["def f():\n    return x", "f()", "x = 1"]),
    "a function that calls such a function": (
        "out-of-order",
        4,
        2,
        ["def f():\n    return x", "def g():\n    return f()", "\ng()", "x = 1"],
    ),
    "a lambda applied before what it needs": (
        "out-of-order",
        3,
        1,
        ["d = []", "sorted(d, key=lambda v: v + off)", "off = 1"],
    ),
    "a cell that does not parse": ("syntax", 3, 2, ["x = 1", "y = 2\nz = = 3"]),
    "an AWS key in a comment": ("secret", 2, 2, ["x = 1\n# AKIAIOSFODNN7EXAMPLE"]),
    "a GitHub token in a call": ("secret", 2, 1, [f"print('ghp_{HEX}abcd')"]),
    "a password in a URL": ("secret", 2, 1, ["url = 'postgresql://me:s3cretword@db/flights'"]),
    "a password in a variable": ("secret", 2, 2, ["\ndb_password = 'correcthorse'"]),
    "a token in a keyword": ("secret", 2, 1, [f"print(api_key='{HEX}')"]),
    "a token in the environment": ("secret", 2, 2, [f"import os\nos.environ['SERVICE_TOKEN'] = '{HEX}'"]),
    "a secret in a dictionary": ("secret", 2, 1, [f"conf = {{'user': 'me', 'clientSecret': '{HEX}'}}"]),
    "a private key": ("secret", 2, 2, ["key = '''\n-----BEGIN RSA PRIVATE KEY-----\n'''"]),
    "a path below home": ("absolute-path", 2, 2, ["import os\nos.listdir('/home/ann/data')"]),
    "a path on Windows": ("absolute-path", 2, 1, [r"p = r'C:\Users\ann\flights.csv'"]),
    "a path below a tilde": ("absolute-path", 2, 1, ["p = '~/flights.csv'"]),
    "an absolute path in an f-string": ("absolute-path", 2, 2, ["name = 'x'\np = f'/tmp/{name}.csv'"]),
    "an absolute path given to open": ("absolute-path", 2, 1, ["open('/flights/raw.csv')"]),
    "an absolute path in a magic": ("absolute-path", 2, 1, ["%cd /home/ann/project"]),
    "pip in a shell line": ("install", 2, 2, ["\n!pip install -q lightgbm"]),
    "pip as a magic": ("install", 2, 1, ["%pip install -r requirements.txt"]),
    "pip through the interpreter": ("install", 2, 2, ["import sys\n!{sys.executable} -m pip install x"]),
    "conda in a script": ("install", 2, 3, ["%%bash\nls\nconda install -y numpy"]),
    "pip in a subprocess": ("install", 2, 2, ["import subprocess\nsubprocess.run(['pip', 'install', 'x'])"]),
    "numpy's global generator": ("unseeded", 2, 2, ["import numpy as np\nx = np.random.rand(3)"]),
    "a generator without a seed": ("unseeded", 2, 2, ["from numpy.random import default_rng\nrng = default_rng()"]),
    "the random module": ("unseeded", 2, 2, ["import random as r\nr.shuffle([1])"]),
    "a split without a seed": (
        "unseeded",
        2,
        2,
        ["from sklearn.model_selection import train_test_split as tts\na, b = tts([1, 2])"],
    ),
    "a forest without a seed": (
        "unseeded",
        2,
        2,
        ["from sklearn import ensemble\nensemble.RandomForestClassifier(random_state=None)"],
    ),
    "shuffled folds without a seed": (
        "unseeded",
        2,
        2,
        ["from sklearn.model_selection import KFold\nKFold(5, shuffle=True)"],
    ),
    "a sample without a seed": ("unseeded", 2, 2, ["df = object()\ndf.sample(frac=0.1)"]),
    "a table read from a file": ("unversioned-read", 2, 2, ["import pandas as pd\npd.read_csv('data/flights.csv')"]),
    "a table read from a path": (
        "unversioned-read",
        2,
        3,
        ["import polars\nfrom pathlib import Path\npolars.scan_parquet(Path('a.parquet'))"],
    ),
    "a model read from a file": ("unversioned-read", 2, 2, ["import joblib\njoblib.load('m.joblib')"]),
    "a table written to a file": ("unversioned-write", 2, 2, ["df = object()\ndf.to_csv('out.csv')"]),
    "a model written by joblib": ("unversioned-write", 2, 2, ["import joblib\njoblib.dump(1, 'm.joblib')"]),
    "a model written by pickle": (
        "unversioned-write",
        2,
        3,
        ["import pickle\nwith open('m.pkl', 'wb') as f:\n    pickle.dump(1, f)"],
    ),
    "a question to a person": ("waits", 2, 2, ["\nname = input('Which month? ')"]),
    "a password asked for": ("waits", 3, 1, ["from getpass import getpass as ask", "ask()"]),
    "a debugger in a function": ("waits", 2, 2, ["def f():\n    breakpoint()"]),
    "a debugger by magic": ("waits", 3, 1, ["x = 1", "%debug"]),
    "the end of the kernel": ("kernel-exit", 2, 3, ["x = 1\nif not x:\n    exit()"]),
    "an address without a time limit": (
        "no-timeout",
        2,
        2,
        ["import requests\npage = requests.get('https://example.org/a.csv')"],
    ),
    "an address opened without a time limit": (
        "no-timeout",
        3,
        1,
        ["from urllib.request import urlopen", "urlopen('https://example.org')"],
    ),
    "an import that nothing uses": ("unused", 2, 2, ["import os\nimport numpy as np\nos.getpid()"]),
    "a comment without a reason": ("ignore", 2, 1, ["x = 1  # nbmlops: ignore[unseeded]"]),
    "a comment on a rule that is none": ("ignore", 2, 1, ["x = 1  # nbmlops: ignore[seeds] they are set elsewhere"]),
    "a comment that ignores nothing": ("ignore", 3, 1, ["x = 1", "x  # nbmlops: ignore[secret] an example"]),
    "a computed name": ("dynamic-name", 2, 3, ["from nbmlops import ml\nname = max(['a'])\nml.data.load(name)"]),
}


@pytest.mark.parametrize(("rule", "cell", "line", "sources"), PLANTED.values(), ids=PLANTED)
def test_a_planted_fault_is_found_with_its_cell_and_line(rule: str, cell: int, line: int, sources: list[str]) -> None:
    assert found(*sources) == [(rule, cell, line)]


# Cells that each stand alone, below a heading.
CLEAN_CELLS = r"""
# %% magics
%load_ext nbmlops
%matplotlib inline
%ml data load flights -o df
w = %ml data load weather
print(df, w)
# %% a run
%%ml run gbm -p depth=6 -o run
model = list(range(depth))
%ml log size={len(model)}
# %% plots
import matplotlib.pyplot as plt
fig, (a, b) = plt.subplots(1, 2)
a.plot([i**2 for i in range(3)]); b.axis('off');
# %% scopes
n = 3
grid = {(i, j): i * j * n for i in range(n) for j in range(i) if j}
class A:
    k = 1
    m = k + n
    @property
    def p(self) -> 'A':
        return A.k + self.m
print(A().p, grid)
# %% functions
import functools
@functools.lru_cache(maxsize=None)
def f(a, /, b=2, *c, d=4, **e):
    global count
    count = 1
    def g():
        nonlocal b
        b += 1
        return a, b, c, d, e
    return g
f(1)()
count
# %% mutual recursion
def even(n):
    return n == 0 or odd(n - 1)
def odd(n):
    return n and even(n - 1)
even(4)
# %% a helper defined below its user
def main():
    return helper()
def helper():
    return LIMIT
LIMIT = 3
main()
# %% a callback before its target
from w import button
button.on_click(lambda _: later())
def later(): ...
# %% lambda
key = lambda row, *rest, by=0, **kw: (row[by], rest, kw)
sorted([], key=lambda r: r[0])
# %% del
a, b = 1, 2
del a
b
a = 3
a
for x in [1]:
    y = x
    del y
# %% try
try:
    import ujson as json
except ImportError as error:
    print(error)
    import json
else:
    pass
finally:
    print(json)
# %% asking whether a name exists
try:
    cache
except NameError:
    cache = {}
if 'rows' not in globals():
    rows = []
print(cache, rows)
# %% a function that returns a function
def outer():
    def inner():
        return LIMIT
    return inner
inner = outer()
LIMIT = 3
inner()
# %% stars and walrus
first, *rest = [1, 2]
if (m := len(rest)) > 1:
    print(*rest, **{'sep': str(m)})
print([y := 1, y])
# %% f-strings
w = 3
x = 1.5
print(f'{x:>{w}.2f} {x!r} {{x}} {x=}')
# %% loops
for i in range(3):
    if i:
        print(previous)
    previous = i
else:
    print(i, previous)
while True:
    break
# %% with
with open('a.txt') as f, open('b.txt') as g:
    print(f.read(), g)
# %% match
v = [1]
match v:
    case [a, *b] if a: print(a, b)
    case {'k': c, **d}: print(c, d)
    case _: pass
# %% IPython's own
1
_
__
Out[1]
In[1]
display(_i1, get_ipython())
_1
# %% builtins
print(len(str(int('1'))), __name__, NotImplemented, ...)
map(print, sorted(filter(None, [1])))
# %% await
import asyncio
await asyncio.sleep(0)
async with asyncio.timeout(1) as t:
    print(t)
# %% star import
from math import *
print(sin(pi))
# %% help and shell
import os
os?
?os
files = !ls {os.sep} $HOME
print(files)
!ls -l | head
# %% timing
%time total = sum(range(9))
%timeit -n 3 total + 1
total
# %% annotations
from __future__ import annotations
from typing import Any
x: int
y: dict[str, Any] = {}
def f(a: Any) -> None: ...
# %% seeded
import numpy as np, random
rng = np.random.default_rng(0)
rng.normal()
np.random.seed(1)
np.random.rand()
random.seed(2)
random.random()
from sklearn.svm import SVC
SVC()
# %% seeded models
from sklearn.ensemble import RandomForestClassifier as F
from sklearn.model_selection import KFold
seed = 1
kw = {}
F(random_state=seed), F(**kw), KFold(5), object().sample(frac=1, random_state=seed)
# %% files that the store knows
df = object()
df.to_csv('flights.csv')
%ml data save flights.csv flights
df.to_csv()
df.to_json(orient='records')
import pandas as pd
pd.read_csv('https://example.org/x.csv')
# %% no secrets
token_pattern = r'(?u)\\b[a-z0-9_]+\\b'
primary_key = 'year_month_day_flight'
tokenizer = 'bert-base-uncased-whole'
password = 'secret:DATABASE'
api_key = '<your api key goes here>'
labels = {'password': 'Password', 'token': 'The token of the service'}
import os
token = os.environ['TOKEN']
# %% no machine paths
url = '/api/v1/flights'
base = 'data'
p = base + '/tmp/x'
q = f'{base}/home/x'
r = 'and/or'
s = '%H:%M'
t = 'http://localhost/home/x'
open('/dev/null')
'''/home/ann is only prose'''
# %% who is asked is no person
import requests, pdb
from urllib.request import urlopen
def input(): return {}
input()
options = {'timeout': 3}
requests.get('https://a.b/c', timeout=3)
requests.post('https://a.b/c', **options)
urlopen('https://a.b', None, 3)
session = requests.Session()
pdb.Pdb
text = 'breakpoint()'
# %% imports that are used
from sklearn.experimental import enable_iterative_imputer
import os.path
import typing as t
from collections import abc
try:
    import ujson
except ImportError:
    pass
def f(x: 't.Any') -> 'abc.Mapping': ...
# %% what a comment ignores
import numpy as np, joblib
np.random.rand()  # nbmlops: ignore[unseeded] only for a picture
# nbmlops: ignore[unversioned-write, secret] the archive keeps it
# and a line of prose

joblib.dump(1, 'ghp_9f86d081884c7d659a2feaa0c55ad015abcd')
text = '# nbmlops is a name'
# %% no installs
!pip list
!pip --version
text = 'pip install nothing'
%pip freeze
"""
CLEAN = dict(part.split("\n", 1) for part in CLEAN_CELLS.split("\n# %% ")[1:])


@pytest.mark.parametrize("source", CLEAN.values(), ids=CLEAN)
def test_what_is_in_order_is_not_found_fault_with(source: str) -> None:
    assert found(source) == []


def test_names_made_by_magics_exist_in_the_cells_below() -> None:
    cells = [
        "%%ml run gbm -o run\nx = 1",
        "%ml check data x -o report",
        "%%capture out\nprint(run)",
        "a = !ls\nb, c = %ml data list\nprint(report, out, a, b, c)",
    ]
    assert found(*cells) == []


def test_a_check_of_a_stored_version_needs_no_variable() -> None:
    assert found("%%ml check flights --strict\nrows between(1, 2)") == []


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_the_tutorials_are_clean_but_for_the_name_that_one_hides_on_purpose(path: Path) -> None:
    rules = [found.rule for found in lint(json.loads(path.read_text(encoding="utf-8")), path)]
    assert rules == (["hidden-state"] if path.name == "tracking.ipynb" else [])


def test_execution_counts_are_compared_with_the_page() -> None:
    cells = ["a = 1", "b = 2", "", "c = 3", "d = 4"]
    assert found(*cells, counts=(1, 2, None, 3, None)) == []
    assert found(*cells) == []
    assert found(*cells, counts=(1, 5, None, 3, 4)) == [("execution-gap", 3, 1), ("execution-order", 5, 1)]
    assert found(*cells, counts=(1, None, None, 2, 3)) == [("execution-order", 3, 1)]
    assert found(*cells, counts=(7, 8, None, 9, 10)) == [("execution-gap", 2, 1)]
    assert found(*cells, counts=(1, 1, None, 2, 3)) == [("execution-order", 3, 1)]


def test_a_notebook_without_parameters_is_told_where_they_go() -> None:
    assert found("x = 1", parameters=False) == [("parameters", 1, 1)]
    twice = notebook("x = 1", "x")
    twice["cells"][1]["metadata"]["tags"] = ["parameters"]
    assert [(one.rule, one.cell) for one in lint(twice, "n.ipynb")] == [("parameters", 2)]
    assert [one.rule for one in lint({"cells": []}, "n.ipynb")] == ["parameters"]


def test_a_parameter_that_nothing_uses_is_told() -> None:
    cells = notebook("print(month)")
    cells["cells"][0]["source"] = "month: int = 5\nyear = 2013"
    assert [(one.rule, one.cell, one.line) for one in lint(cells, "n.ipynb")] == [("unused", 1, 2)]


def test_an_absolute_path_among_the_parameters_is_only_a_warning() -> None:
    cells = notebook("open(path)")
    cells["cells"][0]["source"] = "path = '/home/ann/raw.csv'"
    assert [(one.rule, one.cell, one.severity) for one in lint(cells, "n.ipynb")] == [("absolute-path", 1, "warning")]


def test_a_parameter_that_hides_a_builtin_is_told() -> None:
    cells = notebook("print(list, display)")
    cells["cells"][0]["source"] = "import os\nlist = [1]"
    assert ("shadowed", 1, 2) in [(one.rule, one.cell, one.line) for one in lint(cells, "n.ipynb")]
    assert "shadowed" not in [rule for rule, _, _ in found("list = 3")]


def test_what_may_use_any_name_uses_every_import() -> None:
    for cell in ("from x import *", "exec('os')", "z = (", "globals()[input_name]"):
        assert "unused" not in [rule for rule, _, _ in found("import os", cell)]


def test_a_comment_that_is_not_complete_ignores_nothing() -> None:
    broken = "import numpy as np\nnp.random.rand()  # nbmlops: ignore[unseeded]"
    assert found(broken) == [("ignore", 2, 2), ("unseeded", 2, 2)]
    assert found("x  # nbmlops: ignore the name") == [("hidden-state", 2, 1), ("ignore", 2, 1)]


def test_a_secret_in_prose_is_found_and_no_secret_is_repeated() -> None:
    cells = notebook(f"db_password = '{HEX}'\ntoken = 'ghp_{HEX}abcd'\nu = 'https://me:{HEX}@h/'")
    cells["cells"].append({"cell_type": "markdown", "source": f"# Key\n\nuse ghp_{HEX}abcd", "metadata": {}})
    findings = lint(cells, "n.ipynb")
    assert [(one.rule, one.cell, one.line) for one in findings] == [
        ("secret", 2, 1),
        ("secret", 2, 2),
        ("secret", 2, 3),
        ("secret", 3, 3),
    ]
    assert HEX not in "".join(map(str, findings))


def test_a_pinned_install_is_only_a_warning() -> None:
    severities = [
        lint(notebook(f"!pip install {what}"), "n")[0].severity for what in ("x==1.0 y==2", "x==1.0 y", "-r x==1")
    ]
    assert severities == ["warning", "error", "error"]


def test_a_fix_names_the_import_or_the_stored_data() -> None:
    findings = lint(notebook("np.sin(airports)"), "3_features.ipynb", stored={"airports"})
    assert [one.fix for one in findings] == [
        "add `import numpy as np` above it",
        "add `%ml data load airports -o airports` above it",
    ]
    assert findings[1] == Finding(
        rule="hidden-state",
        notebook="3_features.ipynb",
        cell=2,
        line=1,
        message="`airports` is used, but no cell above defines it",
        why=RULES["hidden-state"].why,
        fix="add `%ml data load airports -o airports` above it",
        severity="error",
    )


def test_one_name_is_told_once_per_cell() -> None:
    assert found("x\nx + x", "x") == [("hidden-state", 2, 1), ("hidden-state", 3, 1)]


def test_a_broken_cell_hides_nothing_but_what_it_might_define() -> None:
    assert found("import os\nx = (", "x.y\nos.listdir('/home/a')") == [("syntax", 2, 2), ("absolute-path", 3, 2)]


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters()) | st.sampled_from(list(CLEAN.values()))))
def test_any_notebook_is_linted_without_raising(sources: list[str]) -> None:
    for one in lint(notebook(*sources), "n.ipynb"):
        assert one.line >= 1
        assert one.severity == RULES[one.rule].severity or one.rule in {"install", "absolute-path"}


def test_the_page_on_the_lint_lists_every_rule_with_its_severity() -> None:
    page = (Path(__file__).parents[3] / "docs" / "lint.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1:3] for row in page.partition("## Fixes")[0].splitlines() if row.startswith("| `")]
    assert [(name.strip(" `"), severity.strip()) for name, severity in rows] == [
        (name, rule.severity) for name, rule in RULES.items()
    ]


def test_the_faults_planted_in_a_set_of_notebooks_are_all_found_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each notebook holds faults of many kinds at once, among cells that are in order."""
    from nbmlops.workspace import Workspace

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nfaulty = ["*.ipynb"]\n')
    # One that ignores what may define any name or that another cell would mend has a notebook of its own above.
    alone = {"hidden-state", "out-of-order", "unused", "ignore", "dynamic-name", "syntax"}
    planted = [fault for fault in PLANTED.values() if fault[0] not in alone]
    wanted: list[tuple[str, str, int, int]] = []
    for number in range(5):
        sources: list[str] = []
        for rule, cell, line, cells in planted[number::5]:
            wanted.append((f"{number}.ipynb", rule, len(sources) + cell, line))
            sources += [*cells, "print('in order')"]
        content = {**notebook(*sources), "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        (tmp_path / f"{number}.ipynb").write_text(json.dumps(content))
    assert len(wanted) >= 30
    with Workspace.init(tmp_path) as workspace:
        findings = workspace.lint("faulty")
    assert sorted((one.notebook, one.rule, one.cell, one.line) for one in findings) == sorted(wanted)
