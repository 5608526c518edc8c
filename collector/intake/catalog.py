"""Name -> input: what hands lines in by itself. HTTP intake is none of these; it is the collector's own door.

The name is also its section of `collector:`, which says with `enabled` whether it runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from collector.intake.host import HostInput

INPUTS: Mapping[str, type[HostInput]] = {
    "host": HostInput,
}
