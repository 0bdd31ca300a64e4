"""Certificates of erasures as files: JSON, or a page of HTML or Markdown that carries the same JSON."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nbmlops.core.digests import canonical_json
from nbmlops.core.errors import (
    ConflictError,
    CorruptError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from nbmlops.store.certificates import FORMAT, Certificate, certificate_of

if TYPE_CHECKING:
    from nbmlops.store.trust import Keyring

__all__ = ["read", "target", "write"]

_LONGEST = 64 << 20
_HTML = '<script type="application/json" id="nbmlops-certificate">'
_MARKDOWN = "```json\n"


def target(path: Path) -> Path:
    """The file that a certificate is to be written to.

    Raises
    ------
    InvalidError
        When its ending is none of ``.json``, ``.html`` and ``.md``.
    ConflictError
        When it is there already.
    NotFoundError
        When its folder is not there.
    """
    if path.suffix not in {".json", ".html", ".md"}:
        raise InvalidError(f"{path} has no ending that a certificate has", hint="name it .json, .html or .md")
    if path.exists():
        raise ConflictError(f"{path} is there already", hint="give the certificate another name")
    if not path.parent.is_dir():
        raise NotFoundError(f"there is no folder {path.parent}", hint=f"mkdir -p {path.parent}")
    return path


def write(certificate: Certificate, path: Path, page: Callable[[Certificate, str], str]) -> None:
    """Write a certificate to a file of its own, which is there as a whole or not at all.

    Raises
    ------
    ConflictError
        When the file is there already.
    UnavailableError
        When it cannot be written.
    """
    form = path.suffix.removeprefix(".")
    text = certificate.document() if form == "json" else _embedded(certificate, form, page(certificate, form))
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError as error:
        raise ConflictError(f"{path} is there already", hint="give the certificate another name") from error
    except OSError as error:
        raise UnavailableError(f"cannot write {path}: {error.strerror}", hint="free some space") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _embedded(certificate: Certificate, form: str, page: str) -> str:
    """A page of HTML or Markdown with the certificate in it, so that it can be verified."""
    document = certificate.document()
    if form == "html":
        own = f"{_HTML}{document.replace('<', chr(92) + 'u003c')}</script>\n"
        before, end, after = page.rpartition("</body>")
        return f"{before}{own}{end}{after}" if end else page + own
    return f"{page.rstrip()}\n\n{_MARKDOWN}{document}```\n"


def read(path: Path, keyring: Keyring) -> Certificate:
    """Read a certificate from a file, of whatever form, and verify its signature.

    Raises
    ------
    NotFoundError
        When there is no such file.
    CorruptError
        When it holds no certificate.
    UntrustedError
        When the signature does not fit, or its key is not trusted.
    """
    try:
        if path.stat().st_size > _LONGEST:
            raise _no_certificate(path)
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="check the path") from None
    except UnicodeDecodeError:
        raise _no_certificate(path) from None
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from error
    try:
        said = json.loads(_found(text))
        if said.get("format") != FORMAT:
            raise UnsupportedError(
                f"{path} has the format {said.get('format')!r}, which this nbmlops does not know",
                hint="pip install --upgrade nbmlops",
            )
        payload = canonical_json({key: value for key, value in said.items() if key != "signature"})
        certificate = certificate_of(said)
        if canonical_json(certificate.said()) != payload:
            raise _no_certificate(path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_certificate(path) from error
    keyring.verify(payload, certificate.signature)
    return certificate


def _found(text: str) -> str:
    if (html := re.search(re.escape(_HTML) + r"(.*?)</script>", text, re.DOTALL)) is not None:
        return html[1]
    if (markdown := text.rpartition(f"\n{_MARKDOWN}"))[1]:
        return markdown[2].removesuffix("```\n")
    return text


def _no_certificate(path: Path) -> CorruptError:
    return CorruptError(f"{path} holds no certificate of an erasure, or not all of it", hint="ask for the file again")
