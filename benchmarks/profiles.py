"""Where the time of a measured process goes: cProfile around it, its hottest functions as a text file.

cProfile watches the thread of the event loop; what the threads for the disk, for compression and for delivery cost is
in the waits of that thread only where it waits for them. It makes every Python call dearer and none of the calls into
C, so shares among functions of one kind can be trusted, absolute times cannot.
"""

from __future__ import annotations

import io
import pstats
from pathlib import Path

_TOP = 40


def profiled(raw: Path | None) -> list[str]:
    """Arguments for Python that keep a raw profile in `raw`; none without one."""
    return [] if raw is None else ["-m", "cProfile", "-o", str(raw)]


def write_top(raw: Path, target: Path) -> None:
    """Write the hottest functions, by their own time and by that of all they call, as a text."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    stats = pstats.Stats(str(raw), stream=text)
    stats.sort_stats("tottime").print_stats(_TOP)
    stats.sort_stats("cumulative").print_stats(_TOP)
    target.write_text(text.getvalue(), encoding="utf-8")
