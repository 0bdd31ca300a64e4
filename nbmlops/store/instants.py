"""How the catalog keeps an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, TypeDecorator

from nbmlops.core.clock import instant, microseconds

__all__ = ["Instant"]


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 so that every engine sorts it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """Datetime to microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """Microseconds to datetime in UTC."""
        return None if value is None else instant(value)
