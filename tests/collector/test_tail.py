"""The tail's queue and its sieve: exact, bounded, and told where something is missing."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.tail import Follower, Interest, Sieve, Tail, TailConfig, TooManyFollowers
from collector.verdict import Cause, Objection, Rejection
from foundation.batch import Batch
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import LineError
from foundation.line_protocol.parse import parse_line

LINES = (
    b"room,site=a f=1 1",
    b"room,kind=x,site=a g=2i,f=3 2",
    b'room,site=b s="room,site=a f=1 1" 3',
    b"rooms,site=a f=1 4",
    b'note s="two\nroom,site=a f=9 9\nrows" 5',
    b"ro\\ om,si\\=te=a\\,b f\\ f=1 6",
    b'room,site=ab f=1,site="a" 7',
    b"room f=1 8",
)


class Loss:
    """Remembers what was skipped."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    def __call__(self, reason: str, lines: int) -> None:
        self.counted[reason] = self.counted.get(reason, 0) + lines


def follower(interest: Interest | None = None, queue_bytes: int = 1 << 20, loss: Loss | None = None) -> Follower:
    return Follower(interest or Interest(), queue_bytes, lambda: None, loss or Loss())


def batch(lines: Sequence[bytes], bucket: str = "telemetry", source: str = "host:a") -> Batch:
    return Batch(bucket, b"".join(line + b"\n" for line in lines), len(lines), source)


def seen(one: Follower) -> list[bytes]:
    """All lines that come out, until nothing waits."""
    lines: list[bytes] = []
    while (shown := one.next_slice()) is not None:
        lines += shown.lines
    return lines


WANTED = [
    (Interest(), range(8)),
    (Interest(measurement="room"), [0, 1, 2, 6, 7]),
    (Interest(measurement="ro om"), [5]),
    (Interest(measurement="note"), [4]),
    (Interest(tags=(("site", "a"),)), [0, 1, 3]),
    (Interest(tags=(("site", "a"), ("kind", "x"))), [1]),
    (Interest(tags=(("si=te", "a,b"),)), [5]),
    (Interest(field="f"), [0, 1, 3, 6, 7]),
    (Interest(field="f f"), [5]),
    (Interest(field="site"), [6]),
    (Interest(measurement="room", tags=(("site", "a"),), field="g"), [1]),
    (Interest(measurement="roo"), []),
    (Interest(measurement="é"), []),
]


@pytest.mark.parametrize(("interest", "expected"), WANTED)
@pytest.mark.parametrize("spanning", [True, False])
def test_a_filter_shows_what_fits_and_nothing_else(interest: Interest, expected: Sequence[int], spanning: bool):
    """Escaped names are found by what they mean; what stands inside a string is no line, tag or field."""
    kept = [index for index in range(8) if spanning or index != 4]
    one = follower(interest)
    one.offer(batch([LINES[index] for index in kept]))

    assert seen(one) == [LINES[index] for index in expected if index in kept]


NAMES = st.text(alphabet='ab,= "\\é', min_size=1, max_size=3)


@settings(deadline=None)
@given(
    points=st.lists(st.tuples(NAMES, st.dictionaries(NAMES, NAMES, max_size=2), NAMES), max_size=6),
    measurement=st.one_of(st.just(""), NAMES),
    tag=st.one_of(st.none(), st.tuples(NAMES, NAMES)),
    field=st.one_of(st.just(""), NAMES),
    text=st.booleans(),
)
def test_the_sieve_agrees_with_the_parser(
    points: list[tuple[str, dict[str, str], str]], measurement: str, tag: tuple[str, str] | None, field: str, text: bool
):
    """Whatever names hold, what is shown is what parsing every line would have chosen."""
    lines = []
    for name, tags, key in points:
        try:
            line = encode(name, tags, {key: 'a "text",a=b' if text else 1.5, "n": 1}, 7)
            parse_line(line)
        except LineError:
            continue
        lines.append(line)
    interest = Interest(measurement=measurement, tags=(tag,) if tag else (), field=field)
    one = follower(interest)
    one.offer(batch(lines))

    def fits(line: bytes) -> bool:
        said = parse_line(line)
        return (
            measurement in ("", said.measurement)
            and (tag is None or tag in said.tags)
            and (not field or field in dict(said.fields))
        )

    assert seen(one) == [line for line in lines if fits(line)]


@pytest.mark.parametrize("interest", [Interest(bucket="b"), Interest(source="host:b"), Interest(covers="b".__eq__)])
def test_bodies_of_others_are_not_even_queued(interest: Interest):
    """Bucket, source and what the token may see are decided for a body as a whole."""
    one = follower(interest)
    one.offer(batch([b"m f=1 1"], bucket="a", source="host:a"))
    assert not one.waits

    one.offer(batch([b"m f=1 1"], bucket="b", source="host:b"))
    assert seen(one) == [b"m f=1 1"]


def test_a_rare_line_is_found_over_the_borders_of_slices():
    """A body of megabytes is searched in several slices, and no line is lost between them."""
    filler = b'x s="%s" 1' % (b"y" * 997)
    lines = [filler] * 4000
    places = [0, *range(1040, 1046), *range(2080, 2090), 3999]
    for index in places:
        lines[index] = b"room,site=a f=%d 1" % index
    for interest in (Interest(measurement="room"), Interest(tags=(("site", "a"),)), Interest(field="f")):
        one = follower(interest, 8 << 20)
        one.offer(batch(lines))
        slices = []
        while (shown := one.next_slice()) is not None:
            slices.append(shown)

        assert [line for shown in slices for line in shown.lines] == [lines[i] for i in places]
        assert len(slices) > 2


