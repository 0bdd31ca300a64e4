"""Verbs on models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbmlops.commands.offers import aliases, remotes, words
from nbmlops.commands.paging import DELETED, NONE_DELETED, NONE_THERE, paged
from nbmlops.commands.params import Given, KeyValue, ObjectParam, RefParam, mapping
from nbmlops.commands.tree import NounGroup
from nbmlops.core.errors import InvalidError
from nbmlops.render.listing import Listing

if TYPE_CHECKING:
    from nbmlops.commands.session import Session

__all__ = ["group"]

group = NounGroup("model")
_REF, _NAME = RefParam("model"), RefParam("model", names_only=True)

_TO = click.option(
    "--to",
    shell_complete=aliases("model"),
    default="production",
    show_default=True,
    metavar="ALIAS",
    help="The alias to move.",
)
_WHY = click.option("-m", "--message", help="Why.")


def _listed(records: Any, nothing: str = "") -> Any:
    from nbmlops.models.records import ModelVersion

    return Listing(records, ModelVersion, nothing=nothing)


@group.verb("save")
@click.argument("estimator", type=ObjectParam("estimator"))
@click.argument("name", type=_NAME)
@click.option("--example", type=ObjectParam("table"), help="Some rows of its input, for the signature.")
@click.option("-m", "--message", help="Why it was made.")
@click.option(
    "--format",
    metavar="FORMAT",
    help="skops, onnx, xgboost, lightgbm, plain or joblib; as the model's class asks for by default.",
)
def save(
    session: Session,
    estimator: Given,
    name: str,
    example: Given | None,
    message: str | None,
    format: str | None,  # noqa: A002
) -> Any:
    """Save a model."""
    rows = example.value if example else None
    return session.workspace.model.save(estimator.value, name, example=rows, message=message, format=format)


@group.verb("load")
@click.argument("ref", type=_REF)
def load(session: Session, ref: str) -> Any:
    """Load a model into a variable."""
    if session.face == "shell":
        raise InvalidError("a shell has no variable to load into", hint=f"`ml model show {ref}`, or load it in a cell")
    model = session.workspace.model
    # The exact version, so that what is said is what is loaded.
    session.source = model.show(ref).ref
    return model.load(session.source)


@group.verb("list")
@DELETED
def list_(session: Session, deleted: bool) -> Any:
    """List models."""
    return _listed(session.workspace.model.list(deleted=deleted), NONE_DELETED if deleted else "")


@group.verb("show")
@click.argument("ref", type=_REF)
def show(session: Session, ref: str) -> Any:
    """Show a version."""
    return session.workspace.model.show(ref)


@group.verb("history")
@click.argument("name", type=_NAME)
@paged
def history(session: Session, name: str, **page: Any) -> Any:
    """List versions."""
    return _listed(session.workspace.model.history(name, **page), NONE_THERE)


@group.verb("diff")
@click.argument("before", type=_REF)
@click.argument("after", type=_REF)
def diff(session: Session, before: str, after: str) -> Any:
    """Tell what differs between two versions."""
    return session.workspace.model.diff(before, after)


@group.verb("card")
@click.argument("ref", type=_REF)
@click.argument("file", required=False, type=click.Path())
@click.option("--overwrite", is_flag=True, help="Write over what is there.")
def card(session: Session, ref: str, file: str | None, overwrite: bool) -> Any:
    """Show the card of a version, and write it to a file."""
    return session.workspace.model.card(ref, file, overwrite=overwrite)


@group.verb("dossier")
@click.argument("ref", type=_REF)
@click.option("--to", type=click.Path(), metavar="FILE", help="Write it to a file: .html or .md.")
@click.option("--overwrite", is_flag=True, help="Write over what is there.")
def dossier(session: Session, ref: str, to: str | None, overwrite: bool) -> Any:
    """Answer what an auditor asks."""
    return session.workspace.model.dossier(ref, to=to, overwrite=overwrite)


@group.verb("score")
@click.argument("ref", type=_REF)
@click.argument("data", type=RefParam("data"))
@click.option("--to", metavar="NAME", help="What to call the answers; the model's name with _scores by default.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="A column of the table to save beside the answers.")
@click.option(
    "--bad",
    default="refuse",
    show_default=True,
    shell_complete=words("refuse", "null"),
    metavar="WHAT",
    help="What becomes of rows that the model does not take: refuse, or null.",
)
@click.option("--jobs", type=int, help="How many processes compute; one for each processor by default.")
@click.option(
    "--executor",
    shell_complete=words("processes", "dask"),
    metavar="WHERE",
    help="Where it is computed: processes, of this machine, or dask.",
)
@click.option("--scheduler", metavar="ADDRESS", help="The scheduler of Dask, such as tcp://10.0.0.5:8786.")
@click.option("-m", "--message", help="Why.")
def score(session: Session, ref: str, data: str, **asked: Any) -> Any:
    """Score a table."""
    model = session.workspace.model
    with session.meter.bytes(f"scoring {data}") as progress:
        return model.score(ref, data, progress=progress, **asked)


@group.verb("describe")
@click.argument("ref", type=_REF)
@click.option("--description", metavar="TEXT", help="What it is.")
@click.option("--owner", help="Who looks after it.")
@click.option("--licence", help="Under which licence it may be used.")
@click.option("--intended-use", metavar="TEXT", help="What it is for.")
@click.option("--limits", metavar="TEXT", help="What it is not for, and where it fails.")
@click.option("--remove", multiple=True, metavar="WHAT", help="What to take back.")
def describe(session: Session, ref: str, **said: Any) -> Any:
    """Say what a model is, whose, and what for."""
    return session.workspace.model.describe(ref, **said)


@group.verb("tag")
@click.argument("ref", type=_REF)
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...", type=KeyValue())
@click.option("--remove", multiple=True, metavar="KEY", help="A tag to take off.")
def tag(session: Session, ref: str, tags: tuple[tuple[str, Any], ...], remove: tuple[str, ...]) -> Any:
    """Tag a version."""
    return session.workspace.model.tag(ref, mapping(tags), remove=remove)


@group.verb("promote")
@click.argument("ref", type=_REF)
@_TO
@_WHY
def promote(session: Session, ref: str, to: str, message: str | None) -> Any:
    """Promote a version."""
    promotion = session.workspace.model.promote(ref, to, message=message)
    return session.judged(promotion, good=promotion.waits is None)


@group.verb("approve")
@click.argument("name", type=_REF)
@_TO
@_WHY
def approve(session: Session, name: str, to: str, message: str | None) -> Any:
    """Approve what another person asked to promote."""
    promotion = session.workspace.model.approve(name, to, message=message)
    return session.judged(promotion, good=promotion.waits is None)


@group.verb("reject")
@click.argument("name", type=_REF)
@_TO
@_WHY
def reject(session: Session, name: str, to: str, message: str | None) -> Any:
    """Say no to what waits for approval."""
    return session.workspace.model.reject(name, to, message=message)


@group.verb("rollback")
@click.argument("name", type=_NAME)
@click.argument("alias", shell_complete=aliases("model"), default="production")
def rollback(session: Session, name: str, alias: str) -> Any:
    """Roll an alias back."""
    return session.workspace.model.rollback(name, alias)


@group.verb("drill")
@click.argument("name", type=_NAME)
@click.argument("alias", shell_complete=aliases("model"), default="production")
@click.option("--on", type=ObjectParam("table", or_ref=True), help="Rows that both versions answer.")
def drill(session: Session, name: str, alias: str, on: Given | None) -> Any:
    """Rehearse a rollback."""
    report = session.workspace.model.drill(name, alias, on=on.value if on else None)
    return session.judged(report, good=report.passed)


@group.verb("push")
@click.argument("refs", nargs=-1, type=_REF)
@click.option(
    "--to",
    shell_complete=remotes,
    metavar="REMOTE",
    help="A remote's name, a folder or a URL; the only remote by default.",
)
def push(session: Session, refs: tuple[str, ...], to: str | None) -> Any:
    """Push."""
    model = session.workspace.model
    with session.meter.bytes("pushing") as progress:
        return model.push(*refs, to=to, progress=progress)


@group.verb("pull")
@click.argument("refs", nargs=-1, type=_REF)
@click.option(
    "--from",
    "from_",
    shell_complete=remotes,
    metavar="REMOTE",
    help="A remote's name, a folder or a URL; the only one by default.",
)
def pull(session: Session, refs: tuple[str, ...], from_: str | None) -> Any:
    """Pull."""
    model = session.workspace.model
    with session.meter.bytes("pulling") as progress:
        return model.pull(*refs, from_=from_, progress=progress)


@group.verb("delete")
@click.argument("ref", type=_REF)
def delete(session: Session, ref: str) -> Any:
    """Delete, until restored."""
    return _listed(session.workspace.model.delete(ref))


@group.verb("restore")
@click.argument("ref", type=RefParam("model", deleted=True))
def restore(session: Session, ref: str) -> Any:
    """Restore."""
    return _listed(session.workspace.model.restore(ref))


@group.verb("rename")
@click.argument("old", type=_NAME)
@click.argument("new")
def rename(session: Session, old: str, new: str) -> Any:
    """Rename."""
    return session.workspace.model.rename(old, new)


@group.verb("verify")
@click.argument("ref", type=_REF, required=False)
@click.option("--all", "every", is_flag=True, help="All versions of all models.")
def verify(session: Session, ref: str | None, every: bool) -> Any:
    """Look whether a version is what was signed."""
    from nbmlops.models.seals import Seal

    seals = session.workspace.model.verify(ref, every=every)
    return session.judged(Listing(seals, Seal), good=all(seal.holds for seal in seals))


@group.verb("export")
@click.argument("ref", type=_REF)
@click.option("--oms", type=click.Path(), metavar="FOLDER", help="A new folder, signed as OpenSSF Model Signing says.")
def export(session: Session, ref: str, oms: str | None) -> Any:
    """Write a version for others."""
    return session.workspace.model.export(ref, oms=oms)


@group.verb("trust")
@click.argument("name", metavar="TYPE")
def trust(session: Session, name: str) -> Any:
    """Trust a type, and give all that are trusted."""
    return session.workspace.model.trust_type(name)
