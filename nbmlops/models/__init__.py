"""Model versions: save, sign, load without running foreign code, promote through a gate, roll back."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbmlops.models.gates import Gate
    from nbmlops.models.records import (
        ModelSignature,
        ModelVersion,
        Output,
        Promotion,
        PromotionRefusedError,
        SignatureField,
    )
    from nbmlops.models.service import Models

__all__ = [
    "Gate",
    "ModelSignature",
    "ModelVersion",
    "Models",
    "Output",
    "Promotion",
    "PromotionRefusedError",
    "SignatureField",
]

_HOMES = {
    "SignatureField": "records",
    "Gate": "gates",
    "ModelSignature": "records",
    "ModelVersion": "records",
    "Models": "service",
    "Output": "records",
    "Promotion": "records",
    "PromotionRefusedError": "records",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
