"""What is known of a model version, and of a promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from nbmlops.core.errors import RefusedError, UnsupportedError

if TYPE_CHECKING:
    from nbmlops.checks.records import Report
    from nbmlops.store.asks import Ask
    from nbmlops.store.versions import Version

__all__ = ["ModelSignature", "ModelVersion", "Output", "Promotion", "PromotionRefusedError", "SignatureField"]

Scalar = str | int | float | bool | None
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class SignatureField:
    """A column that a model takes: its name, Arrow type as text, whether it may hold nulls, its categories."""

    name: str
    type: str
    nullable: bool = True
    categories: tuple[Scalar, ...] | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """What one method of a model gives.

    `type` is a numpy dtype; `shape` has None for the number of rows; `classes` says what the columns of
    ``predict_proba`` stand for, or what ``predict`` may answer.
    """

    method: str
    type: str
    shape: tuple[int | None, ...]
    classes: tuple[Scalar, ...] | None = None


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What a model takes and gives.

    `form` is ``table`` when it takes a table with named columns, ``array`` when it takes an array, and
    ``texts`` when it takes a list of texts.
    """

    form: Literal["table", "array", "texts"]
    inputs: tuple[SignatureField, ...]
    outputs: tuple[Output, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` reads it back."""
        return {
            "format": _FORMAT,
            "form": self.form,
            "inputs": [
                {
                    "name": each.name,
                    "type": each.type,
                    "nullable": each.nullable,
                    "categories": None if each.categories is None else list(each.categories),
                }
                for each in self.inputs
            ],
            "outputs": [
                {
                    "method": each.method,
                    "type": each.type,
                    "shape": list(each.shape),
                    "classes": None if each.classes is None else list(each.classes),
                }
                for each in self.outputs
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Build the signature that `to_json` wrote.

        Raises
        ------
        UnsupportedError
            When a newer version of nbmlops wrote it.
        """
        if document["format"] > _FORMAT:
            raise UnsupportedError(
                f"the model's signature has format {document['format']}; this version reads up to {_FORMAT}",
                hint="pip install --upgrade nbmlops",
            )
        return cls(
            form=document["form"],
            inputs=tuple(
                SignatureField(each["name"], each["type"], each["nullable"], _tuple(each["categories"]))
                for each in document["inputs"]
            ),
            outputs=tuple(
                Output(each["method"], each["type"], tuple(each["shape"]), _tuple(each["classes"]))
                for each in document["outputs"]
            ),
        )


def _tuple(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One immutable version of a registered model.

    `digest` is that of its canonical bytes, `estimator` the path of its class, `signer` the id of the key
    that signed it, `libraries` the versions that it was saved with, `inputs` references of the data that its
    run had read. `number` is None until the pipeline run that wrote the version commits. `judged` is number and
    status of the newest report on it, and `asked` says which alias others were asked to approve for it; both are
    looked up by `show` and `history`. `description` is what people say of it, by `models.describing.KEYS`;
    `show` looks it up.
    """

    id: int
    name: str
    number: int | None
    digest: str
    format: str
    estimator: str
    signature: ModelSignature
    signer: str
    libraries: Mapping[str, str]
    size: int
    new_bytes: int
    message: str | None
    author: str
    created_at: datetime
    run_id: str | None
    notebook: str | None
    cell_id: str | None
    inputs: tuple[str, ...]
    aliases: tuple[str, ...]
    deleted_at: datetime | None
    ref: str
    judged: tuple[int, str] | None = None
    asked: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    description: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, version: Version, inputs: tuple[str, ...] = ()) -> Self:
        """The record of a row of the catalog."""
        detail = version.detail
        own = {key: getattr(version, key) for key in cls.__slots__ if hasattr(version, key)}
        return cls(
            **own,
            format=detail["format"],
            estimator=detail["estimator"],
            signature=ModelSignature.from_json(detail["signature"]),
            signer=detail["signed"]["key"],
            libraries=detail["libraries"],
            notebook=detail.get("notebook"),
            cell_id=detail.get("cell_id"),
            inputs=inputs,
        )


@dataclass(frozen=True, slots=True)
class Promotion:
    """An alias that moved, or was not allowed to: from which reference to which, on which report.

    `waits` is what others have to approve before it moves.
    """

    kind: Literal["model", "pipeline"]
    name: str
    alias: str
    before: str | None
    after: str | None
    report: Report | None
    moved: bool
    waits: Ask | None = None


class PromotionRefusedError(RefusedError):
    """A gate said no; `promotion` holds the report with every figure."""

    promotion: Promotion | None = None

    @classmethod
    def of(cls, promotion: Promotion, ref: str) -> Self:
        """The error that tells of a promotion that did not move."""
        report = promotion.report
        failures = report.failures if report else ()
        named = "\n".join(f"  {outcome}{f' ({outcome.detail})' if outcome.detail else ''}" for outcome in failures)
        stays = (
            f"{promotion.alias} stays on {promotion.before}" if promotion.before else f"{promotion.alias} stays unset"
        )
        error = cls(
            f"{ref} was not promoted to {promotion.alias}\n{named}",
            hint=f"{stays}; the whole report: `ml check show {report.id}`" if report else stays,
        )
        error.promotion = promotion
        return error
