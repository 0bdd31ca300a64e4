from __future__ import annotations

import re

import pytest

from nbmlops.jupyter.server.files import NAMES, served


@pytest.mark.parametrize("name", NAMES)
def test_a_file_needs_nothing_from_elsewhere(name: str) -> None:
    text = served(name).body.decode()
    assert text.strip()
    addresses = set(
        re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    )
    assert {address for address in addresses if "www.w3.org" not in address} == set()
    imported = re.findall(r'from "\./([\w.]+)"', text)
    assert set(imported) <= set(NAMES)


def test_the_digest_is_of_what_is_in_it() -> None:
    digests = {served(name).digest for name in NAMES}
    assert len(digests) == len(NAMES)
    assert served("rest.js") == served("rest.js")
