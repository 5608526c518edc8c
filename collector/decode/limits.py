"""How large one line may be, whatever protocol it came by."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_BYTES = 4 << 20
_MOST_TAGS = 256


@dataclass(frozen=True, slots=True)
class LineLimits:
    """`most_bytes` is at least LONGEST_FAST_LINE: shorter lines of known shapes are not measured one by one."""

    most_bytes: int = _MOST_BYTES
    most_tags: int = _MOST_TAGS


ORDINARY = LineLimits()
"""What holds where nothing else is said."""
