"""Dead letters: durable before they are counted on, bounded, and readable after a crash."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.dead import DeadConfig, DeadLetter, DeadLetters, read_letters, reason_kind
from collector.metrics import DeadLetterMetrics


def letter(line: bytes = b"m f=1 1", reason: str = "unable to parse") -> DeadLetter:
    return DeadLetter(line, reason, "telemetry", "device-7", "store", 42)


def box(folder: Path, registry: CollectorRegistry | None = None, most_bytes: int = 1 << 20) -> DeadLetters:
    return DeadLetters(DeadConfig(most_bytes=most_bytes), folder, DeadLetterMetrics(registry or CollectorRegistry()))


def cut_short(folder: Path) -> None:
    """Leave half a letter behind, as a crash in the middle of a write does."""
    [path] = folder.iterdir()
    with path.open("ab") as file:
        file.write(b'{"line": "cut sh')


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("line", [b"m f=1 1", b'm f="a\nb" 1', b"m f=\xff\x00 1", "m,t=ü f=1 1".encode()])
async def test_a_letter_comes_back_as_it_was(tmp_path: Path, line: bytes):
    """Any bytes of a line survive, with reason, source, bucket, destination and time."""
    await box(tmp_path).add([letter(line)])

    assert list(read_letters(tmp_path)) == [letter(line)]


async def test_letters_are_counted_by_bucket_and_kind(tmp_path: Path):
    """The metric's reason is one of a few names, whatever the text says."""
    registry = CollectorRegistry()
    await box(tmp_path, registry).add([letter(), letter(reason='field type conflict: input field "a" ...')])

    for kind in ("unparsable", "type_conflict"):
        labels = {"bucket": "telemetry", "reason": kind}
        assert registry.get_sample_value("tocsin_dead_lines_total", labels) == 1


async def test_a_restart_begins_a_new_file_behind_the_old(tmp_path: Path):
    """A line cut short by a crash spoils itself alone: what comes later is in another file, and in order."""
    await box(tmp_path).add([letter(b"one f=1 1")])
    cut_short(tmp_path)

    await box(tmp_path).add([letter(b"two f=1 1")])

    assert [one.line for one in read_letters(tmp_path)] == [b"one f=1 1", b"two f=1 1"]


async def test_the_oldest_go_when_there_are_too_many(tmp_path: Path):
    """What is kept stays within the bound; what was deleted is counted."""
    registry = CollectorRegistry()
    most = 1 << 16
    letters = box(tmp_path, registry, most)
    written = 0
    for number in range(40):
        one = letter(b"m f=%d %s" % (number, b"x" * 5000))
        await letters.add([one])
        written += 1

    kept = [int(one.line[4:6]) for one in read_letters(tmp_path)]
    assert size_of(tmp_path) <= most + 6000
    assert kept == list(range(40 - len(kept), 40))
    assert 0 < len(kept) < written
    assert (registry.get_sample_value("tocsin_dead_evicted_bytes_total") or 0) > 0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('input field "f" on measurement "m" is type integer, already exists as type float', "type_conflict"),
        ("point is outside retention policy", "outside_retention"),
        ("too large: the body is too large", "too_large"),
        ("unable to parse 'm': missing fields", "unparsable"),
        ("never heard of", "refused"),
    ],
)
def test_kinds_of_reasons(text: str, kind: str):
    """InfluxDB's own words fall into the few kinds; anything else is `refused`."""
    assert reason_kind(text) == kind
