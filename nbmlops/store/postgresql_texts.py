"""What PostgreSQL cannot keep in a text, and what stands for it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.string import StrDumperUnknown

if TYPE_CHECKING:
    import psycopg

__all__ = ["adapt"]

_NUL, _SHOWN = "\0", "\N{SYMBOL FOR NULL}"


class _Texts(StrDumperUnknown):
    """Texts whose NUL characters, which PostgreSQL refuses, are shown by the character that is made for that."""

    def dump(self, obj: str) -> Any:
        """A text as bytes for the server."""
        return super().dump(obj.replace(_NUL, _SHOWN) if _NUL in obj else obj)


def adapt(connection: psycopg.Connection[Any]) -> None:
    """Let a connection send texts so."""
    connection.adapters.register_dumper(str, _Texts)
