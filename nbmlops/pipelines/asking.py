"""What a run may be asked for: the typed parameters of a pipeline, and what is wrong with values for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, nearest
from nbmlops.core.refs import Ref
from nbmlops.pipelines.kinds import ANY, ParameterKind
from nbmlops.pipelines.literals import MismatchError
from nbmlops.pipelines.notebook import read_content
from nbmlops.pipelines.parameters import Parameter, Parameters

if TYPE_CHECKING:
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.stores import Stores

__all__ = ["Asking", "FormField"]


@dataclass(frozen=True, slots=True)
class FormField:
    """One parameter of a pipeline.

    Attributes
    ----------
    name : str
        Its name.
    kind : str
        Its type, as the notebook says it.
    choices : tuple of str
        The only values it may have; empty when there are others.
    default : str
        What it is by default, as one would type it; of a value that the notebook computes, its code.
    is_required, is_computed : bool
        Whether there is no default, and whether the notebook computes it.
    steps : tuple of str
        The steps that declare it.
    """

    name: str
    kind: str
    choices: tuple[str, ...]
    default: str
    is_required: bool
    is_computed: bool
    steps: tuple[str, ...]


class Asking:
    """What is known of a pipeline's parameters before it runs."""

    _stores: Stores
    _planner: Planner

    def form(self, name: str) -> list[FormField]:
        """The parameters of a pipeline, in the order of its steps.

        Parameters
        ----------
        name : str
            ``delays`` for the working copy, ``delays@production`` for the frozen version.

        Raises
        ------
        NotFoundError
            When there is no such pipeline or version.
        InvalidError
            When a cell of parameters cannot be read.
        """
        return list(_fields(*self._declared(name)).values())

    def faults(self, name: str, values: Mapping[str, str]) -> dict[str, InvalidError]:
        """What is wrong with values for the parameters of a pipeline, by parameter; nothing when it could run.

        Parameters
        ----------
        name : str
            The pipeline, as for `form`.
        values : mapping
            Parameters as text.
        """
        declared, frozen = self._declared(name)
        fields, found = _fields(declared, frozen), dict[str, InvalidError]()
        for key, text in values.items():
            if key not in fields:
                found[key] = InvalidError(f"no step of {name} has a parameter {key!r}", hint=nearest(key, fields))
            elif fault := _fault(declared, key, text):
                found[key] = fault
        for field in fields.values():
            if field.is_required and field.name not in values:
                found[field.name] = InvalidError(f"{', '.join(field.steps)} gives no default", hint="give it a value")
        return found

    def typed(self, name: str, values: Mapping[str, Any]) -> dict[str, str]:
        """Values for the parameters of a pipeline as one would type them in its form, by parameter.

        A value that no text says, such as None for a ``str``, is left out; a name that no step declares stays.

        Parameters
        ----------
        name : str
            The pipeline, as for `form`.
        values : mapping
            Parameters as Python has them, or as text.
        """
        kinds: dict[str, ParameterKind] = {}
        for parameters in self._declared(name)[0].values():
            for one in parameters.declared:
                kinds.setdefault(one.name, one.kind)
        texts = {key: _text_of(kinds.get(key, ANY), value) for key, value in values.items()}
        return {key: text for key, text in texts.items() if text is not None}

    def _declared(self, name: str) -> tuple[dict[str, Parameters], Mapping[str, Mapping[str, Any]]]:
        """The parameters by step, and what a frozen version sets of them."""
        ref = Ref.parse(name)
        if ref.is_bare:
            notebooks = {path.stem: read_content(path) for path in self._planner.notebooks(ref.name)}
            return {stem: Parameters.of(content, f"{stem}.ipynb") for stem, content in notebooks.items()}, {}
        plan = self._planner.plan(name, {})
        declared = {step: Parameters.of(content, f"{step}.ipynb") for step, content in plan.notebooks.items()}
        return declared, plan.parameters


def _fields(declared: Mapping[str, Parameters], frozen: Mapping[str, Mapping[str, Any]]) -> dict[str, FormField]:
    found: dict[str, FormField] = {}
    for step, parameters in declared.items():
        for one in parameters.declared:
            mine = frozen.get(step, {})
            if one.name in found:
                before = found[one.name]
                steps, required = (*before.steps, step), before.is_required or (one.is_required and not mine)
                same = {key: getattr(before, key) for key in ("name", "kind", "choices", "default", "is_computed")}
                found[one.name] = FormField(**same, is_required=required, steps=steps)
                continue
            choices = tuple(str(choice) for choice in one.kind.choices)
            if one.kind.name == "bool":
                choices = ("True", "False")
            is_set = one.name in mine
            default = _typed(mine[one.name]) if is_set else _default(one)
            computed = one.is_computed and not is_set
            found[one.name] = FormField(
                one.name, str(one.kind), choices, default, one.is_required and not is_set, computed, (step,)
            )
    return found


def _default(parameter: Parameter) -> str:
    return parameter.source if parameter.is_computed or parameter.is_required else _typed(parameter.default)


def _typed(value: Any) -> str:
    """A value as one would type it."""
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else repr(value)


def _text_of(kind: ParameterKind, value: Any) -> str | None:
    """The text that a kind reads as it takes `value`; a text that it cannot read is left as it is."""
    as_it_is = value if isinstance(value, str) else None
    try:
        meant = kind.accept(value) if as_it_is is None else kind.read(as_it_is)
        text = _typed(meant)
        # Of a text in quotes, where anything may be given, the quotes have to stay: 5 and "5" are two.
        return text if repr(kind.read(text)) == repr(meant) else as_it_is
    except MismatchError:
        return as_it_is


def _fault(declared: Mapping[str, Parameters], name: str, text: str) -> InvalidError | None:
    """What the first of the notebooks has against a value."""
    for parameters in declared.values():
        for one in parameters.declared:
            if one.name != name:
                continue
            try:
                Parameters(parameters.notebook, parameters.cell, (one,)).read({name: text})
            except InvalidError as error:
                return error
    return None
