"""Which batches share a sync, and which share a frame."""

from collections import deque

from collector.buffer.grouping import Entry, bundle, take_group
from foundation.batch import Batch


def of(size: int, source: str = "a", bucket: str = "b") -> Entry:
    return Batch(bucket, b"x" * size, 1, source), None


def test_a_group_is_bounded_but_never_empty():
    """Batches are taken in their order until the bound; one that is larger than it goes alone."""
    assert take_group(deque([of(4), of(4), of(4)]), 8) == 2
    assert take_group(deque([of(100), of(1)]), 8) == 1
    assert take_group(deque([of(1)]), 8) == 1


def test_batches_of_one_bucket_and_source_share_a_frame():
    """Those of another source or bucket do not, so that a frame can say whose lines it holds."""
    bundles = list(bundle([of(1), of(2, "other"), of(3), of(4, bucket="c")]))

    assert [(one.bucket, one.source, one.lines, one.size_bytes) for one in bundles] == [
        ("b", "a", 2, 4),
        ("b", "other", 1, 2),
        ("c", "a", 1, 4),
    ]


def test_a_frame_does_not_grow_without_bound():
    """Large bodies stay frames of their own, in their order."""
    half = 600_000
    bundles = list(bundle([of(half), of(half), of(10)]))

    assert [one.size_bytes for one in bundles] == [half, half + 10]