def test_a_slice_is_bounded_work():
    """However large the body, one slice looks at a hundred lines, and shows about 64 KiB."""
    one = follower(queue_bytes=8 << 20)
    one.offer(batch([b"m f=1 1"] * 250))
    one.offer(batch([b'm s="%s" 1' % (b"x" * 40_000)] * 3))

    counts = []
    while (shown := one.next_slice()) is not None:
        counts.append(len(shown.lines))
    assert counts == [100, 100, 50, 2, 1]


def test_what_does_not_fit_is_skipped_at_its_place_and_counted():
    """The queue stays within its bytes; losses in a row are one gap between what came before and after."""
    loss = Loss()
    one = follower(queue_bytes=1 << 16, loss=loss)
    small, large = batch([b"m f=1 1"] * 3), batch([b'm s="%s" 1' % (b"x" * 60_000)])
    for offered in (large, large, batch([b'm s="%s" 2' % (b"y" * 60_000)] * 2), small):
        one.offer(offered)

    first = one.next_slice()
    assert first is not None
    assert len(first.lines) == 1
    gap = one.next_slice()
    assert gap is not None
    assert (gap.skipped, gap.lines) == (3, ())
    assert seen(one) == [b"m f=1 1"] * 3
    assert loss.counted == {"slow": 3}

    one.offer(large)
    assert len(seen(one)) == 1


def test_many_small_bodies_count_more_than_their_bytes():
    """A queue of 64 KiB never holds thousands of entries."""
    one = follower(queue_bytes=1 << 16)
    for number in range(5_000):
        one.offer(batch([b"m f=%d 1" % number]))
    assert 50 < len(seen(one)) < 200


def test_a_line_longer_than_is_shown_is_counted():
    """It is skipped as the only one; its neighbours are shown."""
    loss = Loss()
    one = follower(queue_bytes=8 << 20, loss=loss)
    long = b'm s="%s" 1' % (b"x" * (1 << 20))
    one.offer(batch([b"m f=1 1", long, b"m f=2 2"]))

    slices = list(iter(one.next_slice, None))
    assert [line for shown in slices for line in shown.lines] == [b"m f=1 1", b"m f=2 2"]
    assert sum(shown.skipped for shown in slices) == 1
    assert loss.counted == {"too_long": 1}


def refused(line: bytes, cause: Cause = Cause.SYNTAX) -> Rejection:
    return Rejection(1, line, Objection(cause, "no"))


def test_refused_lines_are_chosen_by_the_words_in_them():
    """They may not be readable; a line that was taken without its `time` is not one of them."""
    lines = [b"room site=a", b"rom,site=a f=", b"room,site=a f=1i", b"room,site=a f=1,time=2"]
    causes = [Cause.SYNTAX, Cause.SYNTAX, Cause.FIELD_TYPE, Cause.FIELD_STRIPPED]
    one = follower(Interest(measurement="room", tags=(("site", "a"),), rejected=True))
    one.offer_rejected("telemetry", "host:a", [refused(*pair) for pair in zip(lines, causes, strict=True)])

    shown = one.next_slice()
    assert shown is not None
    assert [rejection.line for rejection in shown.rejected] == [b"room site=a", b"room,site=a f=1i"]


def test_refused_lines_come_only_to_who_asks():
    """Without `rejected` nothing of them is queued."""
    one = follower()
    one.offer_rejected("telemetry", "host:a", [refused(b"broken")])
    assert not one.waits


def test_followers_are_bounded_and_their_places_free_again():
    """One more than allowed is refused, and the configuration named; a changed bound holds for who comes."""
    tail = Tail(TailConfig(followers=1), Loss())
    first = tail.follow(Interest(), lambda: None)
    with pytest.raises(TooManyFollowers, match=r"1 follow already.*collector\.tail\.followers"):
        tail.follow(Interest(), lambda: None)

    tail.leave(first)
    assert not tail.followers
    tail.follow(Interest(), lambda: None)
    tail.adopt(TailConfig(followers=2))
    tail.follow(Interest(), lambda: None)


def test_one_slow_follower_costs_the_others_nothing():
    """Each has a queue of its own."""
    tail = Tail(TailConfig(queue_bytes=1 << 16), Loss())
    slow, quick = tail.follow(Interest(), lambda: None), tail.follow(Interest(), lambda: None)
    shown = 0
    for _ in range(200):
        tail.pass_on(batch([b"m f=1 1"]))
        shown += len(seen(quick))

    assert shown == 200
    assert len(seen(slow)) < 200


@pytest.mark.parametrize("config", [{"followers": -1}, {"queue_bytes": 1}])
def test_a_bound_that_makes_no_sense_is_refused(config: dict[str, int]):
    """A queue has to hold something; no followers at all is a choice."""
    with pytest.raises(ValueError, match=r"at least|or more"):
        TailConfig(**config)
    assert TailConfig(followers=0).followers == 0


def test_a_name_without_a_plain_byte_is_still_found():
    """Only parsing tells such lines."""
    assert Sieve(Interest(tags=(("=", ","),))).wants(b"m,\\==\\, f=1 1")
