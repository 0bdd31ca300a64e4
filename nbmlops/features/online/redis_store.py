"""The online store in Redis or Valkey, for many servers.

Each slot is one hash from keys to rows; a script of the server puts a batch and the state of its slot in one step. A
row begins with its event time and its table, both of fixed width, so that newer ones compare greater as texts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from nbmlops.core.errors import DependencyError
from nbmlops.features.online.port import Found, Row, erased_meanwhile, overtaken, unavailable
from nbmlops.features.online.records import Slot

if TYPE_CHECKING:
    import redis

__all__ = ["RedisStore"]

T = TypeVar("T")
_SHIFT = 1 << 63
_HEAD = 40
_OVERTAKEN, _ERASED = "overtaken", "erased"
_AT_ONCE = 1_000
# KEYS: states, orders, rows, fences. ARGV: slot, state, order, fence, how many are gone, those keys, then pairs of key
# and row.
_WRITE = f"""
local known = redis.call('HGET', KEYS[2], ARGV[1])
if not known or known > ARGV[3] then return redis.error_reply('{_OVERTAKEN}') end
if (redis.call('HGET', KEYS[4], ARGV[1]) or '0') ~= ARGV[4] then return redis.error_reply('{_ERASED}') end
local at = 6
for i = 1, tonumber(ARGV[5]) do
  local old = redis.call('HGET', KEYS[3], ARGV[at])
  if old and string.sub(old, 21, 40) <= ARGV[3] then redis.call('HDEL', KEYS[3], ARGV[at]) end
  at = at + 1
