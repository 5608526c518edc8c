"""Walking a segment: whatever is broken, every frame that is whole is found, and nothing else is taken for one."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from collector.buffer import frames as form
from collector.buffer.walk import Frame, Gap, walk
from collector.ledger import RECEIVED

LINES = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8)


def pack(body: bytes, lines: int, source: str, accepted_ns: int) -> bytes:
    return form.pack(body, lines, source, accepted_ns, {(RECEIVED, ""): lines})


def read_from(data: bytes, offset: int, length: int) -> bytes:
    return data[offset : offset + length]


def layout(frames: list[bytes]) -> list[tuple[int, int]]:
    """Where each frame begins and ends when they stand one behind another."""
    ends = [sum(map(len, frames[: number + 1])) for number in range(len(frames))]
    return list(zip([0, *ends[:-1]], ends, strict=True))


@given(bodies=LINES, data=st.data(), window=st.sampled_from([1, 40, 1 << 20]))
def test_frames_that_nobody_touched_are_all_found(bodies: list[bytes], data: st.DataObject, window: int):
    """Bytes are changed anywhere: frames without a change are found, changed ones are not, nothing is walked twice."""
    frames = [pack(body, 1, "source", number) for number, body in enumerate(bodies)]
    segment = bytearray(b"".join(frames))
    touched = data.draw(st.sets(st.integers(0, len(segment) - 1), max_size=4))
    for place in touched:
        segment[place] ^= data.draw(st.integers(1, 255))

    found = list(walk(partial(read_from, bytes(segment)), 0, len(segment), window=window))

    whole = [place for place in layout(frames) if touched.isdisjoint(range(*place))]
    assert [(one.start, one.end) for one in found if isinstance(one, Frame)] == whole
    assert [one.start for one in found[1:]] == [one.end for one in found[:-1]]
    assert (found[0].start, found[-1].end) == (0, len(segment))


@given(bodies=LINES, data=st.data())
def test_a_cut_segment_keeps_the_frames_before_the_cut(bodies: list[bytes], data: st.DataObject):
    """Cut anywhere, the whole frames before the cut are found and the rest is one gap."""
    frames = [pack(body, 1, "source", number) for number, body in enumerate(bodies)]
    segment = b"".join(frames)
    cut = data.draw(st.integers(0, len(segment)))

    found = list(walk(partial(read_from, segment[:cut]), 0, cut))

    whole = [place for place in layout(frames) if place[1] <= cut]
    behind = whole[-1][1] if whole else 0
    gaps = [Gap(behind, cut)] if cut > behind else []
    assert [(one.start, one.end) for one in found if isinstance(one, Frame)] == whole
    assert [one for one in found if isinstance(one, Gap)] == gaps


@given(bodies=LINES)
def test_a_frame_inside_a_payload_is_not_taken_for_one(bodies: list[bytes]):
    """A sender may post bytes that look like frames: they are payload, and stay it."""
    inner = b"".join(pack(body, 1, "x", 1) for body in bodies)
    segment = pack(inner, 1, "source", 1) + pack(b"m f=1 1\n", 1, "source", 2)

    found = list(walk(partial(read_from, segment), 0, len(segment)))

    assert [one.header.accepted_ns for one in found if isinstance(one, Frame)] == [1, 2]
