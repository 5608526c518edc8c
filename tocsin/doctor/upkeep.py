"""What the store does with its points by itself: whether rollups roll, and whether there is room for more points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tocsin.doctor.finding import Finding, fine, hint, wrong
from tocsin.doctor.patient import Patient

_NEARLY: Final = 0.9
_MANY: Final = 30
_MEND: Final = "a larger store.quota, a shorter store.retention, or a clock that is right (docs/backup.md)"


class Upkeep:
    """Rollups that fail or are behind, a quota that is nearly used up, a clock that is not believed, a damaged file."""

    name = "upkeep"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        standing = patient.collector.json("/api/v1/store")
        used, quota, rollups = standing["used_bytes"], standing["quota_bytes"], standing["rollups"]
        for problem in standing["problems"]:
            words, _, mend = problem.partition("; ")
            yield wrong(words, mend or _MEND)
        failing = [one for one in rollups if one["problem"]]
        for one in failing:
            words = f"rollup {one['name']} fails: {one['problem']}"
            yield wrong(words, f"see `tocsin explain rollup {one['name']}` and docs/rollups.md")
        behind = [one for one in rollups if not one["problem"] and one["pending_windows"] >= _MANY]
        for one in behind:
            since = timedelta(seconds=round(one["lag_s"]))
            words = (
                f"rollup {one['name']} is behind: {one['pending_windows']} windows wait, the oldest began {since} ago"
            )
            yield hint(
                words, f"see `tocsin explain rollup {one['name']}`: it catches up, or there is too much for this disk"
            )
        if quota and _NEARLY * quota <= used < quota:
            yield hint(f"{used / quota:.0%} of the store's quota are used", _MEND)
        elif not standing["problems"] and not failing and not behind:
            yield fine(f"{len(rollups)} rollups roll" if rollups else "nothing is wrong with the store's own work")
