"""What names of columns and of people tell, by closed lists: careful, and no proof."""

from __future__ import annotations

import re

__all__ = ["SPECIAL", "is_person", "told_by_name"]

SPECIAL = "special category of personal data"
"""The kind of what people are grouped by, such as a religion."""

_BY_NAME = {
    "e-mail address": "email mail e_mail email_address correo courriel",
    "telephone number": "phone telephone tel mobile cellphone phone_number telefon telefono fax",
    "name of a person": "first_name last_name surname given_name family_name full_name maiden_name forename lastname "
    "firstname vorname nachname nom_de_famille prenom apellido apellidos cognome customer_name patient_name",
    "date of birth": "dob birth birthdate birthday date_of_birth birth_date geburtsdatum geburtstag fecha_nacimiento",
    "postal address": "address street street_address home_address postal_address anschrift strasse adresse direccion",
    "identity number": "ssn social_security social_security_number passport passport_number national_id tax_id iban "
    "nif dni bsn pesel cpf aadhaar driving_licence driver_license credit_card card_number cvv",
    "IP address": "ip ip_address ipv4 ipv6 client_ip remote_addr",
    SPECIAL: "religion ethnicity race sexual_orientation political_party union_member diagnosis disability hiv",
}
_WORDS = {word: kind for kind, words in _BY_NAME.items() for word in words.split()}
_MOST = max(word.count("_") + 1 for word in _WORDS)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GIVEN = frozenset(
    "aaron abigail adam adrian agnes ahmed aisha alan albert alejandro alessandro alex alexander alexandra alice alina "
    "amanda amelia amir amy ana andrea andreas andrew angela ann anna anne annika anthony antonio anton arjun arthur "
    "ashley barbara beatriz ben benjamin bernd betty bill bob boris brandon brian bruno camila carla carlos carmen "
    "carol caroline catherine charlotte chen chiara chloe christian christina christine christopher clara claudia "
    "daniel daniela david deborah denis diana diego dmitri dorothy edward elena elisabeth elizabeth ella ellen emil "
    "emily emma eric erik eva fatima felix fernando florian francesca francesco francisco frank gabriel george giulia "
    "giuseppe gloria grace greta hannah hans heather helen helena henrik henry hugo ibrahim ines ingrid irene isabel "
    "isabella ivan jack jacob james jan jana jane janet jason javier jean jennifer jessica joan joao johan johann "
    "john jonas jonathan jorge jose joseph joshua juan juana judith jukka julia julian karen karin karl katarina kate "
    "katherine kathleen kenji kevin klaus kumar larry laura lars lea lena leo leon li linda lisa louis louise luca "
    "lucas lucia luis lukas magdalena marco margaret maria marie mario mark marta martha martin mary mateo matthew max "
    "megan mehmet michael michelle miguel mikhail mohamed mohammed monica nancy natalia natalie nathan nicholas nicole "
    "nina noah nora oleg oliver olivia omar oscar pablo pamela patricia patrick paul paula pedro peter petra philip "
    "pierre priya rachel rafael rahul ralf ramon raphael raymond rebecca richard robert roberto roman rosa ruth ryan "
    "samantha samuel sandra sara sarah scott sean sebastian sergei sergio sharon simon simone sofia sophia sophie "
    "stefan stefano stella stephanie stephen steven susan sven tatiana teresa theo theresa thomas tim timothy tomas "
    "ursula valentina vera victor victoria viktor vincent virginia walter wei werner william wolfgang yan yuki yusuf "
    "zoe".split()
)
"""Given names that are common somewhere, and are seldom words of their own."""
_TITLES = frozenset("mr mrs ms miss dr prof herr frau sr sra mme m".split())
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*\.?")


def told_by_name(column: str) -> str | None:
    """The kind of personal data that a column's name stands for.

    Examples
    --------
    >>> told_by_name("customerEmail"), told_by_name("date_of_birth"), told_by_name("shipping")
    ('e-mail address', 'date of birth', None)
    """
    words = [word for word in re.split(r"[\W_]+", _CAMEL.sub("_", column).lower()) if word]
    for size in range(min(len(words), _MOST), 0, -1):
        for start in range(len(words) - size + 1):
            if kind := _WORDS.get("_".join(words[start : start + size])):
                return kind
    return None


def is_person(text: str) -> bool:
    """Whether a value reads as the name of a person: two to four capitalised words, a common given name first.

    Examples
    --------
    >>> is_person("Dr. Maria Curie"), is_person("Curie, Maria"), is_person("United Air Lines Inc.")
    (True, True, False)
    """
    if "," in text:
        last, _, first = text.partition(",")
        text = f"{first.strip()} {last.strip()}"
    words = [word.rstrip(".") for word in text.split()]
    if words and words[0].lower() in _TITLES:
        words = words[1:]
    if not 2 <= len(words) <= 4 or not all(_WORD.fullmatch(word) and word[0].isupper() for word in words):
        return False
    return words[0].lower() in _GIVEN
