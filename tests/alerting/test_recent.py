"""Packed datapoints are the datapoints that were put in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerting.alert import Datapoint
from alerting.recent import Recent

NOW = datetime(2026, 11, 22, 13, 45, 0, 250001, tzinfo=UTC)
TIMES = st.datetimes(timezones=st.just(UTC), min_value=datetime(1678, 1, 1), max_value=datetime(2262, 1, 1))  # noqa: DTZ001 - Hypothesis adds the zone
POINTS = st.lists(st.builds(Datapoint, TIMES, st.none() | st.floats(allow_nan=False)), max_size=20)


@given(points=POINTS, most=st.integers(min_value=1, max_value=12))
def test_what_comes_out_is_what_was_put_in(points: list[Datapoint], most: int) -> None:
    """One by one or at once, to the microsecond, gaps as gaps; the newest are kept."""
    grown = Recent()
    for point in points:
        grown = grown.with_newest(point, most)

    assert tuple(grown) == tuple(points[-most:])
    assert grown == Recent(points[-most:])
    assert Recent(points) == tuple(points)
    assert tuple(points) == Recent(points)
    assert hash(Recent(points)) == hash(tuple(points))
    assert len(Recent(points)) == len(points)
    assert Recent(points)[1:] == tuple(points[1:])
    assert Recent.of(grown) is grown


def test_others_are_not_equal() -> None:
    """A value, a time or a gap that differs tells two apart; NaN is a value and no gap."""
    one = Recent([Datapoint(NOW, 1.0)])
    for other in (Datapoint(NOW, None), Datapoint(NOW, 1.5), Datapoint(NOW + timedelta(microseconds=1), 1.0)):
        assert one != Recent([other])
        assert one != (other,)
    assert one != [Datapoint(NOW, 1.0)]
    assert Recent([Datapoint(NOW, float("nan"))])[0].value is not None
