"""Parameters of a notebook: declared in its cell tagged ``parameters``, checked before a kernel starts.

Papermill's conventions hold: values are set by a cell tagged ``injected-parameters`` right after that
cell, and listed in ``metadata.papermill.parameters``. Unlike papermill, a name that the notebook does not
declare and a value of another type are errors, and the injected cell can hold nothing but assignments of
literals to declared names.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, RefusedError, nearest
from nbmlops.core.syntax import parsed
from nbmlops.pipelines.cells import text_of
from nbmlops.pipelines.declarations import annotated, commented, evaluate, inferred
from nbmlops.pipelines.kinds import ANY, ParameterKind
from nbmlops.pipelines.literals import MismatchError, describe
from nbmlops.pipelines.notebook import as_notebook, tagged
from nbmlops.tracking.source import parse

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Parameter", "Parameters", "as_json", "inject", "injected"]

_INJECTED = "injected-parameters"
# What Python, IPython and the magics find by name in every cell.
_KERNEL = frozenset({"In", "Out", "_", "display", "exit", "get_ipython", "ml", "quit"})
_ERROR_MARK = "papermill-error-cell-tag"
# Papermill's own, injected by its option --inject-paths into any notebook.
_PATHS = {name: ParameterKind("str") for name in ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter.

    `source` is the default as written, empty when there is none and a value must be given; `default` is
    its value, and None as well when it is computed (`is_computed`).
    """

    name: str
    kind: ParameterKind
    default: Any
    source: str
    is_computed: bool

    @property
    def is_required(self) -> bool:
        """Whether the notebook gives no default."""
        return not self.source


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters of a notebook.

    `notebook` is its name in errors; `cell` is the number, from 1, of the tagged cell, or None.
    """

    notebook: str
    cell: int | None
    declared: tuple[Parameter, ...]

    @classmethod
    def of(cls, notebook: Mapping[str, Any], name: str) -> Parameters:
        """Read them from the notebook.

        Raises
        ------
        InvalidError
            Two cells carry the tag, the cell is not Python, a default is of another type than declared, or a name is
            one that the kernel needs.
        """
        found = tagged(notebook, "parameters")
        if not found:
            return cls(name, None, ())
        if len(found) > 1:
            cells = " and ".join(str(index + 1) for index in found)
            raise InvalidError(f"cells {cells} of {name} are all tagged parameters", hint="keep the tag on one of them")
        source = text_of(notebook["cells"][found[0]])
        parsed = parse(source)
        if parsed.tree is None:
            raise InvalidError(f"cell {found[0] + 1} of {name}, tagged parameters, is not Python: {parsed.error}")
        declared = {
            parameter.name: parameter for statement in parsed.tree.body for parameter in _declared(statement, source)
        }
        for parameter in declared.values():
            _check_name(parameter.name, f"{name} (cell {found[0] + 1})")
            _check_default(parameter, f"{name} (cell {found[0] + 1})")
        return cls(name, found[0] + 1, tuple(declared.values()))

    @property
    def defaults(self) -> dict[str, Any]:
        """Defaults by name, without those that the notebook computes."""
        return {one.name: one.default for one in self.declared if one.source and not one.is_computed}

    def declares(self, name: str) -> bool:
        """Whether the notebook has a parameter of that name."""
        return any(one.name == name for one in self.declared)

    def bind(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check Python values, and give them in exact types, in the order of declaration.

        Examples
        --------
        >>> month = Parameter("month", ParameterKind("int"), 5, "5", is_computed=False)
        >>> Parameters("1_ingest.ipynb", 2, (month,)).bind({"month": 2})
        {'month': 2}

        Raises
        ------
        InvalidError
            A name is not declared, a value is of another type, or one that has no default is missing.
        """
        return self._checked(values, ParameterKind.accept)

    def read(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Do as `bind` with values that are text, as a shell gives them."""
        return self._checked(texts, ParameterKind.read)

    def _checked(self, values: Mapping[str, Any], take: Callable[[ParameterKind, Any], Any]) -> dict[str, Any]:
        known = {one.name: one for one in self.declared}
        for name in values:
            if name not in known:
                raise self._unknown(str(name), list(known))
        missing = [one.name for one in self.declared if one.is_required and one.name not in values]
        if missing:
            raise InvalidError(
                f"{self.notebook} needs a value for {', '.join(missing)}: cell {self.cell} gives no default",
                hint=f"-p {missing[0]}=…",
            )
        bound = {}
        for name in (name for name in known if name in values):
            try:
                bound[name] = take(known[name].kind, values[name])
            except MismatchError as error:
                raise self._wrong(known[name], values[name], str(error)) from error
        return bound

    def _unknown(self, name: str, known: list[str]) -> InvalidError:
        if self.cell is None:
            return InvalidError(
                f"{self.notebook} takes no parameters, so {name} cannot be set: no cell is tagged parameters",
                hint="in JupyterLab, tag the cell that assigns the defaults with: parameters",
            )
        return InvalidError(
            f"{self.notebook} has no parameter {name} (cell {self.cell} declares {', '.join(known) or 'none'})",
            hint=nearest(name, known),
        )

    def _wrong(self, parameter: Parameter, value: Any, why: str) -> InvalidError:
        hint = f"its default shows the form: -p {parameter.name}={parameter.source}" if parameter.source else None
        if parameter.kind.name == "int" and isinstance(value, float):
            hint = f"to accept fractions, write {parameter.name}: float = {parameter.source} in that cell"
        return InvalidError(
            f"parameter {parameter.name} of {self.notebook} (cell {self.cell}) expects {parameter.kind}, "
            f"not {describe(value)}{f': {why}' if why else ''}",
            hint=hint,
        )


def _declared(statement: ast.stmt, source: str) -> list[Parameter]:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value, simple=1):
            return [_parameter(name, annotated(annotation), value)]
        case ast.Assign(targets=targets, value=value):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            return [_parameter(name, commented(source, statement) or inferred(value), value) for name in names]
    return []


def _parameter(name: str, kind: ParameterKind, value: ast.expr | None) -> Parameter:
    if value is None:
        return Parameter(name, kind, None, "", is_computed=False)
    try:
        default, is_computed = evaluate(value, kind.constructors()), False
    except (ValueError, TypeError, RecursionError, SyntaxError):
        default, is_computed = None, True
    return Parameter(name, kind, default, ast.unparse(value), is_computed)


def _check_name(name: str, where: str) -> None:
    if name in _KERNEL or (name.startswith("__") and name.endswith("__")):
        raise InvalidError(
            f"parameter {name} of {where} would take the place of what the kernel needs",
            hint=f"call it another name: {name.strip('_')}_value",
        )


def _check_default(parameter: Parameter, where: str) -> None:
    if parameter.is_required or parameter.is_computed:
        return
    try:
        parameter.kind.accept(parameter.default)
    except MismatchError as error:
        wider = f"{parameter.kind} | None" if parameter.default is None else None
        raise InvalidError(
            f"parameter {parameter.name} of {where} is annotated {parameter.kind}, "
            f"and its default is {describe(parameter.default)}{f': {error}' if str(error) else ''}",
            hint=f"write {parameter.name}: {wider} = None" if wider else "change the one or the other",
        ) from error


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give bound values as JSON can hold them: dates as ISO text."""

    def plain(value: Any) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        return value

    return {name: plain(value) for name, value in values.items()}


def inject(notebook: Mapping[str, Any], parameters: Parameters, values: Mapping[str, Any]) -> NotebookNode:
    """Give a copy of the notebook in which bound `values` are set; an earlier injected cell is replaced.

    Raises
    ------
    InvalidError
        As `Parameters.bind`.
    """
    bound = parameters.bind(values)
    result = as_notebook(copy.deepcopy(dict(notebook)), parameters.notebook)
    dropped = {_INJECTED, _ERROR_MARK}
    result.cells = [cell for cell in result.cells if not dropped & set(cell.metadata.get("tags", []))]
    if bound:
        (place,) = tagged(result, "parameters")
        cell = _injected_cell(_assignments(parameters, bound), {cell.get("id") for cell in result.cells})
        result.cells.insert(place + 1, cell)
        injected(result, parameters)
    result.metadata["papermill"] = {**result.metadata.get("papermill", {}), "parameters": as_json(bound)}
    return result


def _assignments(parameters: Parameters, bound: Mapping[str, Any]) -> str:
    kinds = {one.name: one.kind for one in parameters.declared}
    lines = (f"{name} = {kinds.get(name, _PATHS.get(name, ANY)).render(value)}" for name, value in bound.items())
    return "\n".join(["# Parameters", *lines])


def _injected_cell(source: str, taken: set[str]) -> NotebookNode:
    from nbformat.v4 import new_code_cell

    name = _INJECTED
    while name in taken:
        name += "-1"
    cell: NotebookNode = new_code_cell(source, id=name, metadata={"tags": [_INJECTED]})  # type: ignore[no-untyped-call]
    return cell


def injected(notebook: NotebookNode, parameters: Parameters) -> dict[str, Any]:
    """Read what an injected cell sets, whoever injected it, and write the cell anew in the declared types.

    Papermill passes a date as text; the notebook then gets a date.

    Returns
    -------
    dict
        Values by name; empty when no cell is injected.

    Raises
    ------
    RefusedError
        The cell holds anything but assignments of literals to declared names, or there are two of them.
    InvalidError
        A value is of another type than declared.
    """
    found = tagged(notebook, _INJECTED)
    if not found:
        return parameters.bind({})
    where = f"the injected cell {found[0] + 1} of {parameters.notebook}"
    if len(found) > 1:
        raise RefusedError(f"{where} is not the only one; one of them would be run unchecked")
    try:
        statements = parsed(text_of(notebook["cells"][found[0]])).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RefusedError(f"{where} is not Python: {error}") from error
    known = _PATHS | {one.name: one.kind for one in parameters.declared}
    values = dict(_assignment(statement, known, where) for statement in statements)
    paths = {name: values.pop(name) for name in _PATHS if name in values and not parameters.declares(name)}
    bound = parameters.bind(values) | paths
    notebook.cells[found[0]].source = _assignments(parameters, bound)
    return bound


def _assignment(statement: ast.stmt, known: Mapping[str, ParameterKind], where: str) -> tuple[str, Any]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case _:
            raise RefusedError(
                f"{where} holds more than assignments: {ast.unparse(statement)[:80]}",
                hint="a parameter's name became code; nothing was run",
            )
    if name not in known:
        raise RefusedError(f"{where} sets {name}, which the notebook does not declare", hint=nearest(name, known))
    try:
        return name, evaluate(value, known[name].constructors())
    except (ValueError, TypeError, RecursionError, SyntaxError) as error:
        raise RefusedError(f"{where} sets {name} to what is no literal: {ast.unparse(value)[:80]}") from error
