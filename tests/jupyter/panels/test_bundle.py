from __future__ import annotations

import re
from pathlib import Path

from nbmlops.jupyter.panels import bundle
from nbmlops.jupyter.panels.panel import find, names


def test_every_panel_has_its_script_in_a_scope_of_its_own() -> None:
    for name in names():
        assert f'panels.register("{name}"' in bundle.script()
        assert find(name).name == name


def test_every_file_is_in_the_bundle() -> None:
    for path in bundle.WEB.iterdir():
        assert path.read_text() in (bundle.script() if path.suffix == ".js" else bundle.style()), path.name


FETCHED = re.compile(r"\bimport\b\s*[\"'(]|\bfetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)")
MARKUP = re.compile(r"\.innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function")


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_set_as_markup() -> None:
    for path in bundle.WEB.iterdir():
        text = path.read_text()
        assert not FETCHED.search(text), path.name
        assert not MARKUP.search(text), path.name


def test_colours_follow_the_theme() -> None:
    sheet = Path(bundle.WEB / "frame.css").read_text()
    assert re.findall(r"var\((--jp-[\w-]+)\)", sheet) == [], "each has another colour for where there is no theme"


def test_the_digest_is_that_of_what_is_served() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", bundle.digest())
