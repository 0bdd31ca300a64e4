"""How listings of features look, with hostile text in every field."""

from __future__ import annotations

import json

import pytest

from nbmlops import render
from tests.render.feature_samples import features, listed_features


@pytest.mark.parametrize("place", range(5))
def test_a_listing_of_features_escapes_what_people_wrote(place: int) -> None:
    listing = listed_features("<b>bold</b>")[place]
    assert "<b>bold" not in render.html(listing)
    assert "&lt;b&gt;bold" in render.html(listing)
    assert json.dumps(render.json(listing))
    assert len(listing.to_pandas()) == len(listing)


def test_a_feature_that_nobody_uses_is_told_to_be_dead() -> None:
    used, dead = str(listed_features("speed")[2]).splitlines()[1:]
    assert "its source has changed" in used
    assert dead.endswith("dead: nobody uses it")


def test_what_is_online_is_told_with_its_statuses() -> None:
    shown = render.text(features("speed")[-1])
    assert "the store is down" in shown
    assert "1 value missing: the key was never seen" in shown
    fresh = str(listed_features("speed")[-1])
    assert "waits to be materialized" in fresh
    assert "not materialized" in fresh
