"""Dead letters: durable before they are counted on, bounded, and readable after a crash."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.dead.box import DeadConfig, DeadLetters, LettersNotKept
from collector.dead.letter import INTAKE, Count, DeadLetter, Wanted, reason_kind
from collector.metrics import DeadLetterMetrics
from tests.fakes.letters import letters_in


def letter(line: bytes = b"m f=1 1", reason: str = "unable to parse") -> DeadLetter:
    return DeadLetter(line, reason, "telemetry", "device-7", "store", 42, "m", reason_kind(reason))


def box(folder: Path, registry: CollectorRegistry | None = None, most_bytes: int = 1 << 20) -> DeadLetters:
    return DeadLetters(DeadConfig(most_bytes=most_bytes), folder, DeadLetterMetrics(registry or CollectorRegistry()))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("line", [b"m f=1 1", b'm f="a\nb" 1', b"m f=\xff\x00 1", "m,t=ü f=1 1".encode()])
async def test_a_letter_comes_back_as_it_was(tmp_path: Path, line: bytes):
    """Any bytes of a line survive, with reason, source, bucket, destination and time."""
    await box(tmp_path).add([letter(line)])

    assert letters_in(tmp_path) == [letter(line)]


async def test_letters_are_counted_by_bucket_and_kind(tmp_path: Path):
    """The metric's reason is one of a few names, whatever the text says."""
    registry = CollectorRegistry()
    await box(tmp_path, registry).add([letter(), letter(reason='field type conflict: input field "a" ...')])

    for kind in ("unparsable", "type_conflict"):
        labels = {"bucket": "telemetry", "reason": kind}
        assert registry.get_sample_value("tocsin_dead_lines_total", labels) == 1


async def test_a_restart_goes_on_behind_the_old(tmp_path: Path):
    """The next process keeps what is there, and an id that was used is never used again."""
    first = box(tmp_path)
    await first.add([letter(b"one f=1 1"), letter(b"two f=1 1")])
    before = [kept.id for kept in await first.find(Wanted())]
    await first.purge(Wanted(ids=(before[-1],)))

    second = box(tmp_path)
    await second.add([letter(b"three f=1 1")])

    kept = await second.find(Wanted())
    assert [one.letter.line for one in kept] == [b"one f=1 1", b"three f=1 1"]
    assert kept[0].id == before[0]
    assert kept[1].id > before[-1]


WANTED = [
    (Wanted(), [0, 1, 2]),
    (Wanted(bucket="other"), [2]),
    (Wanted(measurement="ro om"), [1]),
    (Wanted(reason="type_conflict"), [1]),
    (Wanted(reason="to parse"), [0, 2]),
    (Wanted(source="token:gateway"), [2]),
    (Wanted(since_ns=43), [1, 2]),
    (Wanted(since_ns=43, reason="unparsable"), [2]),
    (Wanted(since_ns=43, until_ns=44), [1]),
    (Wanted(until_ns=43), [0]),
    (Wanted(upto=2), [0, 1]),
    (Wanted(bucket="nowhere"), []),
]


@pytest.mark.parametrize(("wanted", "expected"), WANTED)
async def test_filters_narrow_together(tmp_path: Path, wanted: Wanted, expected: list[int]):
    """Each filter alone and two at once; the measurement is found in the line, unescaped."""
    letters = [
        letter(),
        DeadLetter(b"ro\\ om,t=a f=1 1", "field type conflict: ...", "telemetry", "host:::1", "store", 43),
        DeadLetter(b"other f= 1", "unable to parse", "other", "token:gateway", INTAKE, 44),
    ]
    one = box(tmp_path)
    await one.add(letters)

    assert [kept.letter.line for kept in await one.find(wanted)] == [letters[index].line for index in expected]
    assert await one.count(wanted) == Count(len(expected), max(expected, default=-1) + 1)


async def test_pages_follow_each_other(tmp_path: Path):
    """`after` and `most` walk through everything once, oldest first."""
    one = box(tmp_path)
    await one.add([letter(b"m f=%d 1" % number) for number in range(5)])

    first = await one.find(Wanted(), most=3)
    second = await one.find(Wanted(), after=first[-1].id, most=3)

    assert [kept.letter.line for kept in [*first, *second]] == [b"m f=%d 1" % number for number in range(5)]


async def test_lines_that_nobody_acknowledged_go_first(tmp_path: Path):
    """However many refused lines flood in, a letter that was acknowledged stays while there are others to delete."""
    one = box(tmp_path, most_bytes=1 << 16)
    await one.add([letter(b"precious f=1 1")])
    for _ in range(30):
        await one.add([DeadLetter(b"x" * 5000, "syntax", "telemetry", "host:::1", INTAKE, 1)])

    kept = [one.line for one in letters_in(tmp_path)]
    assert b"precious f=1 1" in kept
    assert 1 < len(kept) < 31


async def test_what_leaves_is_accounted_for(tmp_path: Path):
    """Held, purged and replayed lines add up to what was put in, by bucket and source, after a restart too."""
    one = box(tmp_path)
    await one.add([letter(b"m f=%d 1" % number) for number in range(6)])
    ids = [kept.id for kept in await one.find(Wanted())]
    assert await one.purge(Wanted(ids=tuple(ids[:1]))) == 1
    await one.replayed(ids[1:3])

    accounts = {account.how: account for account in await box(tmp_path).accounts()}
    assert {how: account.lines for how, account in accounts.items()} == {"held": 3, "purged": 1, "replayed": 2}
    assert {(one.bucket, one.source, one.acknowledged) for one in accounts.values()} == {
        ("telemetry", "device-7", True)
    }


async def test_a_replay_in_vain_is_noted_on_the_letter(tmp_path: Path):
    """It keeps its id and gets the new reason and one more replay."""
    one = box(tmp_path)
    await one.add([letter()])
    [before] = await one.find(Wanted())
    await one.refused_again([(before.id, "field_type", "is type float")])

    [after] = await one.find(Wanted())
    assert (after.id, after.replays, after.letter.kind, after.letter.reason) == (
        before.id,
        1,
        "field_type",
        "is type float",
    )


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path):
    """Delivery learns that the letter is not kept, and tries again."""
    (tmp_path / "dead").write_text("a file where the folder should be")

    with pytest.raises(LettersNotKept, match="dead"):
        await box(tmp_path / "dead").add([letter()])


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

    kept_lines = [one.line for one in letters_in(tmp_path)]
    kept = [int(line[4:6]) for line in kept_lines]
    assert sum(len(line) for line in kept_lines) <= most < size_of(tmp_path) < 2 * most
    assert kept == list(range(40 - len(kept), 40))
    assert 0 < len(kept) < written
    assert (registry.get_sample_value("tocsin_dead_evicted_bytes_total") or 0) > 0
    gone = {"bucket": "telemetry", "reason": "evicted"}
    assert registry.get_sample_value("tocsin_dead_removed_lines_total", gone) == written - len(kept)


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
