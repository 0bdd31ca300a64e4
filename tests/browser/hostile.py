"""A hundred texts that a careless page would run, and a workspace with them wherever a person can write."""

from __future__ import annotations

from contextlib import suppress
from itertools import product
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LinearRegression

from nbmlops import Workspace
from nbmlops.core.errors import NbmlopsError
from nbmlops.core.refs import check_name
from tests.jupyter.panels.filled import a_report
from tests.pipelines.project import RAW, write

__all__ = ["FOLDER", "PAYLOADS", "plant"]

BREAKS_OUT = ("", '">', "'>", "</td></title></textarea></script></style>")
CALL = "top.executed=(top.executed||0)+1"
RUNS = (
    f"<script>{CALL}</script>",
    f"<img src=x onerror='{CALL}'>",
    f"<svg onload='{CALL}'></svg>",
    f"<svg><script>{CALL}</script></svg>",
    f"<svg><animate onbegin='{CALL}' attributeName=x dur=1s></svg>",
    f"<details open ontoggle='{CALL}'><summary>x</summary></details>",
    f"<iframe srcdoc='<script>{CALL}</script>'></iframe>",
    f"<iframe src='javascript:{CALL}'></iframe>",
    f"<object data='javascript:{CALL}'></object>",
    f"<embed src='javascript:{CALL}'>",
    f"<input autofocus onfocus='{CALL}'>",
    f"<video><source onerror='{CALL}'></video>",
    f"<audio src=x onerror='{CALL}'></audio>",
    f"<body onload='{CALL}'>",
    f"<a href='javascript:{CALL}' autofocus onfocus='{CALL}'>x</a>",
    f"<style onload='{CALL}'>@import 'x'</style>",
    f"<link rel=stylesheet href='data:text/css,' onload='{CALL}'>",
    f"<math><mtext><img src=x onerror='{CALL}'></mtext></math>",
    f"<template><img src=x onerror='{CALL}'></template>",
    f"<noscript><img src=x onerror='{CALL}'></noscript>",
    f"<form><button autofocus onfocus='{CALL}' formaction='javascript:{CALL}'>x</button></form>",
    f"<meta http-equiv=refresh content='0;url=javascript:{CALL}'>",
    f" onmouseover='{CALL}' onfocus='{CALL}' autofocus x='",
    f"&lt;img src=x onerror='{CALL}'&gt;",
    f"[x](javascript:{CALL}) ![x](x' onerror='{CALL}) $\\href{{javascript:{CALL}}}{{x}}$ {{{{{CALL}}}}} ${{{CALL}}}",
)
PAYLOADS = tuple(out + run for out, run in product(BREAKS_OUT, RUNS))
FOLDER = "a&b <img src=x onerror=top.executed=1>"


def plant(folder: Path) -> None:
    """Make a workspace in `folder`, and write every text into every field that takes it."""
    folder.mkdir()
    in_paths = [text.replace("/", "\N{DIVISION SLASH}")[:60] for text in PAYLOADS[:3]]
    (folder / "pyproject.toml").write_text('[tool.nbmlops.pipelines]\nevil = ["notebooks/*.ipynb"]\n')
    for place, text in enumerate(in_paths):
        write(
            folder / "notebooks" / f"{place}_{text}.ipynb",
            f"rows: str = {PAYLOADS[place]!r}",
            RAW.replace("raw", f"raw{place}"),
        )
    with Workspace.init(folder) as workspace:
        for text in PAYLOADS:
            _run(workspace, text)
            workspace.check.save(a_report(text))
        table = pd.DataFrame({text: [text, text[::-1]] for text in PAYLOADS})
        for text in PAYLOADS[::20]:
            table = pd.concat([table, table.head(1)], ignore_index=True)
            workspace.data.save(table, "evil", message=text, tags={"said": text})
        estimator = LinearRegression().fit(pd.DataFrame({text: [1.0, 2.0] for text in PAYLOADS[:9]}), [1.0, 2.0])
        for text in PAYLOADS[:3]:
            workspace.model.save(estimator, "evil", message=text)
        for place, text in enumerate(PAYLOADS[:3]):
            workspace.monitor.add(f"evil_{place}", "evil", "staleness", owner=text)
        workspace.monitor.run()


def _run(workspace: Workspace, text: str) -> None:
    """Record a run that says a text in each of its fields; the last ones fail, and say it once more."""
    with suppress(ValueError), workspace.run.start(_name(text), notebook=f"{text}.ipynb") as run:
        run.param({text: text})
        run.tag({text: text})
        run.note(text)
        for step in range(3):
            run.log({text: step / 10, "auc": 0.5}, step=step)
        run.artifact({"said": text}, "said.json")
        if PAYLOADS.index(text) >= 90:
            raise ValueError(text)


def _name(text: str) -> str:
    """The text where a run may be called so, else a plain name: names have a grammar of their own."""
    try:
        return check_name(text)
    except NbmlopsError:
        return "evil"
