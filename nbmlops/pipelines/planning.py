"""From a pipeline's name to a plan: find its notebooks, read them, set their parameters, infer the graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.pipelines.fan import Branch, branches
from nbmlops.pipelines.fanning import spread
from nbmlops.pipelines.graph import Step
from nbmlops.pipelines.inference import infer
from nbmlops.pipelines.notebook import read_content
from nbmlops.pipelines.parameters import Parameters
from nbmlops.pipelines.plan import Plan
from nbmlops.pipelines.when import check_conditions
from nbmlops.store.meaning import digests_of

if TYPE_CHECKING:
    from nbmlops.pipelines.cells import NotebookContent
    from nbmlops.pipelines.fan import Fan
    from nbmlops.pipelines.scan import Access
    from nbmlops.pipelines.selection import Selection
    from nbmlops.store.versions import Versions

__all__ = ["make_plan", "notebooks_of", "restrict"]


def notebooks_of(name: str, settings: Mapping[str, tuple[str, ...]], root: Path) -> list[Path]:
    """Paths of a pipeline's notebooks, as the settings name them.

    Parameters
    ----------
    name : str
        The pipeline.
    settings : mapping
        Pipeline -> paths or patterns relative to `root`.
    root : Path
        The project's folder.

    Raises
    ------
    NotFoundError
        When no pipeline has that name, or a pattern fits no notebook.
    InvalidError
        When a pattern is none.
    """
    if name not in settings:
        hint = (
            nearest(name, settings)
            or f'add to pyproject.toml under [tool.nbmlops.pipelines]: {name} = ["notebooks/*.ipynb"]'
        )
        raise NotFoundError(f"there is no pipeline named {name!r}", hint=hint)
    found: dict[Path, None] = {}
    for pattern in settings[name]:
        try:
            paths = sorted(path for path in root.glob(pattern) if path.suffix == ".ipynb")
        except (ValueError, NotImplementedError) as error:
            raise InvalidError(
                f"the pipeline {name} names {pattern!r}, which is no pattern of paths: {error}",
                hint=f"paths are relative to {root}",
            ) from error
        if not paths:
            raise NotFoundError(
                f"the pipeline {name} names {pattern!r}, and no notebook fits it", hint=f"paths are relative to {root}"
            )
        found |= dict.fromkeys(path for path in paths if ".ipynb_checkpoints" not in path.parts)
    return list(found)


def make_plan(
    name: str,
    paths: Sequence[Path],
    given: Mapping[str, Any],
    versions: Mapping[str, Versions],
    *,
    frozen: Mapping[str, Mapping[str, Any]] | None = None,
    folders: Mapping[str, Path] | None = None,
    fan: Fan | None = None,
) -> Plan:
    """Read the notebooks and make a plan of them.

    Parameters
    ----------
    name : str
        The pipeline.
    paths : sequence of Path
        Its notebooks.
    given : mapping
        Parameters that the user sets, as text from a shell or as Python values; each must be one that
        a notebook declares, and goes to every notebook that declares it.
    versions : mapping
        Versions by kind, to tell which reads have something to read.
    frozen : mapping, optional
        Parameters by step that hold where the user sets none, as a frozen pipeline keeps them.
    folders : mapping, optional
        Working folder of each step; its notebook's own by default.
    fan : mapping, optional
        Parameter -> the values that it takes one by one, as text or as Python values.

    Raises
    ------
    InvalidError
        When a parameter is unknown, or of a wrong type, or the steps make no graph.
    """
    notebooks = {path.stem: read_content(path) for path in paths}
    declared = {stem: Parameters.of(notebook, f"{stem}.ipynb") for stem, notebook in notebooks.items()}
    values = _share(name, declared, {**given, **_first(fan or {}, given)}, frozen or {})
    places = {path.stem: path.parent for path in paths} | dict(folders or {})
    steps = [Step.of(notebooks[path.stem], path, values[path.stem]) for path in paths]
    graph = infer(steps, _exists(versions, steps))
    if not fan:
        check_conditions(graph, values)
        return Plan(name, graph, notebooks, values, dict(given), places)
    fan = _fan(name, declared, values, fan)
    plan = Plan(name, graph, notebooks, values, dict(given), places, fan=fan)
    return _fanned(plan, versions)


def _fanned(plan: Plan, versions: Mapping[str, Versions]) -> Plan:
    """The plan with each step as often as its fan has it run."""
    alone, values, notebooks = plan.graph.steps, plan.parameters, plan.notebooks
    steps = [_at(step, branch, notebooks, values) for step in alone for branch in branches(plan.fan, values[step.stem])]
    # A name that depends on what a step runs for is not known then.
    unknown: dict[str, Any] = dict.fromkeys(plan.fan)
    fixed = {step.stem: Step.of(notebooks[step.stem], step.path, {**values[step.stem], **unknown}) for step in alone}
    found = spread(steps, fixed)
    own = {step.name: {**values[step.stem], **dict(step.branch.values)} for step in steps}
    graph = infer(found.steps, _exists(versions, found.steps))
    check_conditions(graph, own)
    return replace(
        plan,
        graph=graph,
        notebooks={step.name: notebooks[step.stem] for step in steps},
        parameters=own,
        folders={step.name: plan.folders[step.stem] for step in steps},
        names=found.names,
        refused=found.refused,
    )


def _at(
    step: Step, branch: Branch, notebooks: Mapping[str, NotebookContent], values: Mapping[str, Mapping[str, Any]]
) -> Step:
    """The step as it runs for a branch."""
    if not branch:
        return step
    made = Step.of(notebooks[step.stem], step.path, {**values[step.stem], **dict(branch.values)})
    return replace(made, name=f"{step.stem}[{branch}]", branch=branch)


def _first(fan: Fan, given: Mapping[str, Any]) -> dict[str, Any]:
    """A value of each parameter of a fan, with which the notebooks can be read."""
    for parameter, values in fan.items():
        if parameter in given:
            raise InvalidError(
                f"{parameter} has a value already, so nothing can run for others", hint=f"leave out -p {parameter}="
            )
        if not values:
            raise InvalidError(f"there is no value of {parameter} to run for", hint=f"{parameter}=1..12, or a,b")
    return {parameter: next(iter(values)) for parameter, values in fan.items()}


def _fan(
    name: str, declared: Mapping[str, Parameters], values: Mapping[str, Mapping[str, Any]], fan: Fan
) -> dict[str, list[Any]]:
    """The values of a fan in the types that the notebooks declare."""
    typed = {}
    for parameter, given in fan.items():
        read = [_share(name, declared, {parameter: value}, values) for value in given]
        stem = next(stem for stem in declared if declared[stem].declares(parameter))
        typed[parameter] = [one[stem][parameter] for one in read]
        words = [str(Branch(((parameter, value),))) for value in typed[parameter]]
        if twice := next((word for word in words if words.count(word) > 1), None):
            raise InvalidError(f"{twice} is there twice in --for", hint="leave one out")
    return typed


def restrict(plan: Plan, selection: Selection, versions: Mapping[str, Versions]) -> Plan:
    """The plan of some steps alone; what the others made before has to be there.

    Raises
    ------
    InvalidError
        When there is no such step, or what it reads was never made, or it cannot run for the values of the fan.
    """
    names = selection.names(plan.graph)
    if why := next((why for name, why in plan.refused.items() if name in names), None):
        raise why
    if not selection:
        return plan
    try:
        among = [_among(step, names) for step in plan.graph.steps if step.name in names]
        graph = infer(among, _exists(versions, among))
        check_conditions(graph, plan.parameters)
    except InvalidError as error:
        raise InvalidError(error.message, hint=f"run what makes it first: `ml pipeline run {plan.name}`") from error
    notebooks = {name: content for name, content in plan.notebooks.items() if name in names}
    parameters = {name: values for name, values in plan.parameters.items() if name in names}
    return replace(
        plan, graph=graph, notebooks=notebooks, parameters=parameters, part=len(names) < len(plan.graph.steps)
    )


def _among(step: Step, names: Collection[str]) -> Step:
    """The step as it is among a part of the steps: it waits for none of the others."""
    after = tuple(name for name in step.settings.after if name in names)
    return replace(step, settings=replace(step.settings, after=after))


def _share(
    name: str,
    declared: Mapping[str, Parameters],
    given: Mapping[str, Any],
    frozen: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, Any]]:
    """Effective parameters of each step."""
    known = {one.name for parameters in declared.values() for one in parameters.declared}
    for key in given:
        if not key.isidentifier() or iskeyword(key):
            raise InvalidError(
                f"{key!r} cannot be a parameter: it is no name in Python",
                hint=f"its parameters are {', '.join(sorted(known)) or 'none'}",
            )
        if key not in known:
            raise InvalidError(
                f"no step of {name} has a parameter {key!r}",
                hint=nearest(key, known) or f"its parameters are {', '.join(sorted(known)) or 'none'}",
            )
    values = {}
    for stem, parameters in declared.items():
        own = {one.name for one in parameters.declared}
        mine = {**frozen.get(stem, {}), **{key: value for key, value in given.items() if key in own}}
        texts = {key: value for key, value in mine.items() if isinstance(value, str)}
        others = {key: value for key, value in mine.items() if key not in texts}
        values[stem] = {**parameters.defaults, **parameters.bind({**others, **_read(parameters, texts)})}
    return values


def _read(parameters: Parameters, texts: Mapping[str, str]) -> dict[str, Any]:
    # A notebook that requires a parameter would refuse a partial reading; `bind` looks at the whole.
    kinds = {one.name: one for one in parameters.declared}
    part = Parameters(parameters.notebook, parameters.cell, tuple(kinds[key] for key in texts))
    return part.read(texts)


def _exists(versions: Mapping[str, Versions], steps: Iterable[Step]) -> Callable[[Access], bool]:
    """Tells of what some steps read whether it is there; all of it is asked for at once."""
    refs: dict[str, dict[str, None]] = defaultdict(dict)
    for read in (read for step in steps for read in step.reads):
        refs[read.kind][read.ref] = None
    found = {kind: digests_of(versions[kind], asked) for kind, asked in refs.items()}
    return lambda access: access.ref in found[access.kind]
