"""Our own metrics as lines."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from collector.health import health_lines


def test_samples_become_lines_with_their_labels_as_tags():
    """Counters, gauges, and the count and sum of histograms are there; foreign metrics and creation times are not."""
    registry = CollectorRegistry()
    Counter("tocsin_taken", "", ("reason",), registry=registry).labels("a b").inc(3)
    Gauge("tocsin_age_seconds", "", registry=registry).set(0.5)
    Histogram("tocsin_wait_seconds", "", buckets=(1.0,), registry=registry).observe(2.0)
    Gauge("python_info", "", registry=registry).set(1)

    lines = health_lines(registry.collect(), "box", 7).decode().splitlines()

    assert sorted(lines) == [
        "tocsin_age_seconds,host=box value=0.5 7",
        "tocsin_taken_total,host=box,reason=a\\ b value=3.0 7",
        "tocsin_wait_seconds_count,host=box value=1.0 7",
        "tocsin_wait_seconds_sum,host=box value=2.0 7",
    ]


def test_nothing_to_say_is_no_line():
    """A gauge that is not a number is left out, and a registry without metrics of ours gives no body."""
    registry = CollectorRegistry()
    Gauge("tocsin_unknown", "", registry=registry).set(float("nan"))

    assert health_lines(registry.collect(), "box", 7) == b""
