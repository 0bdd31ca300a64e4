"""Where the versions of an endpoint come from: the catalog says which, the store has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.errors import InvalidError, NotFoundError
from nbmlops.core.refs import Ref
from nbmlops.serving.records import Deployment

if TYPE_CHECKING:
    from nbmlops.serving.endpoint.lineup import Wanted
    from nbmlops.serving.endpoint.served import Served
    from nbmlops.workspace.root import Workspace

__all__ = ["VersionSource", "meant"]


def meant(deployment: Deployment, ref: Ref) -> Deployment:
    """What a deployment says to an endpoint that was told to serve `ref`.

    The model's name, and the alias that the deployment serves, mean all of it. Another alias or a version means itself:
    it answers everybody, and what is kept stays as the deployment says.
    """
    selector = str(ref).partition("@")[2]
    if selector in {"", deployment.alias}:
        return deployment
    return replace(deployment, alias=selector, split=(), shadow=())


@dataclass(slots=True)
class VersionSource:
    """Versions of a workspace for one worker: read, checked for trust, and never written to.

    Parameters
    ----------
    workspace : Workspace
        Where the versions are.
    ref : str
        What is served.
    rows : int
        How many rows a request may have.
    background : str, optional
        The table that answers are explained against; by default one that a version was made from.
    """

    workspace: Workspace
    ref: str
    rows: int
    background: str | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return Ref.parse(self.ref).name

    def wanted(self) -> Wanted:
        """Who is to answer now, in one look at the catalog."""
        from nbmlops.serving import queries
        from nbmlops.serving.endpoint.lineup import Wanted

        versions = self.workspace.versions("model")

        def work(connection: Any) -> Wanted:
            row = queries.deployment(connection, self.name)
            deployment = meant(Deployment(self.name) if row is None else Deployment.of(row), Ref.parse(self.ref))
            ids: dict[str, int] = {}
            absent: dict[str, str] = {}
            for ref in dict.fromkeys((deployment.alias, *deployment.refs)):
                try:
                    ids[ref] = versions.resolve_in(connection, Ref.parse(f"{self.name}@{ref}")).id
                except NotFoundError as error:
                    if ref == deployment.alias:
                        raise
                    absent[ref] = error.message
            return Wanted(deployment, ids, absent)

        return self.workspace.catalog.read(work)

    def number(self, version_id: int) -> int | None:
        """The number of a version."""
        return self.workspace.versions("model").get(version_id).number

    def open(self, version_id: int) -> Served:
        """Open it after all checks of trust."""
        from nbmlops.models.records import ModelSignature
        from nbmlops.models.sealing import build
        from nbmlops.serving.endpoint.served import Served
        from nbmlops.workspace.backgrounds import background_of
        from nbmlops.workspace.served_features import fetcher_of

        version = self.workspace.versions("model").get(version_id)
        signature = ModelSignature.from_json(version.detail["signature"])
        if not signature.inputs:
            raise InvalidError(
                f"{version.ref} has no signature to check requests against",
                hint="save it with an example: `ml model save ESTIMATOR NAME --example X`",
            )
        model = build(version, self.workspace.objects, self.workspace.keyring)
        assert version.number is not None  # a version with a reference of its own has one
        own = version.name, version.number, version.id, version.digest, signature, model
        fetcher = fetcher_of(self.workspace, version.ref, signature)

        def explained_by() -> Any:
            return background_of(self.workspace, version.ref, signature, self.background)

        return Served(*own, most=self.rows, fetcher=fetcher, explained_by=explained_by)
