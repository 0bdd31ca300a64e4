"""What went wrong at a URL: whether another try may help, and how to say it without saying a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from nbmlops.core.errors import InvalidError, UnavailableError

__all__ = [
    "code_of",
    "explained",
    "is_final",
    "lacks_bucket",
    "refuse_credentials",
    "secret_variables",
    "without_secrets",
]

_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY|ACCOUNT_KEY|CONNECTION_STRING|SAS")
_FINAL = (PermissionError, IsADirectoryError, NotADirectoryError, ValueError, TypeError, NotImplementedError)
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "CredentialRetrievalError")
_AGAIN = "what arrived stays; do it again when it answers"


def refuse_credentials(url: str) -> str:
    """Give back a URL that holds no credentials.

    Raises
    ------
    InvalidError
        When it holds a password or parameters; neither is repeated in the message.

    Examples
    --------
    >>> refuse_credentials("s3://bucket/prefix")
    's3://bucket/prefix'
    """
    # Not `urlsplit(url).password`: a secret key may hold a slash, and then the rest of it looks like a path.
    rest = url.partition("://")[2]
    user, at, _ = rest.rpartition("@")
    if (at and ":" in user) or "?" in rest or "#" in rest:
        raise InvalidError(
            f"the URL {urlsplit(url).scheme}://… holds a password or parameters, and credentials are never stored",
            hint="write it without them; they come from the environment, such as AWS_PROFILE or AWS_ACCESS_KEY_ID",
        )
    return url


def secret_variables(environ: Mapping[str, str]) -> list[str]:
    """Values of the variables whose names say that they are secret, of six characters at least.

    Examples
    --------
    >>> secret_variables({"API_TOKEN": "geheim", "HOME": "/home/ann", "PIN_SECRET": "1234"})
    ['geheim']
    """
    return [value for name, value in environ.items() if len(value) >= 6 and _SECRET.search(name.upper())]


def without_secrets(text: str) -> str:
    """A text in which no value of this environment's secrets is left, nor a password or the query of a URL.

    Examples
    --------
    >>> without_secrets("cannot reach sftp://ann:geheim@host/x?signature=geheim")
    'cannot reach sftp://…@host/x?…'
    """
    for value in secret_variables(os.environ):
        text = text.replace(value, "…")
    text = re.sub(r"://[^\s/@]+:[^\s@]*@", "://…@", text)
    return re.sub(r"""(://[^\s?"'<>]*\?)[^\s"'<>]+""", r"\1…", text)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def code_of(error: BaseException) -> str:
    """What S3 calls an error, such as ``NoSuchBucket``; empty when it did not say."""
    for each in _chain(error):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def lacks_bucket(error: BaseException) -> bool:
    """Whether not the file is missing, but all of the place it would be in."""
    return code_of(error) == "NoSuchBucket"


def is_final(error: BaseException) -> bool:
    """Whether another try would end in the same way."""
    return isinstance(error, _FINAL) or type(error).__name__ in _NO_CREDENTIALS


def explained(where: str, error: BaseException, tries: int) -> UnavailableError:
    """The one error that a person sees, after as many tries as were worth it."""
    said = without_secrets(str(error) or type(error).__name__)
    if lacks_bucket(error):
        return UnavailableError(f"the bucket of {where} does not exist", hint="check its name, or make the bucket")
    if isinstance(error, PermissionError) or type(error).__name__ in _NO_CREDENTIALS:
        return UnavailableError(
            f"{where} does not let you in: {said}",
            hint="check the credentials in the environment, such as AWS_PROFILE or AWS_ACCESS_KEY_ID",
        )
    if is_final(error):
        return UnavailableError(f"{where} cannot be used: {said}", hint="check the URL")
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        times = "" if tries == 1 else f", {tries} times in a row"
        return UnavailableError(f"{where} did not answer in time{times}", hint=_AGAIN)
    if tries == 1:
        return UnavailableError(f"{where} failed: {said}", hint=_AGAIN)
    return UnavailableError(f"{where} failed {tries} times in a row; the last time it said: {said}", hint=_AGAIN)
