"""Lines of one shape become Arrow columns; what is not certain is left alone."""

import pyarrow as pa
import pytest

from foundation.batch import FieldType
from store.embedded.shapes import PLAIN_LINES, Shape, names_of, skeletons

EVERYTHING = Shape(
    "m",
    ("a", "b"),
    (
        ("f", FieldType.FLOAT),
        ("i", FieldType.INTEGER),
        ("u", FieldType.UNSIGNED),
        ("s", FieldType.STRING),
        ("y", FieldType.BOOLEAN),
    ),
)


def plain(line: bytes) -> bool:
    return bool(PLAIN_LINES.match(line).end() == len(line))


@pytest.mark.parametrize("string", [b"word", b"", b"two words", b"a,b=c d", "grüße".encode()])
def test_columns_of_every_type(string: bytes) -> None:
    """Each tag, field and the time come out in the order of the shape, with InfluxDB's types."""
    lines = b'm,a=x,b=y f=-1.5e3,i=-7i,u=18u,s="%s",y=t 10\nm,a=z,b=y f=0,i=0i,u=0u,s="",y=FALSE -1\n' % string
    assert EVERYTHING.run.match(lines).end() == len(lines)
    columns = [column.to_pylist() for column in EVERYTHING.columns(lines)]
    text = string.decode()
    assert columns == [["x", "z"], ["y", "y"], [-1500.0, 0.0], [-7, 0], [18, 0], [text, ""], [True, False], [10, -1]]


@pytest.mark.parametrize(
    "line",
    [
        b'm,a=x,b=y f=1,i=1i,u=1u,s="",y=1 1\n',
        b'm,a=x,b=y f=1i,i=1i,u=1u,s="",y=t 1\n',
        b'm,b=y,a=x f=1,i=1i,u=1u,s="",y=t 1\n',
        b'm,a=x,b=y f=1,i=9223372036854775808i,u=1u,s="",y=t 1\n',
        b'm,a=x,b=y f=1,i=1i,u=1u,s="",y=t 9223372036854775807\n',
        b'm,a=x,b=y f=1,i=1i,u=1u,s="",y=t\n',
        b'n,a=x,b=y f=1,i=1i,u=1u,s="",y=t 1\n',
        b'm,a=x,b=y f=1,i=1i,u=1u,s="\\"",y=t 1\n',
        b'm,a=x\\ ,b=y f=1,i=1i,u=1u,s="",y=t 1\n',
    ],
)
def test_other_lines_are_not_taken(line: bytes) -> None:
    """A line of another shape, of another type, too long a number or with an escape does not match."""
    assert EVERYTHING.run.match(line).end() == 0


def test_run_stops_at_first_other_line() -> None:
    """A run is the lines of the shape that follow each other from the given offset, and no more."""
    shape = Shape("m", (), (("f", FieldType.FLOAT),))
    body = b"m f=1 1\nm f=2 2\nm g=3 3\nm f=4 4\n"
    assert shape.run.match(body).end() == len(b"m f=1 1\nm f=2 2\n")


def test_text_that_is_not_utf8_is_refused_by_arrow() -> None:
    """A value that is not UTF-8 raises, so that the fallback can say which line it is."""
    shape = Shape("m", ("a",), (("f", FieldType.FLOAT),))
    with pytest.raises(pa.ArrowInvalid):
        shape.columns(b"m,a=\xff f=1 1\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"m f=1 1\n", True),
        (b'm,t=a f="x y,z=1",g=t -5\n', True),
        (b"# f=1 1\n", False),
        (b"\tm f=1 1\n", False),
        (b"m f=1\n", False),
        (b"m f=1 1 \n", False),
        (b"m  f=1 1\n", False),
        (b"m,t=a\\,b f=1 1\n", False),
        (b'm,t="a f=1 1\n', False),
        (b'm f="a\nb" 1\n', False),
        (b"m f=1 1\r\n", False),
        (b"\n", False),
    ],
)
def test_what_is_plain(line: bytes, expected: bool) -> None:
    """Plain lines end at their first newline; comments, escapes and odd spacing are not plain."""
    assert plain(line) is expected


def test_newline_in_string_ends_the_plain_run() -> None:
    """What looks like a line inside a string is never taken for one."""
    body = b'm f=1 1\nm s="x\nm f=2 2\n" 3\n'
    assert PLAIN_LINES.match(body).end() == len(b"m f=1 1\n")


def test_skeleton_keeps_names_only() -> None:
    """A skeleton is a line without values and time, one for each line."""
    assert skeletons(b'm,t=a f=1,s="a,b=c d" 10\nn f=2i -1\n') == [b"m,t f,s", b"n f"]


def test_names_of_skeleton() -> None:
    """Measurement, tag keys and field keys in written order; a name that comes twice is nobody's shape."""
    assert names_of(b"m,a,b f,g") == ("m", (("a", "b"), ("f", "g")))
    assert names_of(b"m f") == ("m", ((), ("f",)))
    assert names_of(b"m,a,a f") is None
    assert names_of(b"m f,f") is None
    assert names_of(b"\xff f") is None
