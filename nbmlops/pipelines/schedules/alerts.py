"""Tells people by apprise: of a failure, of the recovery after it, and of what is late; each once.

What there is to say lies in the catalog, written in the transaction in which it became true. Whichever daemon can send
takes it from there; one that was killed while it sent is followed by another after a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import DependencyError, InvalidError
from nbmlops.pipelines.schedules import queries
from nbmlops.pipelines.secret_values import REFERENCE, secret

if TYPE_CHECKING:
    from nbmlops.core.clock import Clock
    from nbmlops.store.catalog import Catalog

__all__ = ["Alerts"]

_TRIES, _PAUSE = 5, timedelta(minutes=1)
_OLDEST = timedelta(days=1)
"""What nobody could be told for a day is news no more."""
_TYPES = {"failure": "failure", "recovery": "success", "late": "warning", "digest": "info"}


class Alerts:
    """Sends what is to be told to where the project says.

    Parameters
    ----------
    catalog : Catalog
        Where it is noted.
    clock : Clock
        The time.
    places : callable
        Gives URLs of apprise; ``secret:NAME`` in one stands for the environment's variable of that name.
    """

    def __init__(self, catalog: Catalog, clock: Clock, places: Callable[[], Sequence[str]]) -> None:
        self._catalog = catalog
        self._clock = clock
        self._places = places
        self._opened: Any = None

    def open(self) -> None:
        """Read the places, so that what is wrong with them is said before anything has to be told.

        Raises
        ------
        DependencyError
            When apprise is not installed.
        NotFoundError
            When a secret is not in the environment.
        InvalidError
            When a URL is none that apprise knows.
        """
        places = self._places()
        if not places:
            return
        try:
            import apprise
        except ImportError as error:
            raise DependencyError(
                "alerts are sent by apprise, which is not installed", hint="pip install 'nbmlops[alerts]'"
            ) from error
        opened = apprise.Apprise()
        for number, place in enumerate(places, 1):
            if not opened.add(_resolved(place)):
                # The URL itself may be a secret.
                raise InvalidError(
                    f"alert {number} in [tool.nbmlops] is no URL that apprise knows",
                    hint="mailto://…, slack://…, json://host/path; https://github.com/caronc/apprise lists them",
                )
        self._opened = opened

    def send(self) -> list[str]:
        """Send what is to be told now; a sentence for each that could not be."""
        if self._opened is None:
            return []
        now, said = self._clock.now(), []
        for row in self._catalog.read(lambda c: queries.due_notices(c, now - _OLDEST, now, _TRIES)):
            taken = {"tries": row.tries + 1, "not_before": now + _PAUSE}
            if not self._change(row, taken):
                continue
            if self._opened.notify(body=row.body, title=f"nbmlops: {row.title}", notify_type=_TYPES[row.kind]):
                self._change(row, {"sent_at": now}, tries=row.tries + 1)
            else:
                more = "it is tried again" if row.tries + 1 < _TRIES else "it is given up"
                said.append(f"nobody could be told that {row.title}; {more}")
        return said

    def _change(self, row: Any, values: Mapping[str, Any], tries: int | None = None) -> bool:
        known = row.tries if tries is None else tries
        return self._catalog.transact(lambda c: queries.change_notice(c, row.id, values, tries=known))


def _resolved(place: str) -> str:
    return REFERENCE.sub(lambda found: secret(found[1]), place)
