"""Every line of a body goes to exactly one place, whatever the mixture."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.batch import FieldType
from store.embedded.heads import Head, read_head
from store.embedded.shapes import Shape, names_of
from store.embedded.sorting import Sorted, sort_lines


def heads_of(texts: Sequence[bytes]) -> list[Head | None]:
    return [read_head(text) for text in texts]


def shape_of(measurement: str, skeleton: bytes, line: bytes) -> Shape | None:
    """A book of shapes in which every field is a float, and the measurement `bad` has no shape."""
    del line
    names = names_of(skeleton)
    return None if names is None or measurement == "bad" else Shape(tuple((name, FieldType.FLOAT) for name in names))


def sort(body: bytes) -> Sorted:
    return sort_lines(body, heads_of, shape_of)


def rests_of(found: Sorted) -> dict[int, bytes]:
    """Row -> line, of groups (as head and rest) and odd lines together; a line that was put in two places fails."""
    lines: dict[int, bytes] = {}
    for group in found.groups:
        texts = group.text.split(b"\n")
        assert texts.pop() == b""
        for row, number, text in zip(group.rows, group.heads, texts, strict=True):
            head = found.heads[number]
            assert head is not None
            assert head.measurement == group.measurement
            tags = "".join(f",{key}={value}" for key, value in zip(head.keys, head.values, strict=True))
            line = (head.measurement + tags).encode() + text
            assert lines.setdefault(int(row), line) is line
    for row, text in found.odd:
        assert lines.setdefault(row, text) is text
    return lines


def test_uniform_body_is_one_group() -> None:
    """Lines of one measurement and shape are one text, whatever their tags."""
    body = b"".join(b"m,t=%d f=%d %d\n" % (n % 7, n, n) for n in range(2000))
    (group,) = sort(body).groups
    assert group.text == b"".join(b" f=%d %d\n" % (n, n) for n in range(2000))
    assert group.rows.tolist() == list(range(2000))


def test_mixed_body_is_grouped_by_measurement_and_shape() -> None:
    """Lines of several shapes in turn become one group each, in their own order."""
    body = b"a f=1 1\nb f=2 2\na f=3 3\nb,t=x f=4 4\nb g=5 5\nb f=6 6\n"
    groups = {(group.measurement, group.text): group.rows.tolist() for group in sort(body).groups}
    assert groups == {
        ("a", b" f=1 1\n f=3 3\n"): [0, 2],
        ("b", b" f=2 2\n f=4 4\n f=6 6\n"): [1, 3, 5],
        ("b", b" g=5 5\n"): [4],
    }


def test_odd_lines_are_kept_with_their_place() -> None:
    """Comments and blank lines vanish; a line that no shape takes is odd, and the rest is not disturbed by it."""
    body = b'a f=1 1\n# note\n\nbad f=1 1\na f=t 2\nn s="x\na f=9 9\n" 3\na f=2 2\n'
    found = sort(body)
    assert rests_of(found) == {
        0: b"a f=1 1",
        3: b"bad f=1 1",
        4: b"a f=t 2",
        5: b'n s="x\na f=9 9\n" 3',
        8: b"a f=2 2",
    }
    assert [line for _, line in found.odd] == [b"bad f=1 1", b"a f=t 2", b'n s="x\na f=9 9\n" 3']


def test_body_without_its_last_newline() -> None:
    """The last line may lack its newline, also where a string in it is never closed."""
    assert rests_of(sort(b"a f=1 1\na f=2 2")) == {0: b"a f=1 1", 1: b"a f=2 2"}
    assert rests_of(sort(b'a f=1 1\na s="x\ny')) == {0: b"a f=1 1", 1: b'a s="x\ny'}
    assert rests_of(sort(b"")) == {}


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"a,t=x f=1 1",
                b"a,t=y f=2,g=3 1",
                b"b f=1 1",
                b"bad f=1 1",
                b"a f=t 1",
                b'a f="q" 1',
                b'c s="x\ny" 1',
                b"d,t=a\\ b f=1 1",
                b"e,t=a\\\nf g=1 1",
                b"nonsense",
                b"a f=1",
            ]
        ),
        max_size=40,
    ),
    st.booleans(),
)
def test_nothing_is_lost_or_doubled(lines: list[bytes], after_a_run: bool) -> None:
    """For every mixture the groups and the odd lines are the lines of the body, each once and with its row."""
    expected = [b"a,t=x f=1 %d" % n for n in range(50 * after_a_run)] + lines
    row, places = 0, {}
    for line in expected:
        places[row] = line
        row += 1 + line.count(b"\n")
    assert rests_of(sort(b"".join(line + b"\n" for line in expected))) == places
