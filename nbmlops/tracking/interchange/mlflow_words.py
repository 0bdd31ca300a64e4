"""What runs are called there and here: statuses, names, params, and what MLflow has no room for.

MLflow allows names of at most 250 letters, digits and some signs, params of 6,000 and tags of 8,000 characters, and
cuts what is longer (``mlflow/utils/validation.py`` of 3.17). What does not fit is kept whole in an artifact beside it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from nbmlops.core import digests
from nbmlops.core.errors import DependencyError, UnavailableError
from nbmlops.core.refs import RESERVED
from nbmlops.store.addresses import remember

__all__ = [
    "EXPERIMENT",
    "HERE",
    "NOTE",
    "OWN_ID",
    "OWN_NAME",
    "OWN_PARENT",
    "PARENT",
    "RUN_NAME",
    "THERE",
    "WHOLE",
    "connected",
    "experiment_here",
    "fitting",
    "param_here",
    "param_there",
    "place_of",
]

OWN_ID, OWN_NAME, OWN_PARENT = "nbmlops.run_id", "nbmlops.run", "nbmlops.parent_id"
"""Tags there that say which run of ours it is."""
NOTE, PARENT, RUN_NAME = "mlflow.note.content", "mlflow.parentRunId", "mlflow.runName"
EXPERIMENT = "mlflow.experiment"
"""Tag here: what the experiment is called there, where it cannot be called so here."""
WHOLE = "nbmlops/run.json"
"""The artifact that holds what MLflow has no word or no room for."""
HERE = {
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "KILLED": "killed",
}
THERE = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
_LONGEST = 250
_FORBIDDEN = re.compile(r"[^\w\-. :/]")
_CONSTANTS = {"True": True, "False": False, "None": None}
_DIGITS = 19


@contextmanager
def connected(uri: str) -> Iterator[Any]:
    """The client of MLflow for an address; what it raises in the body is told as ours.

    Raises
    ------
    DependencyError
        When MLflow is not installed.
    UnavailableError
        When it cannot be reached, or refuses something.
    """
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise DependencyError("MLflow is not installed", hint="pip install mlflow") from error
    try:
        yield MlflowClient(tracking_uri=uri)
    except (MlflowException, OSError) as error:
        raise UnavailableError(
            f"MLflow at {place_of(uri)} could not be used: {error}"[:400], hint="check the address, then try again"
        ) from error


def place_of(uri: str) -> str:
    """The address of MLflow as it may be shown: without a name, a password and a query, which are remembered.

    Examples
    --------
    >>> place_of("http://ann:geheim@host:5000/x?token=geheim"), place_of("sqlite:///mlflow.db")
    ('mlflow:http://host:5000/x', 'mlflow:sqlite:///mlflow.db')
    """
    with suppress(ValueError):
        parts = urlsplit(uri)
        remember(parts.password or "", parts.query)
    return f"mlflow:{re.sub(r'(?<=//)[^/]*@', '', uri.partition('?')[0])}"


def fitting(name: str) -> str:
    """A name that MLflow takes; one that it does not take is changed, and stays apart from others by its digest.

    Examples
    --------
    >>> fitting("val/auc"), fitting("a=b")
    ('val/auc', 'a_b-c93722fb')
    """
    fits = not _FORBIDDEN.search(name) and posixpath.normpath(name) == name and not name.startswith(("/", ".."))
    if fits and name != "." and len(name) <= _LONGEST:
        return name
    short = _FORBIDDEN.sub("_", name).strip("/.")[: _LONGEST - 10].replace("//", "__").replace("/.", "_")
    return f"{short or 'name'}-{digests.short(digests.of_text(name))}"


def experiment_here(name: str) -> str:
    """A name of an experiment that a run can have here.

    Examples
    --------
    >>> experiment_here("/Users/ann/delay model"), experiment_here("Default")
    ('Users-ann-delay-model', 'Default')
    """
    words = re.sub(r"-{2,}", "-", "".join(each if each.isalnum() or each in "_-" else "-" for each in name))
    found = words.strip("-")[:100] or "mlflow"
    return f"{found}_1" if found in RESERVED else found


def param_there(value: Any) -> str:
    """A param as MLflow keeps it: as text.

    Examples
    --------
    >>> param_there(0.1), param_there(True), param_there([1, "a"])
    ('0.1', 'True', '[1, "a"]')
    """
    if isinstance(value, str):
        return value
    return repr(value) if value is None or isinstance(value, bool | int | float) else json.dumps(value)


def param_here(text: str) -> Any:
    """What a text says when it is how Python writes a number, a truth value or None; any other text stays one.

    Examples
    --------
    >>> param_here("4"), param_here("0.1"), param_here("True"), param_here("007"), param_here("1e5")
    (4, 0.1, True, '007', '1e5')
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) <= _DIGITS + 6:
        for kind in (int, float):
            with suppress(ValueError):
                if repr(kind(text)) == text and text not in {"nan", "inf", "-inf"}:
                    return kind(text)
    return text
