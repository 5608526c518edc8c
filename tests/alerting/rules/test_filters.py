"""What numbers look like in a message: three digits, a unit, nothing to calculate in one's head."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from alerting.rules import filters

CASES = [
    (filters.ms, 0, "0 ms"),
    (filters.ms, 0.2512, "0.251 ms"),
    (filters.ms, 912.5, "912 ms"),
    (filters.ms, 999.4, "999 ms"),
    (filters.ms, 999.9, "1 s"),
    (filters.ms, 1250, "1.25 s"),
    (filters.ms, 61_000, "1m 1s"),
    (filters.ms, -5, "-5 ms"),
    (filters.duration, 0, "0 s"),
    (filters.duration, 0.25, "250 ms"),
    (filters.duration, 1.25, "1.25 s"),
    (filters.duration, 59.4, "59.4 s"),
    (filters.duration, 59.7, "1m"),
    (filters.duration, 125, "2m 5s"),
    (filters.duration, 3600, "1h"),
    (filters.duration, 3_601, "1h"),
    (filters.duration, 277_205, "3d 5h"),
    (filters.duration, -90, "-1m 30s"),
    (filters.duration, timedelta(minutes=2), "2m"),
    (filters.percent, 0.0512, "5.12%"),
    (filters.percent, 1, "100%"),
    (filters.percent, 12, "1200%"),
    (filters.percent, 0, "0%"),
    (filters.in_bytes, 512, "512 B"),
    (filters.in_bytes, 1023.9, "1 KiB"),
    (filters.in_bytes, 1.5 * 2**30, "1.5 GiB"),
    (filters.in_bytes, 2.0**70, "1024 EiB"),
    (filters.si, 950, "950"),
    (filters.si, 1500, "1.5k"),
    (filters.si, 999_999, "1M"),
    (filters.si, 12_345_678, "12.3M"),
    (filters.si, 0.0042, "4.2m"),
    (filters.si, -1500, "-1.5k"),
]


@pytest.mark.parametrize(("render", "value", "text"), CASES)
def test_filter(render: Callable[[float | timedelta], str], value: float | timedelta, text: str):
    """Three significant digits and the unit in which the number is small."""
    assert render(value) == text


@pytest.mark.parametrize("render", filters.FILTERS.values(), ids=filters.FILTERS.keys())
def test_no_number(render: Callable[[float | None], str]):
    """Where there is no number the text says so; nothing raises."""
    assert render(None) == "no data"
    assert render(math.inf) == "inf"
    assert render(math.nan) == "nan"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (412.0, "412"),
        (0.1, "0.1"),
        (None, "no data"),
        (datetime(2026, 11, 22, 14, 3, 10, tzinfo=UTC), "2026-11-22 14:03:10 UTC"),
        ("as it is", "as it is"),
        (7, 7),
    ],
)
def test_bare_values(value: object, text: object):
    """A bare float prints without a trailing `.0`, a time to the second in UTC."""
    assert filters.show(value) == text
