"""How the process allocates, settled once, before its threads start: what one thread frees is there for the others.

The C library gives threads heaps of their own, up to eight for each core, and Arrow's own allocator keeps another for
each. A collector answers in a dozen threads: what each had needed at most stayed with it, some 200 MB in all.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

_ARENA_MAX: Final = -8
"""M_ARENA_MAX in glibc's malloc.h."""
_ARENAS: Final = 2
_ARENAS_WISH: Final = "MALLOC_ARENA_MAX"
"""Where whoever runs the process has said how many there are to be: glibc reads it by itself."""
_ARROW_WISH: Final = "ARROW_DEFAULT_MEMORY_POOL"


def share_heaps() -> None:
    """Have few heaps, for everything. Call it before Arrow is imported; other C libraries have one heap anyway."""
    os.environ.setdefault(_ARROW_WISH, "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and _ARENAS_WISH not in os.environ:
        mallopt(_ARENA_MAX, _ARENAS)
