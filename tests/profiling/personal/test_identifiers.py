"""Numbers that name a person or an account: generated ones pass, near misses do not, chance lets few pass."""

from __future__ import annotations

import random
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.profiling.personal.identifiers import NATIONAL, is_card, is_iban, is_ip, is_phone, luhn

REAL = {
    "US social security number": "219-09-9999",  # printed in a pamphlet of the Social Security Board of 1940
    "UK national insurance number": "QQ 12 34 56 C".replace("QQ", "AB"),
    "Spanish DNI or NIE": "12345678Z",
    "French NIR": "255081416802538",
    "Italian codice fiscale": "RSSMRA85T10A562S",
    "German tax number": "86095742719",
    "Dutch BSN": "111222333",
    "Belgian national number": "85.07.30-033.28",
    "Polish PESEL": "44051401359",
    "Swedish personnummer": "811218-9876",
    "Finnish henkilötunnus": "131052-308T",
    "Swiss AHV number": "756.9217.0769.85",
    "Brazilian CPF": "111.444.777-35",
    "Chinese identity number": "11010519491231002X",
}
"""Numbers that the authorities or their manuals give as examples."""
CHECKED = [name for name in NATIONAL if name not in {"US social security number", "UK national insurance number"}]


def fits(name: str, text: str) -> bool:
    form, test = NATIONAL[name]
    return re.fullmatch(form, text) is not None and test(text)


def test_every_kind_knows_the_example_that_its_authority_gives() -> None:
    assert REAL.keys() == NATIONAL.keys()
    assert [name for name, text in REAL.items() if not fits(name, text)] == []


@pytest.mark.parametrize("name", CHECKED)
def test_no_other_last_sign_fits(name: str) -> None:
    text = REAL[name]
    signs = string.digits if text[-1].isdecimal() else string.digits + string.ascii_uppercase
    passing = [sign for sign in signs if fits(name, text[:-1] + sign)]
    # Two digits that check together leave the first of them to differ.
    assert passing == [text[-1]]


@pytest.mark.parametrize("name", CHECKED)
def test_of_texts_with_another_digit_few_fit(name: str) -> None:
    text, generator = REAL[name], random.Random(3)
    places = [place for place, sign in enumerate(text[:-1]) if sign.isdecimal()]
    changed = set()
    for _ in range(400):
        place, digit = generator.choice(places), generator.choice(string.digits)
        changed.add(text[:place] + digit + text[place + 1 :])
    changed.discard(text)
    assert sum(fits(name, other) for other in changed) <= 0.12 * len(changed)


@given(st.text(string.digits, min_size=11, max_size=17), st.sampled_from(["4", "51", "2221", "34", "6011", "3528"]))
def test_a_card_is_told_by_its_issuer_length_and_digit(body: str, issuer: str) -> None:
    size = 14 if issuer == "34" else 15
    number = (issuer + body)[:size].ljust(size, "7")
    (check,) = (digit for digit in string.digits if luhn(number + digit))
    assert is_card(number + check)
    assert not any(is_card(number + digit) for digit in string.digits if digit != check)
    assert not is_card("9" + (number + check)[1:])
    assert not is_card(number)


@given(st.sampled_from(["DE", "FR", "GB", "NO"]), st.text(string.digits, min_size=25, max_size=25), st.integers(0, 30))
def test_an_iban_is_told_by_its_length_and_its_rest(country: str, body: str, place: int) -> None:
    body = body[: {"DE": 18, "FR": 23, "GB": 18, "NO": 11}[country]]
    rest = int("".join(str(int(each, 36)) for each in body + country + "00")) % 97
    iban = f"{country}{98 - rest:02d}{body}"
    assert is_iban(iban)
    assert is_iban(iban.lower())
    place = 2 + place % (len(iban) - 2)
    wrong = iban[:place] + str((int(iban[place]) + 1) % 10) + iban[place + 1 :]
    assert not is_iban(wrong)
    assert not is_iban(iban + "0")


@pytest.mark.parametrize(
    ("test", "good", "bad"),
    [
        (is_ip, ["8.8.8.8", "10.0.0.1", "2001:db8::1", "fe80::1"], ["8.8.8", "256.1.1.1", "0.0.0.0", "::", "12:30:45"]),
        (is_phone, ["+49 170 1234567", "(030) 12345678", "212-555-1234"], ["+1 23", "12345678901234567890", "1234567"]),
        (is_card, ["4111 1111 1111 1111".replace(" ", "")], ["0" * 16, "4111111111111112", "४१११११११११११११११"]),
        (is_iban, ["GB82WEST12345698765432"], ["", "XX00", "GB82WEST1234569876543²", "DE"]),
    ],
)
def test_good_and_bad(test: object, good: list[str], bad: list[str]) -> None:
    assert callable(test)
    assert [text for text in good if not test(text)] == []
    assert [text for text in bad if test(text)] == []
