from __future__ import annotations

import pytest

from nbmlops.core.errors import DependencyError
from nbmlops.core.plugins import plugged


def test_a_verb_of_a_package_higher_in_the_house_is_found_by_its_name() -> None:
    assert plugged("panel").command.name == "panel"


def test_one_that_nothing_gives_is_told_with_what_to_do() -> None:
    with pytest.raises(DependencyError, match="gives the verb nothing") as error:
        plugged("nothing")
    assert error.value.hint
