"""What a check is. Nothing here reads, asks or prints; `catalog` lists the checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tocsin.doctor.finding import Finding
from tocsin.doctor.patient import Patient


class Check(Protocol):
    """Looks at one thing. Stateless; changes nothing but where its docstring says so.

    May raise NotNow, and what `Web` raises of a role of ours: whoever runs the checks says so in its place.
    """

    @property
    def name(self) -> str:
        """What is looked at, in a word or two; one of its own in the catalog."""

    def look(self, patient: Patient) -> Iterator[Finding]:
        """What was found; everything that waits has a time-out."""
