"""A service level objective in a rule file: three rules that page by how fast its error budget burns.

Several windows at several rates, as in the Site Reliability Workbook, chapter 5, table 5-8: a page when 2 % of the
budget of 30 days is gone within an hour, or 5 % within six, a ticket when 10 % is within three days. Each looks at a
short window as well, a twelfth of the long one, so that it ends soon after the errors do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerting.rules.rule import Burn, Rule

_HOUR = timedelta(hours=1)
_MOST_EVERY = timedelta(minutes=10)
_SUMMARY = "{name}: the error budget burns {{{{ value | round(1) }}}} times as fast as it may"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """One row of the table: a rule's ending, its windows, the rate from which it fires and how it is told."""

    name: str
    long: timedelta
    short: timedelta
    factor: float
    severity: str


_WINDOWS = (
    _Window(name="BurnsFast", long=_HOUR, short=_HOUR / 12, factor=14.4, severity="critical"),
    _Window(name="BurnsQuickly", long=6 * _HOUR, short=_HOUR / 2, factor=6, severity="critical"),
    _Window(name="BurnsSlowly", long=72 * _HOUR, short=6 * _HOUR, factor=1, severity="warn"),
)
RULES_OF_A_SLO = len(_WINDOWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """`objective` percent of `total` are not `bad`; both are queries, as a rule's `query` and `divided_by`.

    Raises ValueError naming the key that is wrong.
    """

    slo: str
    objective: float
    bad: str
    total: str
    bucket: str = "telemetry"
    min_samples: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    description: str = ""
    runbook_url: str = ""

    def __post_init__(self) -> None:
        _ = self.rules

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it comes to: NAMEBurnsFast, NAMEBurnsQuickly, NAMEBurnsSlowly."""
        return tuple(self._rule(window) for window in _WINDOWS)

    def _rule(self, window: _Window) -> Rule:
        threshold = f"> {window.factor:g}"
        return Rule(
            alert=f"{self.slo}{window.name}",
            query=self.bad,
            divided_by=self.total,
            over=window.long,
            every=min(window.short / 10, _MOST_EVERY),
            bucket=self.bucket,
            warn=threshold if window.severity == "warn" else None,
            critical=threshold if window.severity == "critical" else None,
            burn=Burn(objective=self.objective, short=window.short),
            min_samples=self.min_samples,
            labels={"slo": self.slo, **self.labels},
            summary=self.summary or _SUMMARY.format(name=self.slo),
            description=self.description,
            runbook_url=self.runbook_url,
        )
