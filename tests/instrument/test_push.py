import logging

import pytest

from tests.instrument.sending import Told
from tocsin_instrument.push import Pusher
from tocsin_instrument.queue import Counts, Queue
from tocsin_instrument.transport import Answer


class Desk:
    """A pusher that is stepped by hand."""

    def __init__(self, told: Told, most: int = 100_000, most_bytes: int = 1 << 30) -> None:
        self.counts, self.told = Counts(), told
        self.queue = Queue(most, most_bytes, self.counts)
        self.pusher = Pusher(self.queue, told, self.counts, every_s=1.0, luck=lambda: 1.0, timer=lambda: 0.0)

    def put(self, *lines: bytes) -> None:
        for line in lines:
            self.queue.put(line)


def test_what_waits_goes_in_one_body_and_in_order() -> None:
    """A line each, the oldest first; then there is nothing to do for an interval."""
    desk = Desk(Told())
    desk.put(b"a", b"b", b"c")
    assert desk.pusher.step() == 1.0
    assert desk.told.bodies == [b"a\nb\nc"]
    assert (desk.counts.sent, desk.pusher.waiting) == (3, 0)
    desk.pusher.step()
    assert len(desk.told.bodies) == 1


@pytest.mark.parametrize("status", [302, 308, 401, 403, 404, 408, 429, 500, 503])
def test_what_may_be_mended_is_sent_again_unchanged(status: int) -> None:
    """Newer lines wait behind the batch that was not taken."""
    desk = Desk(Told(Answer(status)))
    desk.put(b"a")
    assert desk.pusher.step() == 1.0
    desk.put(b"b")
    desk.pusher.step()
    desk.pusher.step()
    assert desk.told.bodies == [b"a", b"a", b"b"]
    assert (desk.counts.sent, desk.counts.refused) == (2, 0)


def test_the_waits_grow_and_are_bounded_and_end_with_success() -> None:
    """1, 2, 4 ... 60 seconds while nobody answers; an answer begins anew."""
    desk = Desk(Told(*[ConnectionRefusedError("refused")] * 8))
    desk.put(b"a")
    assert [desk.pusher.step() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert desk.pusher.step() == 1.0
    desk.told.answers.append(OSError("gone"))
    desk.put(b"b")
    assert desk.pusher.step() == 1.0
    assert desk.pusher.waiting == 1


def test_the_collectors_wish_to_wait_is_kept() -> None:
    """Retry-After may be longer than our own wait."""
    desk = Desk(Told(Answer(503, 30.0)))
    desk.put(b"a")
    assert desk.pusher.step() == 30.0


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_for_good_is_counted_told_once_and_not_sent_again(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The log holds the collector's words."""
    desk = Desk(Told(Answer(status, None, "field type conflict"), Answer(status, None, "field type conflict")))
    with caplog.at_level(logging.WARNING, "tocsin_instrument"):
        desk.put(b"a", b"b")
        desk.pusher.step()
        desk.put(b"c")
        desk.pusher.step()
    assert (desk.counts.refused, desk.pusher.waiting) == (3, 0)
    assert [record.getMessage() for record in caplog.records] == [f"lines were refused: {status} field type conflict"]


def test_memory_is_bounded_and_what_does_not_fit_is_counted() -> None:
    """The newcomer is dropped: what waits longest tells how trouble began."""
    desk = Desk(Told(), most=2)
    desk.put(b"a", b"b", b"c")
    desk.pusher.step()
    assert desk.told.bodies == [b"a\nb"]
    assert desk.counts.dropped == 1


def test_many_lines_go_in_several_bodies_without_a_pause() -> None:
    """A backlog leaves as fast as it is taken."""
    desk = Desk(Told())
    desk.put(*[b"x"] * 12_000)
    assert [desk.pusher.step() for _ in range(3)] == [0.0, 1.0, 1.0]
    assert [body.count(b"x") for body in desk.told.bodies] == [5_000, 5_000, 2_000]


def test_stopping_sends_what_waits() -> None:
    """The thread ends with nothing left, and lets go of the connection."""
    counts, told = Counts(), Told()
    queue = Queue(100, 1 << 30, counts)
    pusher = Pusher(queue, told, counts, every_s=3_600.0)
    pusher.start()
    queue.put(b"a")
    pusher.stop(30.0)
    assert told.taken == [b"a"]
    assert told.closed
    assert not pusher._thread.is_alive()


def test_stopping_gives_up_where_nobody_answers() -> None:
    """An app ends in time; what is left is counted."""
    counts, told = Counts(), Told(*[OSError("gone")] * 5)
    queue = Queue(100, 1 << 30, counts)
    pusher = Pusher(queue, told, counts, every_s=3_600.0)
    pusher.start()
    queue.put(b"a")
    pusher.stop(30.0)
    assert (counts.dropped, len(told.bodies)) == (1, 1)


def test_an_error_that_nobody_expected_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried again as any other; its words may hold the token, so only its kind is told."""
    desk = Desk(Told(ValueError("Invalid header value b'Token s3cret'")))
    desk.put(b"a")
    with caplog.at_level(logging.WARNING, "tocsin_instrument"):
        assert desk.pusher.step() == 1.0
    assert "ValueError" in caplog.text
    assert "s3cret" not in caplog.text
    desk.pusher.step()
    assert desk.counts.sent == 1


def test_a_wish_to_wait_for_ever_is_not_kept() -> None:
    """Of what some proxy asks, an hour at most."""
    desk = Desk(Told(Answer(503, float("inf"))))
    desk.put(b"a")
    assert desk.pusher.step() == 3_600.0


def test_memory_is_bounded_in_bytes_and_with_what_is_under_way() -> None:
    """A few enormous lines are as bad as many; those that nobody has taken yet still take their room."""
    desk = Desk(Told(OSError("gone")), most_bytes=5)
    desk.put(b"abc", b"de", b"f")
    assert (desk.counts.dropped, desk.pusher.waiting) == (1, 2)
    desk.pusher.step()
    desk.put(b"f")
    assert (desk.counts.dropped, desk.pusher.waiting) == (2, 2)
    desk.pusher.step()
    desk.put(b"f")
    assert (desk.counts.dropped, desk.pusher.waiting) == (2, 1)


def test_a_body_is_no_larger_than_a_proxy_takes() -> None:
    """A megabyte, or the one line that is larger by itself."""
    desk = Desk(Told())
    large = b"x" * 700_000
    desk.put(large, large, large * 2)
    for _ in range(3):
        desk.pusher.step()
    assert [len(body) for body in desk.told.bodies] == [700_000, 700_000, 1_400_000]


def test_lines_beside_a_refused_one_are_counted_as_sent() -> None:
    """The collector takes the good ones of a body and says how many it did not."""
    desk = Desk(Told(Answer(422, None, "partial write: field type conflict dropped=1")))
    desk.put(b"a", b"b", b"c")
    desk.pusher.step()
    assert (desk.counts.sent, desk.counts.refused) == (2, 1)


def test_the_log_says_when_all_is_well_again_and_what_was_lost(caplog: pytest.LogCaptureFixture) -> None:
    """Who saw the beginning of trouble wants to see its end."""
    desk = Desk(Told(OSError("gone")), most=1)
    with caplog.at_level(logging.WARNING, "tocsin_instrument"):
        desk.put(b"a")
        desk.pusher.step()
        desk.put(b"b", b"c")
        desk.pusher.step()
    assert caplog.messages[1:] == ["telemetry is taken again; 2 lines found no room meanwhile"]
