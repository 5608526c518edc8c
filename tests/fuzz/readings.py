"""JSON readings: a decoder that knows their forms beside one that sees each for the first time."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from foundation.line_protocol.precision import Precision
from tests.collector.decode.test_forms import items, test_a_reading_is_written_as_if_it_were_the_first
from tests.fuzz.lane import Findings, GoesOn

_ROUND = 500
_CHECK = test_a_reading_is_written_as_if_it_were_the_first.hypothesis.inner_test  # type: ignore[attr-defined]  # Hypothesis' own
"""The rule itself is the test's, and so is what readings look like."""


class Readings:
    """Arrays of up to eight readings; Hypothesis makes the smallest of those that differ."""

    name = "JSON readings"

    def run(self, seed: int, goes_on: GoesOn, findings: Findings) -> None:
        """Compare until it is enough, a few hundred at a time."""
        while goes_on():
            try:
                _round(seed, goes_on, findings)
            except Exception as error:  # noqa: BLE001 - a decoder that fails is a finding like one that differs
                findings.disagreements.append("\n".join([str(error), *getattr(error, "__notes__", ())]))
            seed += 1


def _round(seed: int, goes_on: GoesOn, findings: Findings) -> None:
    @seeded(seed)
    @settings(
        max_examples=_ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(items, min_size=1, max_size=8),
        st.integers(0, 2**32),
        st.sampled_from([None, Precision.NS, Precision.MS, Precision.S, Precision.H]),
    )
    def compare(data: list[Any], luck: int, precision: Precision | None) -> None:
        _CHECK(data, luck, precision)
        findings.bodies += 1
        findings.lines += 3 * len(data)

    compare()
