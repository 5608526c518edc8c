"""A budget of series for one token: known series pass, a new one over it is refused and the worst tag named.

Counted as the cardinality check counts: by hashes, in memory, forgotten a day or two after they were last written.
"""

from __future__ import annotations

from collector.check.cardinality import Cardinality, CardinalityConfig, CardinalityOfBody
from collector.check.memoryless import Memoryless
from collector.check.run import Run
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.line_protocol.line import Line


class SeriesQuota(Memoryless):
    """The series of one token that are alive."""

    name = "series_quota"
    surveys = True

    def __init__(self, series: int) -> None:
        self._counted = Cardinality(CardinalityConfig(per_source=series, most=series))

    def begin(self, origin: Origin) -> SeriesQuotaOfBody:
        """Examine one body."""
        return SeriesQuotaOfBody(self._counted.begin(origin))


class SeriesQuotaOfBody:
    """One body's series against the quota."""

    surveys = True

    def __init__(self, counted: CardinalityOfBody) -> None:
        self._counted = counted
        self.settles = counted.settles
        self.commit = counted.commit

    def judge(self, line: Line) -> Ruling:
        """Refuse the line if its series is new and the quota spent."""
        ruling = self._counted.judge(line)
        return Objection(Cause.SERIES_QUOTA, ruling.reason) if isinstance(ruling, Objection) else ruling

    def survey(self, run: Run) -> bool:
        """Whether all series of the run are alive, or find room."""
        return self._counted.survey(run)
