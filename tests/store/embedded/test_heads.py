"""Heads are read once for all their lines; what is not certain is left to the fallback."""

import pytest

from store.embedded.heads import Head, read_head


def test_head_is_measurement_and_tags() -> None:
    """Tags come in written order, as text."""
    assert read_head("m,b=1,a=grüße".encode()) == Head("m", ("b", "a"), ("1", "grüße"))
    assert read_head(b"m") == Head("m", (), ())


def test_equal_texts_are_one() -> None:
    """Many series have few sites, whose name stands in memory once."""
    one, other = (read_head(f"m,host=h{number},site=north".encode()) for number in (1, 2))
    assert one is not None
    assert other is not None
    assert all(text is again for text, again in zip(one.keys, other.keys, strict=True))
    assert one.values[1] is other.values[1]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"#m",
        b"\tm",
        b"m,",
        b"m,t",
        b"m,t=",
        b"m,=v",
        b"m,t=a=b",
        b"m,t=a,t=b",
        b"m,time=a",
        b"m,_field=a",
        b"m,t=\xff",
        b"m,t=a\\",
        b'm,t="a"',
        b"m,t=a\r",
        b"m,t=" + b"v" * 40_000,
    ],
)
def test_other_heads_are_left_alone(head: bytes) -> None:
    """Escapes, quotes, names of InfluxDB's own, names that come twice, bytes that are no text, and a head too long."""
    assert read_head(head) is None
