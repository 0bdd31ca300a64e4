"""Numbers that name a person or an account, told by their check digits; each function takes the number without spaces.

A check digit lets one in ten or so of random numbers pass, so `personal` counts how many of a column's values pass.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

__all__ = ["NATIONAL", "is_card", "is_iban", "is_ip", "is_phone", "luhn"]

_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 "
    "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 "
    "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24 "
    "SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_IBAN = {pair[:2]: int(pair[2:]) for pair in _IBAN_LENGTHS.split()}
"""Length of an IBAN by country: SWIFT's IBAN registry."""
_SPANISH = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def luhn(digits: str) -> bool:
    """Whether the last digit fits the others by Luhn's formula (ISO/IEC 7812-1, annex B).

    Examples
    --------
    >>> luhn("79927398713"), luhn("79927398710")
    (True, False)
    """
    odd = sum(int(digit) for digit in digits[-1::-2])
    return (odd + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def is_card(digits: str) -> bool:
    """Whether it is the number of a payment card: an issuer's first digits, a length they have, and Luhn's digit.

    Examples
    --------
    >>> is_card("4111111111111111"), is_card("4111111111111112")
    (True, False)
    """
    if not digits.isdecimal() or not digits.isascii() or len(set(digits)) == 1:
        return False
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    issued = (
        (digits[0] == "4" and size in {13, 16, 19})
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)
        or (two in {34, 37} and size == 15)
        or ((four == 6011 or two == 65) and size in {16, 19})
        or (3528 <= four <= 3589 and size in {16, 19})
        or ((two in {36, 38, 39} or 300 <= int(digits[:3]) <= 305) and size == 14)
        or (two in {62, 81} and size in {16, 17, 18, 19})
    )
    return issued and luhn(digits)


def is_iban(text: str) -> bool:
    """Whether it is an International Bank Account Number (ISO 13616): a country's length, and 1 modulo 97.

    Examples
    --------
    >>> is_iban("DE89370400440532013000"), is_iban("DE88370400440532013000")
    (True, False)
    """
    text = text.upper()
    if len(text) != _IBAN.get(text[:2]) or not text[2:4].isdecimal() or not text.isalnum() or not text.isascii():
        return False
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1


def is_ip(text: str) -> bool:
    """Whether it is an address of the Internet Protocol, of version 4 or 6, which is not 0.0.0.0 or ``::``."""
    try:
        return int(ipaddress.ip_address(text)) > 1
    except ValueError:
        return False


def is_phone(text: str) -> bool:
    """Whether a number with its marks has the digits of a telephone number (ITU-T E.164: 15 at most)."""
    digits = sum(each.isdecimal() for each in text)
    return 8 <= digits <= 15 and (text.lstrip().startswith(("+", "00")) or digits in {9, 10, 11})


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _dated(year: str, month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31 and year.isdecimal()


def _us(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def _es(text: str) -> bool:
    text = text.upper()
    number = {"X": "0", "Y": "1", "Z": "2"}.get(text[0], text[0]) + text[1:-1]
    return _SPANISH[int(number) % 23] == text[-1]


def _fr(text: str) -> bool:
    body = text.upper()[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(body) % 97 == int(text[13:]) and (1 <= int(body[3:5]) <= 12 or int(body[3:5]) >= 20)


def _it(text: str) -> bool:
    # Decreto ministeriale of 23 December 1976: letters and digits at odd places count by a table.
    table = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(each) if each.isdecimal() else ord(each) - 65 for each in text.upper()]
    total = sum(table[value] if place % 2 == 0 else value for place, value in enumerate(values[:15]))
    return total % 26 == values[15]


def _de(text: str) -> bool:
    # The tax number: ISO 7064 MOD 11,10, and of the first ten digits one comes twice or three times.
    rest = 10
    for digit in text[:10]:
        rest = ((int(digit) + rest) % 10 or 10) * 2 % 11
    repeated = [text[:10].count(digit) for digit in set(text[:10])]
    return (11 - rest) % 10 == int(text[10]) and max(repeated) in {2, 3} and sum(each > 1 for each in repeated) == 1


def _nl(text: str) -> bool:
    return int(text) > 0 and (_weighted(text, (9, 8, 7, 6, 5, 4, 3, 2)) - int(text[8])) % 11 == 0


def _be(text: str) -> bool:
    digits = "".join(each for each in text if each.isdecimal())
    number, check = int(digits[:9]), int(digits[9:])
    fits = check in {97 - number % 97, 97 - (number + 2_000_000_000) % 97}
    return fits and _dated(digits[:2], digits[2:4], digits[4:6])


def _pl(text: str) -> bool:
    dated = 1 <= int(text[2:4]) % 20 <= 12 and 1 <= int(text[4:6]) <= 31
    return dated and (_weighted(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) + int(text[10])) % 10 == 0


def _se(text: str) -> bool:
    digits = "".join(each for each in text if each.isdecimal())[-10:]
    return luhn(digits) and _dated(digits[:2], digits[2:4], str(int(digits[4:6]) % 60 or 99))


def _fi(text: str) -> bool:
    text = text.upper()
    return _FINNISH[int(text[:6] + text[7:10]) % 31] == text[10] and _dated(text[4:6], text[2:4], text[:2])


def _ch(text: str) -> bool:
    digits = text.replace(".", "")
    return (_weighted(digits, (1, 3) * 6) + int(digits[12])) % 10 == 0


def _br(text: str) -> bool:
    digits = "".join(each for each in text if each.isdecimal())
    for size in (9, 10):
        if _weighted(digits, range(size + 1, 1, -1)) * 10 % 11 % 10 != int(digits[size]):
            return False
    return len(set(digits)) > 1


def _cn(text: str) -> bool:
    weights = [pow(2, 17 - place, 11) for place in range(17)]
    return "10X98765432"[_weighted(text, weights) % 11] == text[17].upper() and _dated(
        text[6:10], text[10:12], text[12:14]
    )


def _gb(text: str) -> bool:
    text = text.upper().replace(" ", "")
    return text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


NATIONAL: Mapping[str, tuple[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "US social security number": (r"\d{3}-\d{2}-\d{4}", _us),
        "UK national insurance number": (
            r"(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?\d{2} ?\d{2} ?\d{2} ?(?i:[A-D])",
            _gb,
        ),
        "Spanish DNI or NIE": (r"(?i:[XYZ]\d{7}|\d{8})(?i:[A-HJ-NP-TV-Z])", _es),
        "French NIR": (r"[12]\d{4}(?:\d{2}|2[AaBb])\d{8}", _fr),
        "Italian codice fiscale": (r"(?i:[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])", _it),
        "German tax number": (r"[1-9]\d{10}", _de),
        "Dutch BSN": (r"\d{9}", _nl),
        "Belgian national number": (r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}", _be),
        "Polish PESEL": (r"\d{11}", _pl),
        "Swedish personnummer": (r"(?:\d{2})?\d{6}[-+]\d{4}", _se),
        "Finnish henkilötunnus": (r"(?i:\d{6}[-+A-FU-Y]\d{3}[0-9A-Y])", _fi),
        "Swiss AHV number": (r"756\.?\d{4}\.?\d{4}\.?\d{2}", _ch),
        "Brazilian CPF": (r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", _br),
        "Chinese identity number": (r"[1-9]\d{16}[0-9Xx]", _cn),
    }
)
"""National numbers: the form of the whole number as a regular expression, and whether a text of that form is one."""
