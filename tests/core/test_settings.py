from __future__ import annotations

import pytest

from nbmlops.core.errors import InvalidError
from nbmlops.core.settings import Profiles, Settings


def test_files_are_read_again_when_the_user_or_the_project_says_so() -> None:
    assert not Settings.read({}, {}).rehash
    assert Settings.read({"rehash": True}, {}).rehash
    assert Settings.read({}, {"NBMLOPS_REHASH": "1"}).rehash
    assert not Settings.read({"rehash": True}, {"NBMLOPS_REHASH": "false"}).rehash


def test_a_switch_is_true_or_false() -> None:
    with pytest.raises(InvalidError, match="must be true or false, not 'perhaps'"):
        Settings.read({}, {"NBMLOPS_REHASH": "perhaps"})


def test_what_an_hour_costs_is_a_number() -> None:
    assert Settings.read({}, {}).cost_per_hour is None
    assert Settings.read({"cost_per_hour": 2}, {}).cost_per_hour == 2.0
    assert Settings.read({"cost_per_hour": 2}, {"NBMLOPS_COST_PER_HOUR": "0.5"}).cost_per_hour == 0.5
    for wrong in ("much", -1, True, "nan", "inf", [1]):
        with pytest.raises(InvalidError, match="must be a number of at least 0"):
            Settings.read({"cost_per_hour": wrong}, {})


def test_how_many_kernels_wait_is_a_whole_number() -> None:
    assert Settings.read({}, {}).warm_kernels is None
    assert Settings.read({"warm_kernels": 0}, {}).warm_kernels == 0
    assert Settings.read({"warm_kernels": 0}, {"NBMLOPS_WARM_KERNELS": "3"}).warm_kernels == 3
    for wrong in ("many", -1, True, 1.5):
        with pytest.raises(InvalidError, match="must be a whole number"):
            Settings.read({"warm_kernels": wrong}, {})


def test_which_tables_are_profiled_after_a_save() -> None:
    assert Settings.read({}, {}).profiles == Profiles(after_saves=True, least=100_000, most=1_000_000_000)
    assert Settings.read({"profiles": {"least": 5, "most": 9}}, {}).profiles == Profiles(least=5, most=9)
    assert not Settings.read({"profiles": {"after_saves": False}}, {}).profiles.after_saves
    assert not Settings.read({}, {"NBMLOPS_PROFILES": "0"}).profiles.after_saves
    assert Settings.read({"profiles": {"after_saves": False}}, {"NBMLOPS_PROFILES": "true"}).profiles.after_saves


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lest": 5}, "unknown key 'lest'"),
        ({"least": -1}, "least must be a number of values, not -1"),
        ({"most": True}, "most must be a number of values, not True"),
        ({"after_saves": "perhaps"}, "must be true or false, not 'perhaps'"),
        (5, "must be a table"),
    ],
)
def test_settings_of_profiles_that_are_wrong_are_said(wrong: object, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        Settings.read({"profiles": wrong}, {})
