"""How the configuration of this process stands: what its file on disk says wrong, and what of it waits for a restart.

Kept by whoever follows the file, shown by the roles that show their state.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Standing:
    """`errors`: one sentence for each fault of the file, the configuration before stays in force meanwhile.

    `waiting`: keys whose change needs a restart, `collector.listen`.
    """

    errors: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
