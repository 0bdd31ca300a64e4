"""The README says what the grammar says. ``make readme`` runs this file, which writes the table."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from nbmlops import Workspace
from nbmlops.commands.grammar import NOUNS, Verb, of

README = Path(__file__).parents[1] / "README.md"
PLACES = {"python": "in Python", "cell": "in a cell", "shell": "in a shell"}
BEGIN, END = "<!-- grammar: make readme -->\n", "<!-- end of grammar -->"


def row(verb: Verb) -> str:
    words = f"`{verb.usage}`"
    if verb.body:
        words += " and a cell as its body" if verb.body == "code" else ", or a cell as its body"
    without = "".join(f" Not {PLACES[face]}: {reason}." for face, reason in verb.exempt.items())
    python = "" if "python" in verb.exempt else f"`{verb.python}`"
    return f"| {words} | {python} | {verb.help}{without} |"


def table() -> str:
    lines = ["| `%ml …` in a cell, `nbmlops …` in a shell | in Python | |", "|---|---|---|"]
    for noun in ("", *NOUNS):
        lines += [row(verb) for verb in of(noun)]
    return "\n".join(lines) + "\n"


def between(text: str) -> str:
    return text.split(BEGIN)[1].split(END, maxsplit=1)[0]


def test_the_readme_shows_the_grammar_as_it_is() -> None:
    assert between(README.read_text()) == table(), "run: make readme"


def test_the_readme_begins_with_the_two_commands() -> None:
    text = README.read_text()
    assert text.index("make demo") < text.index("make test") < text.index(BEGIN)


def test_what_the_readme_shows_of_runs_does_what_it_says(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text().split("## Runs")[1], re.DOTALL)
    (tmp_path / "shown.py").write_text(code)
    Workspace.init(tmp_path).close()
    done = subprocess.run([sys.executable, "shown.py"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Workspace.open(tmp_path) as workspace:
        (run,) = workspace.run.list(where="metrics.auc > 0.8 and params.depth = 4 and tags.owner = 'me'")
        assert workspace.run.load_artifact(run.name, "settings.json") == {"threshold": 0.4}
        assert len(workspace.run.history(run.name, "loss")) == 100


if __name__ == "__main__":
    now = README.read_text()
    README.write_text(now.replace(BEGIN + between(now) + END, BEGIN + table() + END))
