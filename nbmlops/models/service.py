"""Verbs on models: save, load, list, show, history, promote, rollback, drill, push, pull, delete, restore and more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbmlops.core.digests import of_bytes
from nbmlops.core.errors import NotFoundError
from nbmlops.core.refs import Ref, check_name
from nbmlops.models import admission
from nbmlops.models.approving import Approving
from nbmlops.models.drill import RollbackDrill
from nbmlops.models.opening import Opening
from nbmlops.models.promotion import ModelPromoter
from nbmlops.models.records import ModelSignature, ModelVersion, Promotion
from nbmlops.models.sealing import build, sealed
from nbmlops.models.telling import Telling
from nbmlops.models.trusting import Trusting
from nbmlops.store.aliases import Aliases
from nbmlops.store.judging import newest_report, newest_reports
from nbmlops.store.pages import Page
from nbmlops.store.versions import Version, Versions

if TYPE_CHECKING:
    from nbmlops.checks.model.case import Opened
    from nbmlops.checks.records import Report
    from nbmlops.checks.service import Checks
    from nbmlops.core.clock import Clock
    from nbmlops.core.settings import Settings
    from nbmlops.data.service import Data
    from nbmlops.store.lineage import Lineage
    from nbmlops.store.objects import ObjectStore
    from nbmlops.store.records import Pull, Push
    from nbmlops.store.trust import Keyring

__all__ = ["Models"]

Progress = Callable[[int], None]


class Models(Approving, Telling, Trusting):
    """Versions of trained models.

    Parameters
    ----------
    versions : Versions
        The catalog's versions of the kind ``model``.
    objects : ObjectStore
        Where the bytes lie.
    keyring : Keyring
        Signs what is saved; says whose signatures and which types to trust.
    lineage : Lineage
        Where reads are recorded.
    clock : Clock
        Tells when.
    data : Data
        Where gates find their held-out tables.
    checks : Checks
        Keeps the reports of promotions.
    settings : callable
        Gives the settings as they are now: the gates, and who must approve.
    """

    def __init__(
        self,
        versions: Versions,
        objects: ObjectStore,
        keyring: Keyring,
        lineage: Lineage,
        clock: Clock,
        data: Data,
        checks: Checks,
        settings: Callable[[], Settings],
    ) -> None:
        self._versions = versions
        self._tables = Versions(versions.catalog, clock, "data")
        self._objects = objects
        self._keyring = keyring
        self._lineage = lineage
        self._data = data
        self._clock = clock
        self._opening = Opening(versions, self._open, keyring, clock)
        self._promoter = ModelPromoter(versions, self._opening.opened, data, checks, clock, settings)
        self._aliases = Aliases(versions, clock)
        self._drill = RollbackDrill(versions, self._aliases, self._opening, self._promoter, clock)
        self._checks = checks

    def save(
        self,
        estimator: Any,
        name: str,
        *,
        example: Any = None,
        message: str | None = None,
        format: str | None = None,  # noqa: A002 - the word of all three faces
    ) -> ModelVersion:
        """Save a fitted estimator as the newest version of a name, signed with the person's key.

        Before anything is stored it is loaded back from its bytes and must give the same answers on the
        example, so a version that is listed can be loaded.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator or pipeline of scikit-learn, of xgboost or lightgbm, or a predictor of one's own.
        name : str
            What to call it.
        example : pandas.DataFrame, pyarrow.Table, polars.DataFrame, numpy.ndarray or list of str, optional
            Some rows of its input, for the signature.
        message : str, optional
            Why it was made.
        format : {"skops", "onnx", "xgboost", "lightgbm", "plain", "joblib"}, optional
            How it is written; by default as its class asks for, which for scikit-learn is skops.

        Returns
        -------
        ModelVersion
            The new version, or the newest one when it has this content already; an example that gives another
            signature makes a new version of the same content.

        Raises
        ------
        InvalidError
            When it is not a fitted estimator, holds a class that was defined in a cell, or cannot answer
            its example.
        UntrustedError
            When it holds a type that is neither reviewed nor trusted.
        UnsupportedError
            When the format cannot hold it.
        """
        check_name(name)
        origin = self._versions.origin()
        content, learnt, detail = admission.admitted(estimator, example, format, self._keyring.types())
        detail |= origin.detail()
        return self._added(name, content, learnt, detail, message, renew=example is not None)

    def _added(
        self,
        name: str,
        content: bytes,
        learnt: ModelSignature,
        detail: dict[str, Any],
        message: str | None,
        *,
        renew: bool,
    ) -> ModelVersion:
        """Sign and store; `renew` when another signature of the same content makes a new version."""
        digest = of_bytes(content)
        stored = self._objects.put(content)
        version = self._versions.add(
            name,
            digest=digest,
            root=stored.digest,
            size=stored.size,
            new_bytes=stored.new_bytes,
            message=message,
            detail=sealed(self._keyring, digest, detail),
            renew=renew and self._says_less(name, digest, learnt),
        )
        return self._record(version)

    def _says_less(self, name: str, digest: str, learnt: ModelSignature) -> bool:
        """Whether the newest version is this model with another signature: it was saved without this example."""
        known = [version for version in self._versions.newest() if version.name == name and version.digest == digest]
        return any(self._record(version).signature != learnt for version in known)

    def load(self, ref: str) -> Any:
        """Load a version; digest, signature and format are checked, in that order, before anything is built.

        Raises
        ------
        NotFoundError
            When there is no such version.
        CorruptError
            When the stored bytes are not what was saved.
        UntrustedError
            When its signer or a type in it is not trusted.
        UnsupportedError
            When its format, or a library version that it needs, is not here.
        """
        version = self._versions.resolve(ref)
        model = self._open(version)
        self._lineage.record("reads", version)
        return model

    def opened(self, ref: str) -> Opened:
        """Load a version together with what it takes of a table, for checks; raises what `load` raises."""
        version = self._versions.resolve(ref)
        self._lineage.record("reads", version)
        return self._opening.opened(version)

    def show(self, ref: str) -> ModelVersion:
        """What is known of a version."""
        version = self._versions.resolve(ref)
        asked = self._promoter.asked(version.name).get(version.id, ())
        known = self._record(version)
        return replace(
            known, judged=newest_report(self._versions, version), asked=asked, description=self._said(version)
        )

    def history(
        self, name: str, *, limit: int | None = None, after: str | None = None, aliased: bool = False
    ) -> list[ModelVersion]:
        """All versions of a model, newest first; `limit`, `after` and `aliased` are those of `Data.history`."""
        versions = self._versions.history(name, page=Page.of(name, limit, after, aliased))
        asked, judged = self._promoter.asked(name), newest_reports(self._versions, versions)
        return [replace(self._record(one), asked=asked.get(one.id, ()), judged=judged.get(one.id)) for one in versions]

    def outline(self, name: str, every: int = 100) -> tuple[int, list[str]]:
        """How many versions a model has, and after which ones the pages of its history begin, but for the first."""
        return self._versions.outline(name, every)

    def placed(self) -> dict[str, dict[str, str]]:
        """Where all aliases are: for each model that has some, alias -> the reference of its version."""
        return self._aliases.placed()

    def promote(self, ref: str, to: str = "production", *, message: str | None = None) -> Promotion:
        """Move an alias to a version, if its gate passes; where others must approve, ask them.

        The verdict is computed first and kept as a report; one transaction then checks that the alias, the
        gate and the held-out table are still those of the verdict, and moves the alias.

        Parameters
        ----------
        ref : str
            The candidate.
        to : str
            The alias.
        message : str, optional
            Why.

        Returns
        -------
        Promotion
            Its report; `moved` is False when the alias was on that version already, and when others must approve:
            `waits` says so then.

        Raises
        ------
        PromotionRefusedError
            When the gate says no: the message states each figure and its bound, `promotion` has the report.
        ConflictError
            When the alias, the gate or the held-out table changed while the verdict was computed.
        InvalidError
            When the gate in ``pyproject.toml`` does not parse.
        """
        return self._promoter.promote(ref, to, message)

    def rollback(self, name: str, alias: str = "production") -> Promotion:
        """Move an alias back to where it was before its last promotion; twice goes back twice.

        Raises
        ------
        NotFoundError
            When the alias is nowhere, or was nowhere before.
        PromotionRefusedError
            When the earlier version does not load any more.
        ConflictError
            When the alias moved in the meantime, or the earlier version is deleted.
        """
        return self._promoter.rollback(name, alias)

    def way_back(self, name: str, alias: str = "production") -> tuple[ModelVersion, ModelVersion]:
        """The version that an alias is on, and the one that `rollback` would move it to.

        Raises
        ------
        NotFoundError
            When the alias is nowhere, or was nowhere before.
        """
        present, earlier = self._promoter.way_back(name, alias)
        return self._record(present), self._record(earlier)

    def drill(self, name: str, alias: str = "production", *, on: Any = None) -> Report:
        """Rehearse a rollback with an alias of its own, time it, and keep the report; the real alias stays.

        Parameters
        ----------
        name : str
            The model.
        alias : str
            The alias whose rollback is rehearsed; without a way back the two newest versions are taken.
        on : str, Path, pandas.DataFrame, pyarrow.Table or polars.DataFrame, optional
            Rows that both versions answer, before and after: a reference, a file, or a table.

        Returns
        -------
        Report
            Of the section ``infrastructure``: the way back, both moves, the answers, and that the alias stayed.

        Raises
        ------
        NotFoundError
            When there is no such model, or it has one version only.
        """
        table = None if on is None else self._checks.table(on)
        return self._checks.save(self._drill.drill(name, alias, table))

    def push(self, *refs: str, to: str | None = None, progress: Progress | None = None) -> Push:
        """Send versions to a remote, as `Data.push` does; all versions of all models by default."""
        return self._data.exchange.push("model", refs, to, progress)

    def pull(self, *refs: str, from_: str | None = None, progress: Progress | None = None) -> Pull:
        """Fetch versions from a remote, as `Data.pull` does; who signed them must be trusted here to load them."""
        return self._data.exchange.pull("model", [Ref.parse(ref) for ref in refs], from_, progress)

    def delete(self, ref: str) -> list[ModelVersion]:
        """Hide a version, or with a bare name all of them, until `restore` or the end of the grace period.

        Raises
        ------
        RefusedError
            While an alias refers to it.
        """
        return [self._record(version) for version in self._versions.delete(ref)]

    def restore(self, ref: str) -> list[ModelVersion]:
        """Bring back what was deleted."""
        return [self._record(version) for version in self._versions.restore(ref)]

    def rename(self, old: str, new: str) -> ModelVersion:
        """Give all versions of a model another name."""
        self._versions.rename(old, new)
        return self.show(new)

    def _open(self, version: Version) -> Any:
        if self._data.exchange.absent(version):
            hint = f"`ml model pull {version.ref}`"
            raise NotFoundError(f"{version.ref} is known here, its bytes are not", hint=hint)
        return build(version, self._objects, self._keyring)

    def _record(self, version: Version) -> ModelVersion:
        read = self._lineage.made_from(version)
        return ModelVersion.of(version, tuple(self._tables.get(number).ref for kind, number in read if kind == "data"))

    def list(self, *, deleted: bool = False) -> list[ModelVersion]:
        """The newest version of every model; or each version that was deleted and can be restored, the last first."""
        found = self._versions.hidden() if deleted else self._versions.newest()
        return [self._record(version) for version in found]
