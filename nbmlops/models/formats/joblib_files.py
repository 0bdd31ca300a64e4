"""joblib files: pickles, which run whatever code they name, for what no safe format can hold.

One is written only for what skops cannot hold, and read only when the person's own key signed it, or a key
that they trust with exactly this. The signature stands between the file and the unpickler; there is no other fence.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from nbmlops.core.errors import InvalidError, UnsupportedError, UntrustedError
from nbmlops.models.formats.protocol import Trust
from nbmlops.models.formats.skops_files import Skops
from nbmlops.models.screening import NeverTrustedError

__all__ = ["Joblib"]


class Joblib:
    """Files that only a trusted signature opens."""

    name = "joblib"
    ending = ".joblib"
    libraries = ("joblib",)
    bound = 0.0

    def made_for(self, estimator: Any) -> bool:  # noqa: ARG002 - see `Format.made_for`
        """Nothing: it is written on request alone."""
        return False

    def dump(self, estimator: Any, trust: Trust, example: Any = None) -> bytes:  # noqa: ARG002 - see `Format.dump`
        """Pickle `estimator`, which skops must have refused.

        Raises
        ------
        InvalidError
            When skops can hold it, or it holds what was defined in a cell.
        UntrustedError
            When skops can hold it once a type is trusted by name.
        UnsupportedError
            When it cannot be pickled.
        """
        import joblib

        _refuse_what_skops_holds(estimator, trust)
        buffer = io.BytesIO()
        try:
            joblib.dump(estimator, buffer)
        except (AttributeError, TypeError, ValueError, RecursionError, pickle.PicklingError) as error:
            raise UnsupportedError(
                f"{type(estimator).__name__} cannot be written as a joblib file: {error}",
                hint="move what is defined in a function or a cell to a module, and import it from there",
            ) from error
        content = buffer.getvalue()
        if b"__main__" in content:  # the name of the module, by which a pickle finds a class again
            raise InvalidError(
                f"the {type(estimator).__name__} holds what was defined in a cell; it could not be loaded elsewhere",
                hint="move it to a module beside the notebook and import it from there",
            )
        return content

    def inspect(self, content: bytes, trust: Trust) -> str:  # noqa: ARG002 - nothing about a pickle is known unread
        """Refuse unless this person trusts the signer with code; a pickle cannot be judged.

        Raises
        ------
        UntrustedError
            When the file may run no code.
        """
        if not trust.code:
            raise UntrustedError(
                "the model is a joblib file, which runs any code that its signer put in, and you trust its key with "
                "safe formats alone",
                hint="when you would run that person's programs: `ml model trust joblib:KEY`, "
                "with the key that `ml model show NAME` names",
            )
        return "any code: a pickle, of a key trusted with that"

    def load(self, content: bytes, trust: Trust) -> Any:
        """Unpickle what the person or somebody trusted with code has signed.

        Raises
        ------
        UntrustedError
            See `inspect`.
        UnsupportedError
            When it needs code that is not here, or is no joblib file.
        """
        import joblib

        self.inspect(content, trust)
        try:
            return joblib.load(io.BytesIO(content))
        except Exception as error:  # what is in a pickle raises what it likes
            raise UnsupportedError(
                f"the joblib file cannot be read here: {type(error).__name__}: {error}",
                hint="install the library versions that it was saved with: `ml model show NAME`",
            ) from error


def _refuse_what_skops_holds(estimator: Any, trust: Trust) -> None:
    skops = Skops()
    try:
        skops.load(skops.dump(estimator, trust), trust)
    except (UnsupportedError, NeverTrustedError):
        return
    raise InvalidError(
        f"a skops file can hold this {type(estimator).__name__}: joblib, which runs code when it is read, is for what "
        "skops cannot hold",
        hint="leave the format out: `ml model save ESTIMATOR NAME`",
    )
