"""The grammar of references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core.errors import InvalidError, RefSyntaxError
from nbmlops.core.refs import Ref, check_alias, check_name


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("flights", Ref("flights")),
        ("1_ingest", Ref("1_ingest")),
        ("flüge_2013@v3", Ref("flüge_2013", number=3)),
        ("flights@production", Ref("flights", alias="production")),
        ("flights@7f3a9c", Ref("flights", prefix="7f3a9c")),
        ("flights@vintage", Ref("flights", alias="vintage")),
    ],
)
def test_a_reference_reads_and_prints_the_same(text: str, ref: Ref) -> None:
    assert Ref.parse(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize(
    "text", ["", "@v1", "a/b", "../x", "a..b", "a b", "a@", "a@b/c", "a@b@c", "-a", "save", "a.", "x" * 129]
)
def test_what_is_no_reference_says_how_one_is_written(text: str) -> None:
    with pytest.raises(RefSyntaxError, match=r"hint: write name, name@v3, name@alias or name@digest-prefix"):
        Ref.parse(text)


@pytest.mark.parametrize("alias", ["v3", "abcdef", "0123456789", "a b", ""])
def test_an_alias_cannot_look_like_a_number_or_a_digest(alias: str) -> None:
    with pytest.raises(InvalidError):
        check_alias(alias)


@given(st.text())
def test_any_text_is_a_reference_or_a_clear_error(text: str) -> None:
    try:
        ref = Ref.parse(text)
    except RefSyntaxError:
        return
    assert str(ref) == text


@given(st.text(min_size=1, max_size=40))
def test_a_name_never_leads_out_of_a_folder(text: str) -> None:
    try:
        name = check_name(text)
    except InvalidError:
        return
    assert "/" not in name
    assert "\\" not in name
    assert "\0" not in name
    assert ".." not in name
