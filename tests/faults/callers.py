"""Callers who ask an endpoint without a pause, each on a connection of its own, and note what they were told."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tests.serving.endpoint.places import Client

__all__ = ["Answer", "Callers"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request: when, of which version, and whether the answer is that version's."""

    id: str
    at: float
    version: str
    good: bool


@dataclass(slots=True)
class Callers:
    """Ask until the ``with`` ends.

    Attributes
    ----------
    client : Client
        The endpoint.
    path : str
        Where it predicts.
    body : bytes
        What is asked.
    wanted : mapping of str to list of float
        What each version gives for it.
    count : int
        How many ask.
    answers : list of Answer
        What came back.
    failed : list of (str, str)
        Requests that were not answered well, and why.
    """

    client: Client
    path: str
    body: bytes
    wanted: Mapping[str, list[float]]
    count: int
    answers: list[Answer] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(self.count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, caller: int) -> None:
        connection, number = self._connection(), 0
        while not self._ending.is_set():
            number += 1
            name = f"c{caller}-{number}"
            try:
                self._note(name, connection)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append((name, repr(error)))
                connection.close()
                connection = self._connection()
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.client.address.removeprefix("http://"), timeout=120)

    def _note(self, name: str, connection: http.client.HTTPConnection) -> None:
        headers = {"authorization": f"Bearer {self.client.token}", "content-type": "application/json"}
        connection.request("POST", self.path, self.body, {**headers, "x-request-id": name})
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            self.failed.append((name, f"{response.status} {content[:200]!r}"))
            return
        document: dict[str, Any] = json.loads(content)
        version = document["model_version"]
        values = document["outputs"][1]["data"]
        same = all(abs(a - b) < 1e-9 for a, b in zip(values, self.wanted[version], strict=True))
        self.answers.append(Answer(name, time.time(), version, same and response.headers["x-model-version"] == version))
