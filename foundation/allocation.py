"""How the process allocates, settled once, before its threads start: what one thread frees is there for the others.

The C library gives threads heaps of their own, up to eight for each core, and Arrow's own allocator keeps another for
each. A collector answers in a dozen threads: what each had needed at most stayed with it, some 200 MB in all.

Within a heap large pieces leave large holes between what stays: glibc learns to put pieces of up to 32 MB there, and at
full rate 50 to 110 MB of the process were such holes. So what is large comes from the system and goes back to it.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from foundation.clock import Clock

_ARENA_MAX: Final = -8
"""M_ARENA_MAX in glibc's malloc.h."""
_MMAP_THRESHOLD: Final = -3
"""M_MMAP_THRESHOLD."""
_TRIM_THRESHOLD: Final = -1
"""M_TRIM_THRESHOLD."""
_ARENAS: Final = 2
_LARGE_BYTES: Final = 4 << 20
"""With less the holes are smaller, but fresh pages cost a write a third of its time, with this a sixth."""
_ARENAS_WISH: Final = "MALLOC_ARENA_MAX"
"""Where whoever runs the process has said how many there are to be: glibc reads it by itself."""
_LARGE_WISH: Final = "MALLOC_MMAP_THRESHOLD_"
"""The same of what is large."""
_ARROW_WISH: Final = "ARROW_DEFAULT_MEMORY_POOL"
_GIVEN_BACK_EVERY_S: Final = 1.0
"""It takes 2 to 5 ms where much is free, and the process takes half of it again within a second."""


def share_heaps() -> None:
    """Have few heaps, for everything but what is large. Call it before Arrow is imported.

    Other C libraries have one heap anyway.
    """
    os.environ.setdefault(_ARROW_WISH, "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    if _ARENAS_WISH not in os.environ:
        mallopt(_ARENA_MAX, _ARENAS)
    if _LARGE_WISH not in os.environ:
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        # Who sets the first has the second at 128 kB, and the end of a heap given back and taken again all the time.
        mallopt(_TRIM_THRESHOLD, _LARGE_BYTES)


class FreeMemory:
    """What is free in the midst of the heaps, which the process keeps until it is given back.

    Used by one thread, which may wait a little; only glibc can be asked for it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given_back_s = clock.monotonic()
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

    def give_back(self) -> bool:
        """To the system; false where that was done within the last second, or there is nothing to give."""
        now_s = self._clock.monotonic()
        if self._trim is None or now_s - self._given_back_s < _GIVEN_BACK_EVERY_S:
            return False
        self._given_back_s = now_s
        return bool(self._trim(0))
