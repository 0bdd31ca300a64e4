"""The grammar as one table: every verb, where it is in Python, what it takes, and which faces have it.

The tree is built from it, and the parity test, the README and ``%ml?`` walk it. Everything is
``NOUN VERB`` except the few verbs whose noun is the workspace itself.
"""

from __future__ import annotations

from types import MappingProxyType

from nbmlops.commands.rows import (
    check,
    ci,
    data,
    deployment,
    feature,
    model,
    monitor,
    pipeline,
    remote,
    run,
    schedule,
    store,
    workspace,
)
from nbmlops.commands.verb import Verb
from nbmlops.core.errors import NotFoundError, nearest

__all__ = ["NOUNS", "VERBS", "Verb", "find", "of", "overview"]

NOUNS = MappingProxyType(
    {
        "data": "Versions of tables, files and folders",
        "run": "Recorded executions: params, metrics, inputs and outputs",
        "check": "Expectations about data, and the reports on them",
        "feature": "Feature views: defined by functions, joined point in time",
        "model": "Versions of trained models, signed, promoted through gates",
        "pipeline": "Notebooks as steps: run, prove, promote",
        "schedule": "What starts when: times, events, the daemon",
        "deployment": "Who is answered by which version, and what was asked",
        "monitor": "What is watched of a deployment, and how it stands",
        "ci": "Continuous integration: judge every push, promote on a tag",
        "remote": "Places to push to and pull from",
        "store": "Care of the stored bytes",
    }
)
"""The nouns and what they are about; each is a module of this package, and one of `rows`."""

VERBS: tuple[Verb, ...] = (
    *workspace.VERBS,
    *data.VERBS,
    *run.VERBS,
    *check.VERBS,
    *feature.VERBS,
    *model.VERBS,
    *pipeline.VERBS,
    *schedule.VERBS,
    *deployment.VERBS,
    *monitor.VERBS,
    *ci.VERBS,
    *remote.VERBS,
    *store.VERBS,
)
"""Every verb, in the order in which people meet them."""

_BY_WORDS = MappingProxyType({(verb.noun, verb.name): verb for verb in VERBS})


def of(noun: str) -> tuple[Verb, ...]:
    """The verbs of a noun; of the workspace for ``""``."""
    return tuple(verb for verb in VERBS if verb.noun == noun)


def find(noun: str, name: str) -> Verb:
    """The row of a verb.

    Raises
    ------
    NotFoundError
        When the grammar has no such verb.

    Examples
    --------
    >>> find("data", "save").usage
    'data save [VALUE] [NAME]'
    """
    try:
        return _BY_WORDS[noun, name]
    except KeyError:
        hint = nearest(name, [verb.name for verb in of(noun)])
        raise NotFoundError(f"there is no verb {name!r} of {noun or 'the workspace'}", hint=hint) from None


def overview() -> str:
    """The whole grammar as text, a line for each verb.

    Examples
    --------
    >>> print(overview().splitlines()[1])
    %ml init [PATH]                      Make a workspace in a folder, or a whole project.
    """
    lines = []
    for noun, about in {"": "The workspace", **NOUNS}.items():
        lines.append(f"{about}:")
        for verb in of(noun):
            lead = "%%ml" if verb.body == "code" else "%ml"
            lines.append(f"{lead} {verb.usage}".ljust(37) + verb.help)
        lines.append("")
    return "\n".join(lines)
