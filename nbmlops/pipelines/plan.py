"""What is to be run: a graph with its notebooks, parameters and folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbmlops.core import digests
from nbmlops.pipelines.request import Limits

if TYPE_CHECKING:
    from nbmlops.core.errors import InvalidError
    from nbmlops.pipelines.cells import NotebookContent
    from nbmlops.pipelines.fan import Fan
    from nbmlops.pipelines.graph import Graph
    from nbmlops.pipelines.ledger import Committed

__all__ = ["Home", "Plan"]

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Home:
    """Where the code of a plan lies that is not the project's: the folder of it, and those where modules are found."""

    root: Path
    path: tuple[Path, ...] = ()

    @property
    def variables(self) -> dict[str, str]:
        """What tells a kernel to look there for modules, before the folders that this process has named."""
        named = [str(self.root), *map(str, self.path), os.environ.get("PYTHONPATH", "")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, named))}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run: the graph, each step's notebook and effective parameters, and where it comes from.

    `given` are the parameters that the user set; `version` is the digest of the frozen pipeline, None
    for the working copy. `pins` is what its lock says that references from outside mean, as
    `lineage.Active` takes it; `notes` is what there is to say before it runs. `part` says that it is of some steps of
    its pipeline only, and `taken` holds results of an earlier run that stand, by step.
    `generation` counts how often what has committed for `logical_time` was asked for anew.
    `limits` is what each step may take; `home` is where its code lies, None for the project. One that is `cold` is
    executed in kernels that nothing has been done in. `digest` is that of the parameters, once it is known. `fan` is
    what steps run for, and `names` what a bare name means to each of them then; `refused` says of a step why it cannot
    run so.
    """

    name: str
    graph: Graph
    notebooks: Mapping[str, NotebookContent]
    parameters: Mapping[str, Mapping[str, Any]]
    given: Mapping[str, Any]
    folders: Mapping[str, Path]
    version: str | None = None
    logical_time: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    part: bool = False
    taken: Mapping[str, Committed] = field(default_factory=dict)
    generation: int = 0
    limits: Limits = field(default_factory=Limits)
    home: Home | None = None
    cold: bool = False
    digest: str | None = None
    fan: Fan = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[str, InvalidError] = field(default_factory=dict)

    def alone(self, name: str) -> Plan:
        """The part of this plan that one step needs; it stands for the same parameters."""
        step = self.graph.step(name)
        return replace(
            self,
            graph=replace(self.graph, steps=(step,), edges=(), external=()),
            notebooks=_of(self.notebooks, name),
            parameters=_of(self.parameters, name),
            folders=_of(self.folders, name),
            names=_of(self.names, name),
            taken=_of(self.taken, name),
            digest=self.parameters_digest,
        )

    @property
    def parameters_digest(self) -> str:
        """Digest of the effective parameters of all steps."""
        if self.digest is not None:
            return self.digest
        flat = {step: {key: repr(value) for key, value in values.items()} for step, values in self.parameters.items()}
        return digests.of_json(flat)


def _of(found: Mapping[str, _Kept], step: str) -> dict[str, _Kept]:
    """What is known of one step, if anything is."""
    return {step: found[step]} if step in found else {}
