"""Settings: ``[tool.nbmlops]`` of the project's ``pyproject.toml``, overridden by ``NBMLOPS_*`` variables.

============= ===================== =====================================================================
setting       variable              meaning
============= ===================== =====================================================================
catalog       NBMLOPS_CATALOG       SQLAlchemy URL of the catalog; SQLite in the workspace by default
objects       NBMLOPS_OBJECTS       folder or fsspec URL of the objects; in the workspace by default
pipelines                           table: name of a pipeline -> list of notebook paths or patterns
gates                               table: name of a model -> what a promotion of it must pass
approvals                           table: how many others must approve a promotion, by noun, name and alias
policy                              table: what data may hold and models may use
rehash        NBMLOPS_REHASH        true: a large file is read again also when its times say that nothing was written
alerts        NBMLOPS_ALERTS        list: URLs of apprise for those who are told when a schedule fails
webhooks                            table: name of a webhook -> the url that is told of models, and its secret
cost_per_hour NBMLOPS_COST_PER_HOUR what an hour of this machine costs; runs and their cells then tell what they cost
warm_kernels  NBMLOPS_WARM_KERNELS  how many kernels may wait for steps; one for each core by default, 0 for none
executor      NBMLOPS_EXECUTOR      where steps of pipelines run: threads (of this machine, the default) or dask
scheduler     NBMLOPS_SCHEDULER     address of the scheduler of Dask, such as tcp://10.0.0.5:8786
retention                           table: name of a rule -> which versions it is about, and how long they stay
online        NBMLOPS_ONLINE        where features are read online: a file in the workspace by default, or redis://…
online_down   NBMLOPS_ONLINE_DOWN   what serving does when that is down: error (the default) or stale
remotes                             table: name of a remote -> folder or fsspec URL to push to and pull from
profiles      NBMLOPS_PROFILES      table: which tables are profiled after a save; the variable is true or false
============= ===================== =====================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.keywords import check_one_of
from nbmlops.core.refs import check_name

__all__ = ["FOLDER", "Profiles", "Settings"]

FOLDER = ".nbmlops"
"""The folder by which a project is known as a workspace."""

_VARIABLES = {
    "catalog": "NBMLOPS_CATALOG",
    "objects": "NBMLOPS_OBJECTS",
    "online": "NBMLOPS_ONLINE",
    "scheduler": "NBMLOPS_SCHEDULER",
}


@dataclass(frozen=True, slots=True)
class Profiles:
    """Which tables are profiled after they were saved; other ones are when their profile is asked for.

    Attributes
    ----------
    after_saves : bool
        Whether any are.
    least, most : int
        Values, rows times columns, that a table has at least and at most.
    """

    after_saves: bool = True
    least: int = 100_000
    most: int = 1_000_000_000

    @classmethod
    def read(cls, table: Any, variable: str | None) -> Profiles:
        """Read them from the table ``[tool.nbmlops.profiles]``, and whether any are made from the variable."""
        known = {entry.name for entry in fields(cls)}
        for key, value in _table("profiles", table).items():
            if key not in known:
                raise InvalidError(
                    f"[tool.nbmlops.profiles] has an unknown key {key!r}",
                    hint=nearest(key, known) or f"the keys are {', '.join(sorted(known))}",
                )
            if key != "after_saves" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise InvalidError(f"[tool.nbmlops.profiles] {key} must be a number of values, not {value!r}")
        said = "NBMLOPS_PROFILES, or after_saves in [tool.nbmlops.profiles],"
        after_saves = _switch(said, variable or table.get("after_saves", True))
        return cls(**{**table, "after_saves": after_saves})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one workspace; a value of None stands for the default inside the workspace."""

    # Its URL may hold a password.
    catalog: str | None = field(default=None, repr=False)
    objects: str | None = None
    pipelines: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    approvals: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    policy: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    retention: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    remotes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rehash: bool = False
    cost_per_hour: float | None = None
    warm_kernels: int | None = None
    profiles: Profiles = Profiles()
    executor: str | None = None
    scheduler: str | None = None
    online: str | None = field(default=None, repr=False)  # its URL may hold a password too
    online_down: str = "error"
    # Their tokens are as good as passwords.
    alerts: tuple[str, ...] = field(default=(), repr=False)
    webhooks: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    from_project: tuple[str, ...] = ()
    """Which of `catalog`, `objects`, `online` and `scheduler` the project's file names, not this user's environment."""

    @classmethod
    def read(cls, table: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
        """Read settings from the table ``[tool.nbmlops]`` and from environment variables.

        Raises
        ------
        InvalidError
            When a key is unknown or a value has the wrong type.
        """
        known = {entry.name for entry in fields(cls)} - {"from_project"}
        for key in table:
            if key not in known:
                raise InvalidError(
                    f"[tool.nbmlops] in pyproject.toml has an unknown key {key!r}",
                    hint=nearest(key, known) or f"the keys are {', '.join(sorted(known))}",
                )
        urls: dict[str, str | None] = {}
        from_project = []
        for key, variable in _VARIABLES.items():
            urls[key] = environ.get(variable) or _text(key, table.get(key))
            if urls[key] and not environ.get(variable):
                from_project.append(key)
        return cls(
            catalog=urls["catalog"],
            objects=urls["objects"],
            scheduler=urls["scheduler"],
            online=_online(urls["online"]),
            online_down=_down(environ.get("NBMLOPS_ONLINE_DOWN") or table.get("online_down", "error")),
            executor=_executor(environ.get("NBMLOPS_EXECUTOR") or table.get("executor")),
            pipelines=MappingProxyType(_pipelines(table.get("pipelines", {}))),
            gates=MappingProxyType(_tables("gates", table.get("gates", {}))),
            approvals=MappingProxyType(_table("approvals", table.get("approvals", {}))),
            policy=MappingProxyType(_table("policy", table.get("policy", {}))),
            retention=MappingProxyType(_tables("retention", table.get("retention", {}))),
            remotes=MappingProxyType(_remotes(table.get("remotes", {}))),
            rehash=_switch(
                "NBMLOPS_REHASH, or rehash in [tool.nbmlops],",
                environ.get("NBMLOPS_REHASH") or table.get("rehash", False),
            ),
            profiles=Profiles.read(table.get("profiles", {}), environ.get("NBMLOPS_PROFILES")),
            cost_per_hour=_amount(environ.get("NBMLOPS_COST_PER_HOUR") or table.get("cost_per_hour")),
            warm_kernels=_count(environ.get("NBMLOPS_WARM_KERNELS") or table.get("warm_kernels")),
            alerts=_alerts(environ.get("NBMLOPS_ALERTS", "").split() or table.get("alerts", [])),
            webhooks=MappingProxyType(_tables("webhooks", table.get("webhooks", {}))),
            from_project=tuple(from_project),
        )


def _text(key: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidError(f"[tool.nbmlops] {key} must be text, not {type(value).__name__}")


def _executor(value: Any) -> str | None:
    if value is not None:
        check_one_of("NBMLOPS_EXECUTOR, or executor in [tool.nbmlops],", value, ("threads", "dask"))
    return value  # type: ignore[no-any-return]


def _online(value: str | None) -> str | None:
    if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
        raise InvalidError(
            f"NBMLOPS_ONLINE, or online in [tool.nbmlops], is no URL of Redis: {value.partition('@')[2] or value}",
            hint='online = "redis://127.0.0.1:6379/0"; leave it out for a file in the workspace',
        )
    return value


def _down(value: Any) -> str:
    check_one_of("NBMLOPS_ONLINE_DOWN, or online_down in [tool.nbmlops],", value, ("error", "stale"))
    return str(value)


def _switch(said: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"1", "true", "0", "false"}:
        return str(value).lower() in {"1", "true"}
    raise InvalidError(f"{said} must be true or false, not {value!r}")


def _amount(value: Any) -> float | None:
    if value is None:
        return None
    with suppress(TypeError, ValueError):
        if not isinstance(value, bool) and 0 <= float(value) < math.inf:
            return float(value)
    raise InvalidError(
        f"NBMLOPS_COST_PER_HOUR, or cost_per_hour in [tool.nbmlops], must be a number of at least 0, not {value!r}"
    )


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, bool) and str(value).isdecimal():
        return int(value)
    raise InvalidError(
        f"NBMLOPS_WARM_KERNELS, or warm_kernels in [tool.nbmlops], must be a whole number, not {value!r}",
        hint="0 turns them off",
    )


def _pipelines(table: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, Mapping):
        raise InvalidError("[tool.nbmlops.pipelines] must be a table", hint='delays = ["notebooks/[1-5]_*.ipynb"]')
    found = {}
    for name, value in table.items():
        patterns = [value] if isinstance(value, str) else value
        if not isinstance(patterns, list) or not patterns or not all(isinstance(item, str) for item in patterns):
            raise InvalidError(
                f"the pipeline {name!r} in pyproject.toml must be a list of notebook paths",
                hint=f'{name} = ["notebooks/[1-5]_*.ipynb"]',
            )
        found[check_name(name)] = tuple(patterns)
    return found


def _alerts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(place, str) and place for place in value):
        raise InvalidError("[tool.nbmlops] alerts must be a list of URLs", hint='alerts = ["secret:SLACK_URL"]')
    return tuple(value)


def _remotes(table: Any) -> dict[str, str]:
    if not isinstance(table, Mapping) or not all(isinstance(value, str) and value for value in table.values()):
        raise InvalidError("[tool.nbmlops.remotes] must hold a folder or URL for each name", hint='origin = "s3://…"')
    return {check_name(name): where for name, where in table.items()}


def _table(key: str, table: Any) -> dict[str, Any]:
    if not isinstance(table, Mapping):
        raise InvalidError(f"[tool.nbmlops.{key}] must be a table")
    return dict(table)


def _tables(key: str, table: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(table, Mapping) or not all(isinstance(value, Mapping) for value in table.values()):
        raise InvalidError(f"[tool.nbmlops.{key}] must hold one table for each name")
    return {check_name(name): MappingProxyType(dict(value)) for name, value in table.items()}
