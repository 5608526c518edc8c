"""No measurement but those that a token is for."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from collector.check.memoryless import ByShape, Memoryless
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.line_protocol.line import Line


class MeasurementScope(Memoryless, ByShape):
    """Keeps nothing, so it is its own Checking."""

    name = "measurement_scope"

    def __init__(self, measurements: Sequence[str], token: str) -> None:
        self._measurements = measurements
        self._whose = f'token "{token}" writes {", ".join(measurements)} alone'

    def begin(self, origin: Origin) -> MeasurementScope:  # noqa: ARG002 - the same for every body
        """Nothing to begin."""
        return self

    def judge(self, line: Line) -> Ruling:
        """Refuse the line unless a pattern fits."""
        if any(fnmatchcase(line.measurement, pattern) for pattern in self._measurements):
            return None
        return Objection(Cause.MEASUREMENT_SCOPE, f'measurement "{line.measurement}": {self._whose}')

    def settles(self, line: Line) -> bool:  # noqa: ARG002 - holds for every line
        """Its measurement is that of every line of its shape."""
        return True

    def commit(self) -> None:
        """Nothing was learnt."""
