"""`text`, `html`, `markdown` and `json` of anything: dispatched by type, a package's looks loaded when first needed.

The looks of a noun are in the ``views`` module of its own package, registered here by type. A record
whose type has no look yet makes its package's ``views`` load; whoever only makes records never pays.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time
from functools import singledispatch
from importlib import import_module
from pathlib import PurePath
from typing import Any, TypeVar

from nbmlops.render.look import Look

__all__ = ["Diagram", "Document", "has_look", "html", "json", "load_views", "looks", "markdown", "text"]

T = TypeVar("T")
_BELOW_RENDER = {"store": "nbmlops.render.store_views"}
# Looks that are loaded apart from those of their package, by the module of what they are of: most lines need none.
_APART = {
    "data.blaming": "nbmlops.data.blame_views",
    "data.diff_records": "nbmlops.data.diff_views",
    "data.erasure_records": "nbmlops.data.erase_views",
    "features.feast.records": "nbmlops.features.feast.views",
    "features.online.records": "nbmlops.features.online.views",
    "models.card": "nbmlops.models.card_views",
    "models.diff_records": "nbmlops.models.diff_views",
    "serving.batch.records": "nbmlops.serving.batch.views",
    "monitoring.dossier.records": "nbmlops.monitoring.dossier.views",
    "monitoring.score.records": "nbmlops.monitoring.score.views",
    "monitoring.story.records": "nbmlops.monitoring.story.views",
    "store.audit": "nbmlops.render.audit_views",
    "store.audit_export": "nbmlops.render.audit_views",
    "store.audit_verdict": "nbmlops.render.audit_views",
    "store.certificates": "nbmlops.render.certificate_views",
    "store.holds": "nbmlops.render.keeping_views",
    "store.retaining": "nbmlops.render.keeping_views",
    "store.retention_rules": "nbmlops.render.keeping_views",
    "store.asks": "nbmlops.models.views",
    "profiling.records": "nbmlops.data.profile_views",
    "pipelines.badge": "nbmlops.pipelines.badge_views",
    "pipelines.reproduction": "nbmlops.pipelines.reproduction_views",
    "pipelines.schedules.records": "nbmlops.pipelines.schedules.views",
    "serving.endpoint.records": "nbmlops.serving.endpoint.views",
    "workspace.project.records": "nbmlops.workspace.project.views",
    "workspace.search.records": "nbmlops.workspace.search.views",
    "tracking.comparison": "nbmlops.tracking.comparison_views",
    "tracking.interchange.records": "nbmlops.tracking.interchange.views",
}


class Document(str):
    """Text that is its own picture: a JSON document, a diagram, a suite of checks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Diagram(Document):
    """A Mermaid diagram, which JupyterLab draws."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return f"```mermaid\n{self.rstrip()}\n```\n"


@singledispatch
def text(obj: Any, *, detail: bool = False, columns: int | None = None) -> str:
    """`obj` as plain text: one line first, then what belongs to it.

    Parameters
    ----------
    obj : object
        A record, a `Listing`, or anything else, which is written by ``str``.
    detail : bool
        Whether to say everything that is known of it.
    columns : int, optional
        How wide a table may be; open by default.
    """
    if load_views(type(obj)) and has_look(type(obj)):
        return text(obj, detail=detail, columns=columns)
    return str(obj)


@singledispatch
def html(obj: Any, *, detail: bool = False) -> str:
    """`obj` as HTML, under 100 kB: the line of `text`, and the rest to unfold or, with `detail`, unfolded."""
    if load_views(type(obj)) and has_look(type(obj)):
        return html(obj, detail=detail)
    from nbmlops.render.page import page

    return page(Look((), (), ()), plain=str(obj))


@singledispatch
def markdown(obj: Any, *, detail: bool = False) -> str:
    """`obj` as Markdown, under 100 kB: what `text` says, in tables and lists."""
    if load_views(type(obj)) and markdown.dispatch(type(obj)) is not markdown.dispatch(object):
        return markdown(obj, detail=detail)
    from nbmlops.render.gfm import fenced

    return fenced(text(obj, detail=detail)) + "\n"


@singledispatch
def json(obj: Any) -> Any:
    """`obj` as what JSON can write; NaN and infinities, which it cannot, become text."""
    if load_views(type(obj)) and json.dispatch(type(obj)) is not json.dispatch(object):
        return json(obj)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {field.name: json(getattr(obj, field.name)) for field in dataclasses.fields(obj)}
    if hasattr(obj, "item") and getattr(obj, "shape", None) == ():
        return json(obj.item())
    return str(obj)


@json.register(type(None))
@json.register(bool)
@json.register(int)
@json.register(str)
def _(obj: Any) -> Any:
    return obj


@json.register
def _(obj: float) -> Any:
    return obj if math.isfinite(obj) else str(obj)


@json.register(date)
@json.register(datetime)
@json.register(time)
def _(obj: date | time) -> str:
    return obj.isoformat()


@json.register
def _(obj: PurePath) -> str:
    return str(obj)


@json.register
def _(obj: bytes) -> str:
    return obj.hex()


@json.register(Mapping)
def _(obj: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): json(value) for key, value in obj.items()}


@json.register(Sequence)
def _(obj: Sequence[Any]) -> list[Any]:
    return [json(item) for item in obj]


@json.register(AbstractSet)
def _(obj: AbstractSet[Any]) -> list[Any]:
    return sorted((json(item) for item in obj), key=str)


def looks(cls: type[T]) -> Callable[[Callable[[T], Look]], Callable[[T], Look]]:
    """Register a function that gives the `Look` of records of type `cls`, for text, for HTML and for Markdown."""

    def register(make: Callable[[T], Look]) -> Callable[[T], Look]:
        def in_text(obj: T, *, detail: bool = False, columns: int | None = None) -> str:
            return make(obj).text(detail=detail, columns=columns)

        def in_html(obj: T, *, detail: bool = False) -> str:
            from nbmlops.render.page import page

            return page(make(obj), detail=detail)

        def in_markdown(obj: T, *, detail: bool = False) -> str:
            from nbmlops.render.gfm import written

            return written(make(obj), detail=detail)

        text.register(cls)(in_text)
        markdown.register(cls)(in_markdown)
        html.register(cls)(in_html)
        return make

    return register


def has_look(cls: type) -> bool:
    """Whether `cls` has looks of its own now."""
    return text.dispatch(cls) is not text.dispatch(object)


def load_views(cls: type) -> bool:
    """Load the views of the package that defines `cls`; False when it is not one of ours or has none."""
    root, _, rest = cls.__module__.partition(".")
    if root != "nbmlops" or not rest:
        return False
    package = rest.partition(".")[0]
    home = _APART.get(rest) or _BELOW_RENDER.get(package, f"nbmlops.{package}.views")
    try:
        import_module(home)
    except ModuleNotFoundError as error:
        if error.name != home:
            raise
        return False
    return True
