"""Secrets that a notebook is given by name: ``secret:NAME`` stands for a value that nothing keeps.

The notebook, its parameters and the run hold the reference. The value is looked up when the step starts, in the
environment, handed to the kernel over its own socket after the cell of parameters, and
taken out of whatever the kernel says before that is shown, saved or recorded. So are the values of variables of the
environment whose names say that they are secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.store.redaction import Redaction
from nbmlops.store.url_errors import secret_variables

__all__ = ["REFERENCE", "Secrets", "secret"]

REFERENCE = re.compile(r"secret:([A-Za-z_][A-Za-z0-9_]*)")
"""What stands for a secret, by its name."""
_SHORTEST = 4
_MARK = "[secret]"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one notebook.

    Attributes
    ----------
    parameters : mapping of str to str
        Parameter -> its value.
    redaction : Redaction
        Finds these values, and those of the environment.
    """

    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    redaction: Redaction = field(default_factory=Redaction, repr=False)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Secrets:
        """Look up those that the values of parameters refer to.

        Parameters
        ----------
        values : mapping
            Parameter -> value, of which those that are text of the form ``secret:NAME`` count.

        Raises
        ------
        NotFoundError
            The environment has not one of them.
        InvalidError
            One is so short that it stands in any text.
        """
        texts = {key: REFERENCE.fullmatch(value) for key, value in values.items() if isinstance(value, str)}
        found = {key: _long_enough(match[1]) for key, match in texts.items() if match}
        known = [*found.values(), *secret_variables(os.environ)]
        lines = [line for text in known for line in text.splitlines() if len(line) >= _SHORTEST]
        return cls(found, Redaction([*known, *lines], mark=_MARK))

    @property
    def code(self) -> str:
        """What the kernel executes, unseen, to have them; empty when there are none."""
        return "\n".join(f"{name} = {value!r}" for name, value in self.parameters.items())


def secret(name: str) -> str:
    """The value of a secret, from the environment.

    Raises
    ------
    NotFoundError
        The environment has it not.
    """
    value = os.environ.get(name)
    if not value:
        raise NotFoundError(f"there is no secret {name}", hint=f"set the variable {name} of the environment")
    return value


def _long_enough(name: str) -> str:
    value = secret(name)
    if len(value) < _SHORTEST:
        raise InvalidError(
            f"the secret {name} has fewer than {_SHORTEST} characters: it cannot be told from other text",
            hint="take a longer one",
        )
    return value
