"""Rules of a single line: what is one, why not, and that what is written can be read back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.batch import FieldType
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import FieldValue, Line, LineError, Unsigned, field_type
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import split_lines

TEXT = st.text(alphabet=st.sampled_from('ab\\,= "#\n\t\r\0é'), min_size=1, max_size=6)
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**64 - 1).map(Unsigned),
    st.booleans(),
    st.text(alphabet='ab\\",= \n\ré', max_size=6),
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"m f=1", Line("m", (), (("f", 1.0),), None)),
        (b"m f=1   ", Line("m", (), (("f", 1.0),), None)),
        (b" \t\0m  f=.5 \t7  ", Line("m", (), (("f", 0.5),), 7)),
        (
            b"m,b=1,a=x\\ y\\,z\\=w f=5.,g=-1e3 -0",
            Line("m", (("b", "1"), ("a", "x y,z=w")), (("f", 5.0), ("g", -1e3)), 0),
        ),
        (b"m\\ n\\,o=p f=007i", Line("m n,o=p", (), (("f", 7),), None)),
        (b'm f="a\\"b\\\\c\\nd\ne, =" 00010', Line("m", (), (("f", 'a"b\\c\\nd\ne, ='),), 10)),
        (b"m a\\ b=t,c=True,d=FALSE", Line("m", (), (("a b", True), ("c", True), ("d", False)), None)),
        (b"m f=18446744073709551615u", Line("m", (), (("f", Unsigned(2**64 - 1)),), None)),
        (rb"m,t\\\=x=a\\\ b a\\\=b=1", Line("m", (("t\\\\=x", "a\\\\ b"),), (("a\\\\=b", 1.0),), None)),
        (b"m\\\nx,t=a\\\nb f=1", Line("m\\\nx", (("t", "a\\\nb"),), (("f", 1.0),), None)),
        (rb'm,\"t=\"v a\"b=1,c"=2', Line("m", (('\\"t', '\\"v'),), (('a"b', 1.0), ('c"', 2.0)), None)),
        (b"m f=1e-400", Line("m", (), (("f", 0.0),), None)),
        (b"m\xc3\xa9 f=1", Line("mé", (), (("f", 1.0),), None)),
    ],
)
def test_a_line_is_read_as_influxd_reads_it(line: bytes, expected: Line):
    """Blanks, escapes, literals and timestamps mean what they mean to influxd."""
    assert parse_line(line) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "missing measurement"),
        (b",t=a f=1", "missing measurement"),
        (b"m", "missing fields"),
        (b"m,t=a", "missing fields"),
        (b"m,=a f=1", "missing tag key"),
        (b"m,t f=1", "missing tag value"),
        (b"m,t= f=1", "missing tag value"),
        (b"m,t=a=b f=1", "invalid tag format"),
        (b"m,t=a,t=b f=1", "duplicate tags"),
        (b"m,time=a f=1", 'cannot use reserved tag key "time"'),
        (b"m =1", "missing field key"),
        (b"m f=", "missing field value"),
        (b"m f=1,g", "invalid field format"),
        (b"m f=+5", "invalid value"),
        (b"m f=NaN", "invalid number"),
        (b"m f=0x10", "invalid number"),
        (b"m f=1e5i", "invalid number"),
        (b"m f=-1u", "invalid number"),
        (b"m f=1e400", "invalid float"),
        (b"m f=" + b"9" * 400, "invalid float"),
        (b"m f=yes", "invalid value"),
        (b"m f=tru", "invalid boolean"),
        (b'm f="a', "unbalanced quotes"),
        (b"m f=9223372036854775808i", "unable to parse integer 9223372036854775808: value out of range"),
        (b"m f=1 +1", "bad timestamp"),
        (b"m f=1 10\r", "bad timestamp"),
        (b"m f=1 9223372036854775807", "time outside range -9223372036854775806 - 9223372036854775806"),
        (b"m f=1 " + b"9" * 5000, f'timestamp "{"9" * 40}" is out of range'),
        (b"m,t=" + b"a" * 65_527 + b" f=1", "max key length exceeded: 65536 > 65535"),
    ],
)
def test_a_bad_line_is_refused_with_influxds_reason(line: bytes, reason: str):
    """What influxd refuses is refused in the words that its users know."""
    with pytest.raises(LineError) as refusal:
        parse_line(line)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "line",
    [
        b'm f="a"b 10',
        b'm f="a"\r',
        b"m,t==a f=1",
        b"m\\=a f=1",
        b"m\\\\,t=a f=1",
        b'm f\\\\="="',
        b'm a=","=3,"="',
        b'm f\\\\="x=1" 10',
        rb"m\\ f=1 f=2",
        rb"m\\\,x f=1",
        b"m \t=1",
        b"m\xff f=1",
        b'm f="\xff"',
    ],
)
def test_what_influxd_garbles_or_dies_of_is_refused(line: bytes):
    """A line that influxd stores otherwise than sent, cannot read back, or ends its process on, never gets there."""
    with pytest.raises(LineError):
        parse_line(line)


def test_precision_scales_the_timestamp_and_its_range():
    """A timestamp counts in the unit that the request names."""
    assert parse_line(b"m f=1 5", Precision.M).time_ns == 300_000_000_000
    assert parse_line(b"m f=1 9223372036", Precision.S).time_ns == 9_223_372_036_000_000_000
    with pytest.raises(LineError, match="time outside range"):
        parse_line(b"m f=1 9223372037", Precision.S)


@given(
    TEXT,
    st.dictionaries(TEXT, TEXT, max_size=3),
    st.dictionaries(TEXT, VALUES, min_size=1, max_size=3),
    st.integers(-9, 9),
)
def test_what_is_encoded_reads_back_the_same(
    measurement: str, tags: dict[str, str], fields: dict[str, FieldValue], time_ns: int
):
    """A point either cannot be written, or is read back exactly."""
    try:
        line = encode(measurement, tags, fields, time_ns)
    except LineError:
        return
    point = parse_line(line)
    assert point.measurement == measurement
    assert dict(point.tags) == tags
    assert {key: (field_type(value), value) for key, value in point.fields} == {
        key: (field_type(value), value) for key, value in fields.items()
    }
    assert point.time_ns == time_ns
    assert list(split_lines(line + b"\n" + line)) == [(1, line), (2 + line.count(b"\n"), line)]


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**63, Unsigned(2**64), "x" * 1_048_577, "\ud800"])
def test_a_value_that_influxdb_cannot_hold_is_not_written(value: FieldValue):
    """Numbers out of range, strings too long and broken text are errors, not surprises."""
    with pytest.raises(LineError):
        encode("m", {}, {"f": value})


def test_a_newline_in_a_string_and_an_open_quote_belong_to_the_line():
    """Lines end where influxd ends them; a line is numbered by its first row."""
    body = b'\n# note\nm f="a\nb" 1\n  m f=2\n \t\nm f="open\nm f=3\n'
    assert list(split_lines(body)) == [(3, b'm f="a\nb" 1'), (5, b"m f=2"), (7, b'm f="open\nm f=3\n')]


def test_field_types_are_told_apart():
    """An unsigned integer is not an integer, and a boolean is neither."""
    values = (1.0, 1, Unsigned(1), True, "1")
    assert [field_type(value) for value in values] == [
        FieldType.FLOAT,
        FieldType.INTEGER,
        FieldType.UNSIGNED,
        FieldType.BOOLEAN,
        FieldType.STRING,
    ]
