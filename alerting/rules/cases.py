"""A file of rule tests as a value, in promtool's shape. `alerting.rehearse` runs what `read_cases` reads.

Series are written as in line protocol, the field behind the last unescaped blank:
`http_request,endpoint=/pay duration_ms`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerting.rules.notation import Sample, read_samples
from foundation import settings
from foundation.line_protocol.line import LineError
from foundation.line_protocol.parse import parse_line


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSeries:
    """One series: which, and its samples, one every `interval` from time 0."""

    series: str
    values: str
    tags: Mapping[str, str] = field(init=False, compare=False, default_factory=dict)
    samples: tuple[Sample, ...] = field(init=False, compare=False, default=())

    def __post_init__(self) -> None:
        try:
            line = parse_line(self.line(0.0, 0))
        except LineError as error:
            form = "write measurement, tags, a blank and one field, as in http_request,endpoint=/pay duration_ms"
            raise ValueError(f"series: {self.series!r}: {error.reason}; {form}") from error
        if len(line.fields) != 1:
            raise ValueError(f"series: {self.series!r} names {len(line.fields)} fields; write one series for each")
        object.__setattr__(self, "tags", dict(line.tags))
        object.__setattr__(self, "samples", read_samples(self.values))

    def line(self, value: float, time_ns: int) -> bytes:
        """One sample as a line of line protocol, without its newline."""
        return f"{self.series.strip()}={value!r} {time_ns}".encode()

    def ends(self, upto: int) -> bool:
        """Whether the last thing said at or before sample `upto` is that the series ended."""
        said = [sample for sample in self.samples[: upto + 1] if sample is not None]
        return bool(said) and said[-1] == "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    """An alert that must be firing: all its labels (`alertname` is implied), and its annotations if they are given."""

    exp_labels: Mapping[str, Any] = field(default_factory=dict)
    exp_annotations: Mapping[str, str] | None = None

    def labels(self, alertname: str) -> dict[str, str]:
        """Every label as text."""
        return {"alertname": alertname} | {name: _text(value) for name, value in self.exp_labels.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTest:
    """What must be firing of one rule at one time."""

    eval_time: timedelta
    alertname: str
    exp_alerts: tuple[ExpectedAlert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """Some series and what rules make of them."""

    input_series: tuple[InputSeries, ...] = ()
    alert_rule_test: tuple[AlertTest, ...] = ()
    interval: timedelta | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesFile:
    """A file of tests. `evaluation_interval` left out: every rule at its own `every`."""

    rule_files: tuple[Path, ...]
    tests: tuple[Test, ...] = ()
    evaluation_interval: timedelta | None = None

    def __post_init__(self) -> None:
        for name, value in _intervals(self):
            if value is not None and value <= timedelta(0):
                raise ValueError(f"{name}: must be longer than 0s")


def read_cases(path: Path, env: Mapping[str, str]) -> CasesFile:
    """The tests of a file, paths relative to it. Raises ConfigError with every fault: file, line, path, remedy."""
    return settings.load(CasesFile, path, env, prefix=None)


def _intervals(cases: CasesFile) -> Iterator[tuple[str, timedelta | None]]:
    yield "evaluation_interval", cases.evaluation_interval
    for number, test in enumerate(cases.tests):
        yield f"tests[{number}].interval", test.interval


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
