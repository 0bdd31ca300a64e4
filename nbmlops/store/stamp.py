"""What a place tells of a file without giving it: enough to see that it is another by now."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Stamp"]


class Stamp(NamedTuple):
    """Size in bytes, tag and time of a file; None for what the place does not tell."""

    size: int | None
    etag: str | None = None
    written: str | None = None

    def changes(self, now: Stamp) -> list[str]:
        """What is told otherwise now, in words; where there are tags, the time does not count.

        Examples
        --------
        >>> Stamp(3, '"a"', "Monday").changes(Stamp(4, '"b"', "Tuesday"))
        ['3 → 4 bytes', 'etag "a" → "b"']
        """
        found = []
        if None not in {self.size, now.size} and self.size != now.size:
            found.append(f"{self.size:,} → {now.size:,} bytes")
        if self.etag and now.etag:
            if self.etag != now.etag:
                found.append(f"etag {self.etag} → {now.etag}")
        elif self.written and now.written and self.written != now.written:
            found.append(f"written {self.written} → {now.written}")
        return found
