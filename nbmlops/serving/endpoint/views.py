"""How an endpoint looks."""

from __future__ import annotations

from nbmlops.core.errors import spoken
from nbmlops.render.dispatch import looks
from nbmlops.render.listing import Field, lists
from nbmlops.render.look import Facts, Look, Part, line
from nbmlops.render.units import count
from nbmlops.serving.endpoint.records import Endpoint

__all__: list[str] = []


@looks(Endpoint)
def _(endpoint: Endpoint) -> Look:
    if endpoint.stopped:
        return Look(line(endpoint.ref, Part("stopped", "good"), endpoint.address))
    facts = {
        "token": endpoint.token_file or "the one of the environment",
        "workers": count(endpoint.workers, "process", "processes"),
        "ask": f"POST {endpoint.address}/v2/models/{endpoint.name}/infer, described at {endpoint.address}/docs",
        "log": endpoint.log,
        "stop": spoken(f"`ml serve {endpoint.ref} --stop`"),
    }
    return Look(line(endpoint.ref, f"answers at {endpoint.address}"), (Facts.of(facts),))


lists(
    Endpoint,
    Field("model", lambda endpoint: endpoint.ref),
    Field("address", lambda endpoint: endpoint.address),
    Field("workers", lambda endpoint: endpoint.workers, right=True),
    Field("process", lambda endpoint: endpoint.pid, right=True),
    Field("log", lambda endpoint: endpoint.log or ""),
    nothing="nothing is served; to begin: `ml serve NAME@production`",
)
