"""Addresses that people give: what of one may be shown and recorded, and what is a secret.

The address of a download may be signed: whoever has its query has the file. So only scheme, host and path of one are
shown; its password and its query are remembered while the process lives, and taken out of whatever is recorded.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from nbmlops.core.errors import InvalidError
from nbmlops.store.url_errors import refuse_credentials

__all__ = ["is_on_web", "last_part", "local_path", "recordable", "remember", "scheme_of", "shown"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WEB = frozenset({"http", "https"})
_LOGIN = re.compile(r"""://[^\s/@"']+:[^\s/@"']+@""")
_SIGNED = re.compile(
    r"""([?&][\w.~-]*(?:sig|token|secret|passw|credential|key)[\w.~-]*=)[^&\s"'#<>]+""",
    re.IGNORECASE,
)
_LONG, _LONGER = 8, 16
"""Letters from which on a password, or a value of a query, is told from a word of any text."""
_spoken: set[str] = set()


def scheme_of(words: str) -> str:
    """The scheme of an address; empty when the words are none.

    Examples
    --------
    >>> scheme_of("s3://bucket/flights.csv"), scheme_of("flights.csv")
    ('s3', '')
    """
    found = _SCHEME.match(words)
    return found[1].lower() if found else ""


def is_on_web(url: str) -> bool:
    """Whether it is the address of a web server, where a password or a signed query belong to the address."""
    return scheme_of(url) in _WEB


def shown(url: str) -> str:
    """An address as it may be shown and recorded; its secrets are remembered.

    Raises
    ------
    InvalidError
        When it cannot be taken apart, or holds credentials that belong into the environment.

    Examples
    --------
    >>> shown("https://ann:geheim@host:8000/x/flights.csv?signature=geheim")
    'https://host:8000/x/flights.csv'
    """
    scheme = scheme_of(url)
    if "::" in url:
        raise InvalidError(
            f"an address within another, as this one of {scheme}://, is not read",
            hint="download it, unpack it, and save the file",
        )
    if scheme not in _WEB:
        return refuse_credentials(url)
    parts, host, port = urlsplit("//"), None, None
    with suppress(ValueError):
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    if not host:
        raise InvalidError(f"the address {scheme}://… cannot be taken apart", hint="check it; it begins with a host")
    remember(parts.password or "", parts.query)
    where = f"[{host}]" if ":" in host else host
    return f"{scheme}://{where}{'' if port is None else f':{port}'}{parts.path}"


def local_path(url: str) -> Path:
    """The path that a ``file://`` address means.

    Examples
    --------
    >>> local_path("file:///x/my%20flights.csv").as_posix()
    '/x/my flights.csv'
    """
    return Path(unquote(url.partition("://")[2].removeprefix("localhost/"))).absolute()


def last_part(url: str) -> str:
    """What a file or folder is called at its address, as it was shown; empty when that is no name of a file.

    Examples
    --------
    >>> last_part("https://host/x/my%20flights.csv"), last_part("s3://bucket/raw/"), last_part("https://host")
    ('my flights.csv', 'raw', '')
    """
    rest = url.partition("://")[2].rstrip("/")
    name = rest.rpartition("/")[2] if "/" in rest or not is_on_web(url) else ""
    last = (unquote(name) if is_on_web(url) else name).rpartition("/")[2]
    return "" if last in {".", ".."} or "\0" in last else last


def recordable(text: str) -> str:
    """A text as it may be recorded, such as the source of a cell: without what is secret of addresses in it.

    That is what addresses held that were read in this process, and what looks like a password or a signature.

    Examples
    --------
    >>> recordable('read("https://ann:geheim@host/x.csv?page=2&X-Amz-Signature=ab12")')
    'read("https://…@host/x.csv?page=2&X-Amz-Signature=…")'
    """
    for secret in sorted(_spoken, key=len, reverse=True):
        text = text.replace(secret, "://…@" if secret[:3] == "://" else "?…" if secret[0] == "?" else "…")
    return _SIGNED.sub(r"\1…", _LOGIN.sub("://…@", text))


def remember(password: str, query: str, login: str = "") -> None:
    """Take these parts of an address out of what is recorded from now on; `login` is what stands before its ``@``."""
    found: set[str] = set()
    if len(password) >= _LONG:
        found |= {password, unquote(password), quote(password, safe="")}
    if login:
        found.add(f"://{login}@")
    if query:
        found.add(f"?{query}")
        found |= {value for _, value in parse_qsl(query) if len(value) >= _LONGER}
    _spoken.update(found)
