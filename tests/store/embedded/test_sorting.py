"""Every line of a body goes to exactly one place, whatever the mixture."""

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.batch import FieldType
from store.embedded.shapes import Shape, names_of
from store.embedded.sorting import LONG_RUN, Sorted, sort_lines


def shape_of(skeleton: bytes, line: bytes) -> Shape | None:
    """A book of shapes in which every field is a float, and the measurement `bad` has no shape."""
    del line
    named = names_of(skeleton)
    if named is None or named[0] == "bad":
        return None
    return Shape(named[0], named[1][0], tuple((name, FieldType.FLOAT) for name in named[1][1]))


def lines_of(found: Sorted) -> dict[int, bytes]:
    """Ordinal -> line, of groups and odd lines together; a line that was put in two places fails."""
    lines: dict[int, bytes] = {}
    for group in found.groups:
        texts = group.text.split(b"\n")
        assert texts.pop() == b""
        for ordinal, text in zip(group.ordinals, texts, strict=True):
            assert lines.setdefault(ordinal, text) is text
    for ordinal, text in found.odd:
        assert lines.setdefault(ordinal, text) is text
    return lines


def test_uniform_body_is_one_group() -> None:
    """Lines of one shape stay one text, without a list of lines."""
    body = b"".join(b"m,t=a f=%d %d\n" % (n, n) for n in range(2000))
    found = sort_lines(body, shape_of)
    assert [(group.text, group.ordinals) for group in found.groups] == [(body, range(2000))]
    assert found.odd == []


def test_mixed_body_is_grouped_by_shape() -> None:
    """Behind the first run, lines of several shapes in turn become one group each, in their own order."""
    body = b"a f=1 1\nb f=2 2\na f=3 3\nb,t=x f=4 4\nb f=5 5\n"
    groups = {group.text: list(group.ordinals) for group in sort_lines(body, shape_of).groups}
    assert groups == {b"a f=1 1\n": [0], b"b f=2 2\nb f=5 5\n": [1, 4], b"a f=3 3\n": [2], b"b,t=x f=4 4\n": [3]}


def test_odd_lines_are_kept_with_their_place() -> None:
    """Comments and blank lines vanish; a line that no shape takes is odd, and the rest is not disturbed by it."""
    body = b'a f=1 1\n# note\n\nbad f=1 1\na f=t 2\nn s="x\na f=9 9\n" 3\na f=2 2\n'
    found = sort_lines(body, shape_of)
    assert lines_of(found) == {
        0: b"a f=1 1",
        3: b"bad f=1 1",
        4: b"a f=t 2",
        5: b'n s="x\na f=9 9\n" 3',
        6: b"a f=2 2",
    }
    assert [line for _, line in found.odd] == [b"bad f=1 1", b"a f=t 2", b'n s="x\na f=9 9\n" 3']


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
                b"nonsense",
                b"a f=1",
            ]
        ),
        max_size=40,
    ),
    st.booleans(),
)
def test_nothing_is_lost_or_doubled(lines: list[bytes], after_a_long_run: bool) -> None:
    """For every mixture the groups and the odd lines are the lines of the body, each once and with its ordinal."""
    run = [b"a,t=x f=1 %d" % n for n in range(LONG_RUN // 12)] if after_a_long_run else []
    expected = run + lines
    found = sort_lines(b"".join(line + b"\n" for line in expected), shape_of)
    assert lines_of(found) == dict(enumerate(expected))
