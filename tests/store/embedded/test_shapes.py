"""Fields of one shape become Arrow columns; what is not certain is left alone."""

import pyarrow as pa
import pytest

from foundation.batch import FieldType
from store.embedded.shapes import PLAIN_FIELDS, PLAIN_LINES, Shape, names_of, skeletons

EVERYTHING = Shape(
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
    """Each field and the time come out in the order of the shape, with InfluxDB's types."""
    lines = b' f=-1.5e3,i=-7i,u=18u,s="%s",y=t 10\n f=0,i=0i,u=0u,s="",y=FALSE -1\n' % string
    assert EVERYTHING.run.match(lines).end() == len(lines)
    columns = [column.to_pylist() for column in EVERYTHING.columns(lines)]
    text = string.decode()
    assert columns == [[-1500.0, 0.0], [-7, 0], [18, 0], [text, ""], [True, False], [10, -1]]


@pytest.mark.parametrize(
    "line",
    [
        b' f=1,i=1i,u=1u,s="",y=1 1\n',
        b' f=1i,i=1i,u=1u,s="",y=t 1\n',
        b' i=1i,f=1,u=1u,s="",y=t 1\n',
        b' f=1,i=9223372036854775808i,u=1u,s="",y=t 1\n',
        b' f=1,i=1i,u=1u,s="",y=t 9223372036854775807\n',
        b' f=1,i=1i,u=1u,s="",y=t\n',
        b' f=1,i=1i,u=1u,s="",y=t 1 \n',
        b' f=1,i=1i,u=1u,s="\\"",y=t 1\n',
        b'f=1,i=1i,u=1u,s="",y=t 1\n',
    ],
)
def test_other_lines_are_not_taken(line: bytes) -> None:
    """A line of another shape, of another type, too long a number or with an escape does not match."""
    assert EVERYTHING.run.match(line).end() == 0


def test_run_stops_at_first_other_line() -> None:
    """A run is the lines of the shape that follow each other from the given offset, and no more."""
    shape = Shape((("f", FieldType.FLOAT),))
    body = b" f=1 1\n f=2 2\n g=3 3\n f=4 4\n"
    assert shape.run.match(body).end() == len(b" f=1 1\n f=2 2\n")


def test_text_that_is_not_utf8_is_refused_by_arrow() -> None:
    """A value that is not UTF-8 raises, so that the fallback can say which line it is."""
    shape = Shape((("s", FieldType.STRING),))
    with pytest.raises(pa.ArrowInvalid):
        shape.columns(b' s="\xff" 1\n')


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


def test_plain_fields_begin_with_their_blank() -> None:
    """Behind a head stand one blank, the fields, one blank, the time; anything else ends the run."""
    assert PLAIN_FIELDS.match(b" f=1 1\n g=t,h=2i 2\n\n").end() == len(b" f=1 1\n g=t,h=2i 2\n")
    assert PLAIN_FIELDS.match(b"  f=1 1\n").end() == 0


def test_skeleton_keeps_names_only() -> None:
    """A skeleton is the fields without values and time, one for each line."""
    assert skeletons(b' f=1,s="a,b=c d" 10\n f=2i -1\n') == [b" f,s", b" f"]


@pytest.mark.parametrize("skeleton", [b" f,f", b" \xff", b" f,time", b" " + b"k" * 32_000])
def test_names_that_have_no_shape(skeleton: bytes) -> None:
    """A name that comes twice, is no text or that of the time, or names beyond their limit are nobody's shape."""
    assert names_of(skeleton) is None


def test_names_of_skeleton() -> None:
    """The field keys in written order."""
    assert names_of(b" f,g") == ("f", "g")
