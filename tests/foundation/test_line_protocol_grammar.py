"""The patterns of the fast path: they take no line that the slow path refuses, and know its types."""

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.batch import FieldType
from foundation.line_protocol.grammar import LONGEST_FAST_LINE, Head, compile_shapes, fits
from foundation.line_protocol.line import field_type
from foundation.line_protocol.parse import parse_point
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import line_end

SHAPES = {
    Head(b"m", ()): {b"f": FieldType.FLOAT, b"i": FieldType.INTEGER},
    Head(b"m\\ n", (b"t\\=", b"u")): {
        b"s": FieldType.STRING,
        b"b": FieldType.BOOLEAN,
        b"u\\,": FieldType.UNSIGNED,
        b"f": FieldType.FLOAT,
    },
}
VALUES = (b"1", b"-.5", b"5.", b"1e9", b"1e99", b"7i", b"-9223372036854775807i", b"9223372036854775808i", b"3u")
VALUES += (
    b"99999999999999999999u",
    b'"x"',
    b'"a\\"b\\\\"',
    b'"a\nb"',
    b'"',
    b"t",
    b"TRUE",
    b"tru",
    b"1e999",
    b"1" * 400,
)
TAGS = (b"a", b"\\,", b"=", b"a\\ b", b"\\\\ ", b"\\", b"", b"\xc3\xa9", b'"q"')
STAMPS = (b"", b" 1", b" -1", b" 9223372036854775807", b" 1\r", b"  1", b" 1 ", b" +1", b" 8999999999999999999")


PATTERNS = {
    (precision, stamped): compile_shapes(SHAPES, precision, stamped=stamped)
    for precision in Precision
    for stamped in (False, True)
}


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    head, fields = draw(st.sampled_from(sorted(SHAPES.items(), key=repr)))
    tags = b"".join(b"," + key + b"=" + draw(st.sampled_from(TAGS)) for key in head.tag_keys)
    keys = draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3))
    pairs = b",".join(key + b"=" + draw(st.sampled_from(VALUES)) for key in keys)
    return head.measurement + tags + b" " + pairs + draw(st.sampled_from(STAMPS)) + b"\n"


@settings(max_examples=400, deadline=None)
@given(st.lists(lines(), min_size=1, max_size=4), st.sampled_from(list(Precision)), st.booleans())
def test_what_a_pattern_takes_the_slow_path_takes_too(parts: list[bytes], precision: Precision, stamped: bool):
    """Every line of a run ends where influxd ends it, parses, and has the types and the timestamp that are promised."""
    body = b"".join(parts)
    run = PATTERNS[precision, stamped].match(body, 0)
    assert run is not None
    at = 0
    while at < run.end():
        end = line_end(body, at)
        point = parse_point(body[at:end], precision)
        assert b"\n" not in body[at:end]
        assert (point.line.time_ns is not None) is stamped
        types = SHAPES[Head(point.measurement, point.tag_keys)]
        assert [field_type(value) for _, value in point.line.fields] == [types[key] for key, _ in point.fields]
        at = end + 1
    assert at == run.end()


def test_a_known_body_is_taken_whole():
    """Ordinary lines never leave the fast path."""
    body = b'm f=1.5,i=-3i 1767225600000000000\nm\\ n,t\\==a\\,b,u=c s="x, = \\"y\\"",b=true,u\\,=7u,f=1e-3 -5\n' * 100
    run = PATTERNS[Precision.NS, True].match(body, 0)
    assert run is not None
    assert run.end() == len(body)


def test_a_run_ends_at_the_first_line_that_is_not_known():
    """The offset behind a run is where the slow path has to look."""
    body = b"m f=1 1\nm f=2 2\nm g=3 3\nm f=4 4\n"
    run = PATTERNS[Precision.NS, True].match(body, 0)
    assert run is not None
    assert run.end() == body.index(b"m g")


def test_no_shape_takes_nothing():
    """A pattern of no shape has an empty run everywhere."""
    run = compile_shapes({}, Precision.NS, stamped=True).match(b"m f=1 1\n", 0)
    assert run is not None
    assert run.end() == 0


def test_long_lines_and_broken_text_do_not_fit():
    """A pattern counts no lengths and knows no UTF-8, so such bodies are walked."""
    line = b"m f=1 1\n"
    assert fits(line * 100_000)
    assert fits("mé f=1 1\n".encode())
    assert not fits(b"m\xff f=1 1\n")
    for before in (b"", line * 1000):
        assert not fits(before + b'm s="' + b"x" * 2 * LONGEST_FAST_LINE + b'" 1\n' + line * 1000)
