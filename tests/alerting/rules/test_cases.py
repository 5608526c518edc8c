"""A file of rule tests as a value."""

import pytest

from alerting.rules.cases import ExpectedAlert, InputSeries


def test_series_are_lines_of_line_protocol():
    """Measurement and tags before the last unescaped blank, the field behind it; escapes are line protocol's."""
    series = InputSeries(series="http\\ req,endpoint=/pay\\,now,user=a\\ b duration_ms", values="1 2")
    assert series.tags == {"endpoint": "/pay,now", "user": "a b"}
    assert series.samples == (1.0, 2.0)
    assert series.line(1.5, 7) == b"http\\ req,endpoint=/pay\\,now,user=a\\ b duration_ms=1.5 7"


@pytest.mark.parametrize("text", ["http_request", "http_request a,b", "http_request a=1,b", ",a=b f", "m, f", ""])
def test_other_series_are_refused(text: str):
    """What is not one field of one series is refused with the form that is expected."""
    with pytest.raises(ValueError, match=r"^series: "):
        InputSeries(series=text, values="1")


@pytest.mark.parametrize(
    ("values", "upto", "ended"),
    [
        ("1 stale", 0, False),
        ("1 stale", 1, True),
        ("1 stale", 9, True),
        ("1 stale _ 2", 2, True),
        ("1 stale 2", 2, False),
    ],
)
def test_the_end_of_a_series(values: str, upto: int, ended: bool):
    """`stale` ends a series until it has a sample again; a gap does not."""
    assert InputSeries(series="m f", values=values).ends(upto) is ended


def test_labels_are_text():
    """Numbers and booleans in `exp_labels` are the text that they are written as."""
    labels = ExpectedAlert(exp_labels={"status": 500, "ok": True, "a": "b"}).labels("X")
    assert labels == {"alertname": "X", "status": "500", "ok": "true", "a": "b"}
