"""Callers of an endpoint: some connections at once, a request for each flight, as any program of anybody would ask."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from nbmlops.core.errors import UnavailableError

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.serving.endpoint.records import Endpoint

__all__ = ["Answers", "Callers"]

_MANY = 16
_SECONDS = 30.0


@dataclass(slots=True)
class Answers:
    """What became of some requests: how many each version answered, and how many were refused."""

    by_version: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    @property
    def given(self) -> int:
        """How many were answered."""
        return self.by_version.total()

    def add(self, other: Self) -> None:
        """Count others as well."""
        self.by_version += other.by_version
        self.refused += other.refused


class Callers:
    """Callers of one endpoint; close them, or use them in a ``with``.

    Parameters
    ----------
    endpoint : Endpoint
        Whom they ask; its token is in a file.
    many : int
        How many ask at once.
    """

    def __init__(self, endpoint: Endpoint, many: int = _MANY) -> None:
        assert endpoint.token_file is not None
        self._name = endpoint.name
        self._place = urlsplit(endpoint.address).netloc
        self._token = Path(endpoint.token_file).read_text(encoding="ascii").strip()
        self._lines = [http.client.HTTPConnection(self._place, timeout=_SECONDS) for _ in range(many)]
        self._pool = ThreadPoolExecutor(many, thread_name_prefix="caller")

    def ask(self, rows: pd.DataFrame) -> Answers:
        """Ask for each row, by a request of its own that is called as the row is."""
        columns = list(rows.columns)
        values = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
        bodies = [
            (name, json.dumps({"dataframe_split": {"columns": columns, "data": [row]}}))
            for name, row in zip(rows.index, values, strict=True)
        ]
        many = len(self._lines)
        done = self._pool.map(self._ask_in_turn, self._lines, [bodies[start::many] for start in range(many)])
        answers = Answers()
        for some in done:
            answers.add(some)
        return answers

    def await_versions(self, champion: int, shadow: Sequence[int], seconds: float = 60.0) -> None:
        """Wait until the endpoint has taken what the catalog says.

        Raises
        ------
        UnavailableError
            When it does not in time.
        """
        until = time.monotonic() + seconds
        while True:
            parameters = self._get(f"/v2/models/{self._name}")["parameters"]
            if (parameters["version"], sorted(parameters["shadow"])) == (champion, sorted(shadow)):
                return
            if time.monotonic() > until:
                raise UnavailableError(
                    f"the endpoint at {self._place} has not taken version {champion} of {self._name} "
                    f"in {seconds:g} seconds: {parameters['behind']}",
                    hint="`ml serve` lists what is served, and where its log is",
                )
            time.sleep(0.1)

    def close(self) -> None:
        """Hang up."""
        self._pool.shutdown()
        for line in self._lines:
            line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask_in_turn(self, line: http.client.HTTPConnection, bodies: Iterable[tuple[str, str]]) -> Answers:
        answers = Answers()
        # An endpoint hangs up on who is silent for a minute, and a training may take longer.
        line.close()
        for name, body in bodies:
            headers = {**self._headers, "Content-Type": "application/json", "X-Request-Id": name}
            line.request("POST", "/invocations", body, headers)
            answer = line.getresponse()
            answer.read()
            if answer.status == http.client.OK:
                answers.by_version[f"v{answer.headers['x-model-version']}"] += 1
            else:
                answers.refused += 1
        return answers

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _get(self, path: str) -> Any:
        line = http.client.HTTPConnection(self._place, timeout=_SECONDS)
        try:
            line.request("GET", path, headers=self._headers)
            return json.loads(line.getresponse().read())
        finally:
            line.close()