end
for i = at, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[3], ARGV[i])
  if not old or string.sub(old, 1, 40) <= string.sub(ARGV[i + 1], 1, 40) then
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1])
  end
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""
# KEYS: states, rows, fences. ARGV: slot, then keys.
_ERASE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local gone = 0
for i = 2, #ARGV do gone = gone + redis.call('HDEL', KEYS[2], ARGV[i]) end
redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
return gone
"""


class RedisStore:
    """Values in a server.

    Parameters
    ----------
    url : str
        Such as ``redis://10.0.0.5:6379/0``.
    patience : float
        Seconds that an answer may take.

    Raises
    ------
    DependencyError
        When the extra ``redis`` is not installed.
    """

    def __init__(self, url: str, patience: float = 1.0) -> None:
        try:
            import redis
        except ImportError:
            raise DependencyError(
                "an online store in Redis needs redis, which is not installed", hint="pip install 'nbmlops[redis]'"
            ) from None
        parts = urlsplit(url)
        self._place = f"{parts.hostname}:{parts.port or 6379}"  # without the password
        self._errors = redis.RedisError
        self._server: redis.Redis = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=patience, socket_connect_timeout=patience
        )
        self._write = self._server.register_script(_WRITE)
        self._erase = self._server.register_script(_ERASE)
        self._states, self._orders = "nbmlops:{online}:slots", "nbmlops:{online}:orders"
        self._fences = "nbmlops:{online}:fences"
        self.remains = (
            f"files that the server of the online store {self._place} writes, if any, and its replicas: let it write "
            "them anew, BGREWRITEAOF and BGSAVE"
        )

    def _rows(self, slot: int) -> str:
        return f"nbmlops:{{online}}:rows:{slot}"  # the braces keep all keys on one node of a cluster

    def slots(self) -> list[Slot]:
        """All slots, by id."""
        known: Any = self._asked(lambda: self._server.hgetall(self._states))
        fences: Any = self._asked(lambda: self._server.hgetall(self._fences))
        found = [Slot.of({**json.loads(state), "fence": int(fences.get(id_, 0))}) for id_, state in known.items()]
        return sorted(found, key=lambda slot: slot.id)

    def make(self, slot: Slot) -> Slot:
        """Add a slot; gives it with its id."""
        number: Any = self._asked(lambda: self._server.incr("nbmlops:{online}:last"))
        made = replace(slot, id=int(number))

        def add() -> None:
            with self._server.pipeline(transaction=True) as together:
                together.hset(self._states, str(made.id), json.dumps(made.document()))
                together.hset(self._orders, str(made.id), _wide(made.filling))
                together.execute()

        self._asked(add)
        return made

    def write(self, slot: Slot, rows: Sequence[Row], gone: Sequence[str] = ()) -> None:
        """Remove some keys, put rows where they are newer, and bring the state of a slot to this, in one."""
        pairs = [word for row in rows for word in (row.key, f"{_wide(row.at + _SHIFT)}{_wide(row.table)}{row.text}")]
        words: list[str | int] = [
            str(slot.id),
            json.dumps(slot.document()),
            _wide(slot.filling),
            str(slot.fence),
            len(gone),
            *gone,
            *pairs,
        ]
        keys = [self._states, self._orders, self._rows(slot.id), self._fences]
        try:
            self._write(keys=keys, args=words)
        except self._errors as error:
            if _OVERTAKEN in str(error):
                raise overtaken(slot) from None
            if _ERASED in str(error):
                raise erased_meanwhile(slot) from None
            raise unavailable(self._place, error) from error

    def read(self, asked: Sequence[tuple[int, Sequence[str]]]) -> list[list[Found]]:
        """For each slot, and each key that is asked of it, the event time and text; all in one round trip."""

        def look() -> list[list[str | None]]:
            with self._server.pipeline(transaction=False) as together:
                for slot, keys in asked:
                    for first in range(0, len(keys), _AT_ONCE):
                        together.hmget(self._rows(slot), list(keys[first : first + _AT_ONCE]))
                return together.execute()

        parts = iter(self._asked(look))
        found: list[list[Found]] = []
        for _, keys in asked:
            texts = [text for _ in range(0, len(keys), _AT_ONCE) for text in next(parts)]
            found.append([None if text is None else _read(text) for text in texts])
        return found

    def holds(self, slot: int) -> bool:
        """Whether a slot is there."""
        return bool(self._asked(lambda: self._server.hexists(self._states, str(slot))))

    def count(self, slot: int) -> int:
        """How many keys a slot has."""
        found: Any = self._asked(lambda: self._server.hlen(self._rows(slot)))
        return int(found)

    def keys(self, slot: int) -> list[str]:
        """All its keys."""
        return self._asked(lambda: [key for key, _ in self._server.hscan_iter(self._rows(slot), count=_AT_ONCE)])

    def scan(self, slot: int) -> Iterator[list[Row]]:
        """All rows, some at a time; one may come twice while others write."""
        name, cursor = self._rows(slot), 0
        while True:
            got: Any = self._asked(lambda cursor=cursor: self._server.hscan(name, cursor, count=_AT_ONCE))  # type: ignore[misc]
            cursor, rows = got
            if rows:
                yield [Row(key, _read(row)[0], int(row[20:_HEAD]), row[_HEAD:]) for key, row in rows.items()]
            if not cursor:
                return

    def erase(self, slot: int, keys: Sequence[str]) -> int:
        """Remove keys, and refuse from now on whoever has read the slot before; how many keys there were."""
        gone, names = 0, [self._states, self._rows(slot), self._fences]
        for first in range(0, max(len(keys), 1), _AT_ONCE):
            some = [str(slot), *keys[first : first + _AT_ONCE]]
            part: Any = self._asked(lambda some=some: self._erase(keys=names, args=some))  # type: ignore[misc]
            gone += int(part)
        return gone

    def scrub(self) -> None:
        """Nothing: rows that were removed are gone from the memory, and `remains` tells of the files."""

    def drop(self, slot: int) -> None:
        """Remove a slot with all its rows."""

        def remove() -> None:
            with self._server.pipeline(transaction=True) as together:
                together.hdel(self._states, str(slot))
                together.hdel(self._orders, str(slot))
                together.hdel(self._fences, str(slot))
                together.unlink(self._rows(slot))
                together.execute()

        self._asked(remove)

    def close(self) -> None:
        """Give back connections."""
        self._server.close()

    def _asked(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except self._errors as error:
            raise unavailable(self._place, error) from error


def _read(row: str) -> tuple[int, str]:
    return int(row[:20]) - _SHIFT, row[_HEAD:]


def _wide(number: int) -> str:
    return f"{number:020d}"
