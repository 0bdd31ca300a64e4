"""Whether a run that is executed again finds the Python, the packages and the modules of the project that it found.

What counts as another are Python, the distributions that the notebook's imports reach by what each requires, and the
project's own modules. Other distributions, the processor and the threads are told, and decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Any

from nbmlops.checks.records import Outcome, Status
from nbmlops.core.digests import short

__all__ = ["compare_environments", "compare_modules", "reached"]

_NAMED = 8
_ABOUT = {"implementation": "Python", "machine": "machine", "platform": "platform", "cpu": "processor"}
_REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)[^;]*(?:;(.*))?$")
_KERNEL = ("nbmlops", "ipykernel")


def compare_environments(
    before: Mapping[str, Any] | None, now: Mapping[str, Any], modules: Iterable[str], *, strict: bool = False
) -> list[Outcome]:
    """Compare what a run ran on with what there is now.

    Parameters
    ----------
    before, now : mapping
        As `tracking.environment.installed` tells it; None when nothing was recorded.
    modules : iterable of str
        Top-level modules that the notebook imports.
    strict : bool
        Whether what is another makes it ``errored`` and not ``failed``.
    """
    if before is None:
        return [Outcome("environment", None, "warned", "not recorded", "")]
    another: Status = "errored" if strict else "failed"
    python = _pair("Python", before.get("python"), now.get("python"), another)
    old, new = before.get("distributions", {}), now.get("distributions", {})
    used, other = reached(modules), sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    decisive = [_pair(name, old.get(name), new.get(name), another) for name in other if name in used]
    aside = [f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}" for name in other if name not in used]
    found = [python, *decisive]
    if not decisive:
        found.append(Outcome("packages", None, "passed", f"{len(used & set(new))} the same", ""))
    if aside:
        more = [f"{len(aside) - _NAMED} more"] if len(aside) > _NAMED else []
        found.append(_told("packages that it does not reach", ", ".join([*aside[:_NAMED], *more])))
    facts = {**_ABOUT, "cpus": "processors", "threads": "threads"}
    differing = [key for key in facts if before.get(key) != now.get(key)]
    return found + [_pair(facts[key], before.get(key), now.get(key), "warned") for key in differing]


def _pair(name: str, before: Any, now: Any, another: Status) -> Outcome:
    status: Status = "passed" if before == now else another
    return Outcome(name, None, status, str(now or "none"), f"= {before or 'none'}")


def _told(name: str, figure: str) -> Outcome:
    return Outcome(name, None, "warned", figure, "")


def reached(modules: Iterable[str]) -> set[str]:
    """Normalised names of the distributions that hold some modules, of those that they require, and so on."""
    holders = metadata.packages_distributions()
    waiting = [*_KERNEL, *(name for module in modules for name in holders.get(module, ()))]
    found: set[str] = set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name not in found:
            found.add(name)
            waiting += _required(name)
    return found


def _required(name: str) -> list[str]:
    """What a distribution requires when none of its extras is asked for; nothing of one that is not installed."""
    try:
        stated = metadata.requires(name) or ()
    except metadata.PackageNotFoundError:
        return []
    read = (_REQUIREMENT.match(one) for one in stated)
    return [found[1] for found in read if found and "extra" not in (found[2] or "")]


def compare_modules(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[Outcome]:
    """Compare the files of the project that a notebook imports: path -> digest, None when not recorded."""
    if before is None:
        return [_told("modules of the project", f"{len(now)} imported, not recorded then")] if now else []
    return [
        Outcome(
            f"module {path}",
            None,
            "passed" if before.get(path) == now.get(path) else "failed",
            short(now[path]) if path in now else "not imported",
            f"= {short(before[path])}" if path in before else "not imported",
        )
        for path in sorted({*before, *now})
    ]
