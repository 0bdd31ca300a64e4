"""The Action ``webhook``: tells a program elsewhere of a change of a model.

What is to be told lies in the catalog as a fire of the schedule, filed from the audit trail and from the order of
versions; nothing is written beside the change itself, which takes no time for it. A fire ends when the receiver has
said yes. One that was killed between that and its end tells it again, under the same id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from nbmlops.core.actions import LaterError, Started
from nbmlops.core.errors import InvalidError, NbmlopsError, NotFoundError, RefusedError, nearest
from nbmlops.core.refs import check_name
from nbmlops.pipelines.schedules.changes import change_of
from nbmlops.pipelines.schedules.posting import Place, post
from nbmlops.pipelines.secret_values import REFERENCE, secret
from nbmlops.render.units import duration

if TYPE_CHECKING:
    from nbmlops.core.actions import Order
    from nbmlops.core.clock import Clock
    from nbmlops.pipelines.schedules.changes import Change
    from nbmlops.store.versions import Versions

__all__ = ["WebhookAction"]

_SHORTEST, _LONGEST = 5.0, 3600.0
_OLDEST = timedelta(days=3)
"""What a receiver does not take for so long has failed."""
_KEYS = frozenset({"url", "secret"})
_HINT = '[tool.nbmlops.webhooks] NAME = { url = "https://host/path", secret = "secret:NAME_OF_A_VARIABLE" }'


class WebhookAction:
    """Tells the webhooks of one project.

    Parameters
    ----------
    models : Versions
        The versions of models.
    clock : Clock
        The time.
    places : callable
        Gives ``[tool.nbmlops.webhooks]`` as it is now, when this person trusts the project.
    """

    def __init__(self, models: Versions, clock: Clock, places: Callable[[], Mapping[str, Mapping[str, Any]]]) -> None:
        self._models = models
        self._clock = clock
        self._places = places

    def named(self, target: str) -> str:
        """A webhook means itself."""
        return check_name(target)

    def check(self, target: str, parameters: Mapping[str, Any]) -> None:
        """Look whether the settings name it as they should; its secret is looked up where the daemon runs."""
        if parameters:
            raise InvalidError("a webhook takes no parameters", hint="leave -p out")
        self._said(target)

    def _said(self, name: str) -> Mapping[str, Any]:
        places = self._places()
        if name not in places:
            raise NotFoundError(f"there is no webhook named {name}", hint=nearest(name, places) or _HINT)
        said = places[name]
        if said.keys() != _KEYS or not all(isinstance(value, str) for value in said.values()):
            raise InvalidError(f"the webhook {name} has to have a url and a secret, and nothing else", hint=_HINT)
        if REFERENCE.fullmatch(said["secret"]) is None:
            raise InvalidError(f"the secret of the webhook {name} stands in the settings", hint=_HINT)
        if not REFERENCE.search(said["url"]):
            Place.of(name, said["url"], "x" * 32)  # what is wrong with it is said at once
        return said

    def start(self, order: Order) -> Started:
        """Tell it, or say when to try again: after as long as the change is old, so later and later."""
        change = change_of(self._models.catalog, self._models, order.logical_time)
        try:
            place = self._place(order.target)
            body = json.dumps(change.to_json(), separators=(",", ":")).encode()
            status = post(place, change.id, int(self._clock.now().timestamp()), body)
        except NbmlopsError as error:  # a secret that is missing here may be there with the next daemon
            self._later(order.target, change, error.message)
        if not 200 <= status < 300:
            redirects = ", and redirects are not followed" if 300 <= status < 400 else ""
            self._later(order.target, change, f"the answer was {status}{redirects}")
        return Started(note=f"{change.event} of {change.model}: {status}")

    def _place(self, name: str) -> Place:
        said = self._said(name)
        url = REFERENCE.sub(lambda found: secret(found[1]), said["url"])
        return Place.of(name, url, secret(said["secret"].removeprefix("secret:")))

    def _later(self, name: str, change: Change, why: str) -> NoReturn:
        age = self._clock.now() - change.at
        what = f"{name} was not told of {change.event} of {change.model}: {why}"
        if age > _OLDEST:
            raise RefusedError(f"{what}; given up after {duration(_OLDEST.total_seconds())}") from None
        raise LaterError.after(min(max(age.total_seconds(), _SHORTEST), _LONGEST), what) from None
