"""One POST to a webhook: signed, with a bound on its time, over verified TLS, and to the very address that is set.

The signature is that of Standard Webhooks 1.0 (https://www.standardwebhooks.com): HMAC-SHA256 over the id, the time and
the body, so libraries of many languages verify it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from nbmlops.core.errors import InvalidError, UnavailableError
from nbmlops.core.version import __version__

__all__ = ["Place", "post", "signature"]

_SECONDS = 10.0
_LEAST = 16
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a webhook is: its address, checked, and the key of its signatures."""

    url: SplitResult
    key: bytes

    @classmethod
    def of(cls, name: str, url: str, secret: str) -> Place:
        """Check an address and a secret.

        Raises
        ------
        InvalidError
            When it is none of https, or of http on this machine; when it holds a password; when the secret is short.
        """
        # The address may hold a secret, so it is not repeated.
        wrong = f"the url of the webhook {name} is none of https"
        hint = 'url = "https://host/path"; http is for this machine alone'
        try:
            parts = urlsplit(url)
            plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
            known = bool(parts.hostname) and (plain or parts.scheme == "https") and parts.port != 0
        except ValueError:  # a port that is none
            raise InvalidError(wrong, hint=hint) from None
        if not known:
            raise InvalidError(wrong, hint=hint)
        if parts.username is not None or parts.password is not None:
            raise InvalidError(f"the url of the webhook {name} has a name or a password", hint="its signature says who")
        return cls(parts, _key(name, secret))


def _key(name: str, secret: str) -> bytes:
    try:
        marked = secret.startswith("whsec_")
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True) if marked else secret.encode()
    except binascii.Error:
        raise InvalidError(
            f"the secret of the webhook {name} begins with whsec_, and is no base64 after that"
        ) from None
    if len(key) < _LEAST:
        hint = "32 random bytes in hexadecimal make one"
        raise InvalidError(f"the secret of the webhook {name} has fewer than {_LEAST} bytes", hint=hint)
    return key


def signature(key: bytes, identity: str, at: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``.

    Examples
    --------
    >>> signature(b"0123456789abcdef", "one", 1_700_000_000, b"{}")
    'v1,aZ3pGqHUcnaAUEyhQPZC+ynf2xIDc6ERrN2pjyCZHcM='
    """
    signed = hmac.new(key, b"%s.%d.%s" % (identity.encode(), at, body), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def post(place: Place, identity: str, at: int, body: bytes, seconds: float = _SECONDS) -> int:
    """Send it; gives the status of the answer, which is not read. A redirect is not followed.

    Raises
    ------
    UnavailableError
        When there is no answer in so many seconds, or none of HTTP.
    """
    headers = {
        "content-type": "application/json",
        "user-agent": f"nbmlops/{__version__}",
        "webhook-id": identity,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(place.key, identity, at, body),
    }
    host, port = place.url.hostname or "", place.url.port
    path = (place.url.path or "/") + (f"?{place.url.query}" if place.url.query else "")
    connection = (
        http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
        if place.url.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=seconds)
    )
    # The time-out is one of each read: an answer that comes drop by drop is cut off by this.
    cut = threading.Event()
    late = threading.Timer(seconds, _cut, (connection, cut))
    late.daemon = True
    late.start()
    try:
        connection.request("POST", path, body, headers)
        status = connection.getresponse().status
        if cut.is_set():  # it broke off, and what had come till then looks like an answer
            raise TimeoutError
        return status
    except ssl.SSLCertVerificationError as error:
        raise UnavailableError(f"its certificate does not hold: {error.verify_message}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"no answer in {seconds:g} seconds" if cut.is_set() or isinstance(error, TimeoutError) else ""
        raise UnavailableError(why or f"no answer: {type(error).__name__}") from None
    finally:
        late.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection, cut: threading.Event) -> None:
    cut.set()
    with suppress(OSError, AttributeError):  # it is closed already
        connection.sock.shutdown(socket.SHUT_RDWR)
