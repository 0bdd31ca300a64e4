"""The verb ``define``: from a plain function to a version of a feature view, after its trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from nbmlops.core.errors import InvalidError, NotFoundError, nearest
from nbmlops.core.refs import check_name
from nbmlops.core.spans import parse_span
from nbmlops.features.capturing import captured, rebuilt
from nbmlops.features.definition import CREATED, Definition, FeatureRef
from nbmlops.features.keeping import Keeping
from nbmlops.features.on_demand import answered
from nbmlops.features.purity import refuse_impure
from nbmlops.features.shaping import feature_columns
from nbmlops.features.trial import TRIED, tried
from nbmlops.store import audit
from nbmlops.store.tags import checked

if TYPE_CHECKING:
    import pandas as pd

    from nbmlops.features.capturing import Captured
    from nbmlops.features.records import FeatureVersion

__all__ = ["Defining", "Said"]

F = TypeVar("F", bound=Callable[..., Any])
_PROBE = (1.0, 2.0, 3.0)


class Said(TypedDict, total=False):
    """What is said of a view besides its function; everything may be left out but the entities of a plain view.

    Attributes
    ----------
    entity : str or sequence of str
        The key columns.
    from_ : str or sequence of str
        References of data, one for each parameter of the function; of an on-demand view a table to try it on.
    time : str
        The column of the event time in what the function returns.
    ttl : str or timedelta
        How long a value is valid after its time, as ``7d``; for ever by default.
    on_demand : bool
        Whether it is computed on the request.
    inputs : str or sequence of str
        Of an on-demand view: columns of the request, or ``view:feature``; the names of its parameters by default.
    owner : str
        Who looks after it; whoever defines it by default.
    description : str
        What it is; the function's docstring by default.
    tags : mapping
        Pairs of text.
    message : str
        Why this version was made.
    """

    entity: str | Sequence[str]
    from_: str | Sequence[str]
    time: str | None
    ttl: str | timedelta | None
    on_demand: bool
    inputs: str | Sequence[str]
    owner: str | None
    description: str | None
    tags: Mapping[str, Any] | None
    message: str | None


class Defining(Keeping):
    """What defines views."""

    def __call__(self, *, name: str | None = None, **said: Unpack[Said]) -> Callable[[F], F]:
        """Define the function below as a feature view: ``@ml.feature(entity="carrier", from_="flights")``."""

        def define(function: F) -> F:
            self.define(function, name, **said)
            return function

        return define

    def define(self, function: Callable[..., Any], name: str | None = None, **said: Unpack[Said]) -> FeatureVersion:
        """Define a feature view by a function; a new version when its code or what is said of it has changed.

        The function takes the tables of its sources as pandas DataFrames, and returns one with the entities, the time
        and the features. It is captured with what it needs, and tried on the first rows of its sources.

        Parameters
        ----------
        function : callable
            A plain function.
        name : str, optional
            What to call the view; the function's name by default.
        **said
            What `Said` lists.

        Returns
        -------
        FeatureVersion
            The new version, or the newest when nothing has changed.

        Raises
        ------
        InvalidError
            When the function cannot run elsewhere, depends on the clock or on chance, changes its input, looks into
            the future, or gives no table that can be an offline table.
        NotFoundError
            When a source does not exist.
        """
        taken = captured(function)
        name = check_name(name or taken.name)
        self._refuse_other_kind(name, Definition)
        refuse_impure(taken.source, name)
        rebuild = rebuilt(taken.source, taken.name)
        if said.get("on_demand") or said.get("inputs"):
            definition = self._on_demand(taken, name, rebuild, said)
        else:
            definition = self._view(taken, name, rebuild, said)
        return self._add(definition, said.get("message"))

    def _view(self, taken: Captured, name: str, function: Callable[..., Any], said: Said) -> Definition:
        entities, sources = _names(said.get("entity", ())), _names(said.get("from_", ()))
        if not entities:
            raise InvalidError(f"{name} has no entity", hint=f"name its key: `ml feature define {name} --entity KEY`")
        if len(set(entities)) < len(entities):
            raise InvalidError(f"{name} names an entity twice", hint="name each key column once")
        if len(sources) != len(taken.parameters):
            raise InvalidError(
                f"{name} takes {len(taken.parameters)} tables ({', '.join(taken.parameters)}), and {len(sources)} "
                "sources are named",
                hint="name as many, in their order: --from flights --from weather",
            )
        time = said.get("time")
        for column in (*entities, *([time] if time else [])):
            if column == CREATED:
                raise InvalidError(f"{CREATED!r} tells when a row was made, and is no key", hint="rename the column")
        ttl = said.get("ttl")
        span = None if ttl is None else parse_span(ttl)
        if span is not None and time is None:
            raise InvalidError(f"{name} has a ttl and no time to reckon it from", hint="name the column: --time COLUMN")
        tables = {ref: self._first_rows(ref) for ref in sources}
        made = tried(function, name, tables, entities, time)
        kinds = {field.name: str(field.type) for field in made.to_arrow().schema}
        features = tuple((column, _plain(kinds[column])) for column in feature_columns(made.columns, entities, time))
        more = _more(taken, said)
        own = taken.source, taken.name, False, (), features
        return Definition(name, entities, sources, time, span, *own, **more, code_digest=taken.digest)

    def _on_demand(self, taken: Captured, name: str, function: Callable[..., Any], said: Said) -> Definition:
        for key in ("entity", "time", "ttl"):
            if said.get(key):
                raise InvalidError(f"{name} is computed on the request and has no {key}", hint=f"leave --{key} out")
        inputs = _names(said.get("inputs", ())) or taken.parameters
        if len(inputs) != len(taken.parameters):
            raise InvalidError(
                f"{name} takes {', '.join(taken.parameters)}, and its inputs are {', '.join(inputs)}",
                hint="name as many inputs as it has parameters, in their order",
            )
        rows = self._example(name, inputs, _names(said.get("from_", ())))
        given = answered(function, name, inputs, rows)
        features = tuple((column, _plain(kind)) for column, kind in given.kinds().items())
        own = taken.source, taken.name, True, inputs, features
        return Definition(name, (), (), None, None, *own, **_more(taken, said), code_digest=taken.digest)

    def _example(self, name: str, inputs: Sequence[str], sources: Sequence[str]) -> pd.DataFrame:
        """Rows to try an on-demand function on: of a table, or numbers where none is named."""
        import pandas as pd

        known = self._first_rows(sources[0]) if sources else pd.DataFrame(index=range(len(_PROBE)))
        columns = {}
        for one in inputs:
            if ":" in one:
                ref = FeatureRef.parse(one)
                ((_, names),) = self.chosen([one])
                columns[str(ref)] = known[names[0]] if names[0] in known else pd.Series(_PROBE[0], index=known.index)
            elif one in known:
                columns[one] = known[one]
            elif sources:
                hint = nearest(one, list(map(str, known.columns)))
                raise NotFoundError(f"{sources[0]} has no column {one!r}, an input of {name}", hint=hint)
            else:
                columns[one] = pd.Series(_PROBE, index=known.index)
        return pd.DataFrame(columns)

    def _first_rows(self, ref: str) -> pd.DataFrame:
        """The first rows of a source."""
        version = self._data.show(ref)
        if version.rows is None:
            raise InvalidError(f"{version.ref} is no table", hint=f"save it as one: `ml data show {version.ref}`")
        frame: pd.DataFrame = self._data.load(version.ref)
        return frame.head(TRIED)


def _names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Names from a text with commas between, or from a sequence."""
    words = given.split(",") if isinstance(given, str) else [word for one in given or () for word in one.split(",")]
    return tuple(word.strip() for word in words if word.strip())


def _plain(kind: str) -> str:
    """An Arrow type as data has it when it is saved."""
    return {"large_string": "string", "large_binary": "binary", "string_view": "string"}.get(kind, kind)


def _more(taken: Captured, said: Said) -> dict[str, Any]:
    return {
        "owner": said.get("owner") or audit.actor(),
        "description": said.get("description") or taken.description,
        "tags": checked(said.get("tags") or {}),
    }
