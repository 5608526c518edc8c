"""How large one line may be, whatever protocol it came by, and of how many items a body may be."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_BYTES = 4 << 20
_MOST_TAGS = 256
_MOST_ITEMS = 1_000_000


@dataclass(frozen=True, slots=True)
class LineLimits:
    """`most_bytes` is at least LONGEST_FAST_LINE: shorter lines of known shapes are not measured one by one.

    `most_items` is for protocols whose items are not lines of the body; rows are counted where the body is read.
    """

    most_bytes: int = _MOST_BYTES
    most_tags: int = _MOST_TAGS
    most_items: int = _MOST_ITEMS


ORDINARY = LineLimits()
"""What holds where nothing else is said."""
