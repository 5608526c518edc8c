"""`tocsin dead` where no collector runs: what it left is read, and nothing is done to it."""

import asyncio
import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.dead import file
from collector.dead.box import DeadConfig, DeadLetters
from collector.dead.letter import INTAKE, DeadLetter
from collector.metrics import DeadLetterMetrics
from foundation import listen
from tests.tocsin.conftest import Run

DAY_NS = 24 * 3600 * 10**9
FIRST_NS = 1_769_846_400 * 10**9
"""2026-01-31T08:00:00Z."""


@pytest.fixture
def left(state: Path) -> Path:
    """A folder in which a collector left three letters and took one out."""
    letters = [
        DeadLetter(b"room t=1i 1", "is type float", "home", "token:d7", INTAKE, FIRST_NS, kind="field_type"),
        DeadLetter(b"no line", "missing fields", "home", "token:d8", INTAKE, FIRST_NS + DAY_NS, kind="syntax"),
        DeadLetter(b"m f=\xff 1", "unable to parse", "work", "token:d7", "influxdb", FIRST_NS + 2 * DAY_NS),
        DeadLetter(b"gone f=1 1", "unable to parse", "work", "token:d7", "influxdb", FIRST_NS),
    ]

    async def write() -> None:
        box = DeadLetters(DeadConfig(), state / "dead", DeadLetterMetrics(CollectorRegistry()))
        await box.add(letters)
        await box.replayed([4])

    asyncio.run(write())
    return state


FILTERS = [
    ((), [1, 2, 3]),
    (("--bucket", "home"), [1, 2]),
    (("--source", "token:d7"), [1, 3]),
    (("--reason", "syntax"), [2]),
    (("--measurement", "room"), [1]),
    (("--since", "2026-02-01T00:00:00Z"), [2, 3]),
    (("--until", "2026-02-01T00:00:00Z"), [1]),
    (("--since", "2026-02-01T00:00:00Z", "--until", "2026-02-02T00:00:00Z"), [2]),
]


@pytest.mark.parametrize(("words", "expected"), FILTERS)
def test_every_filter_works_without_a_collector(run: Run, left: Path, words: tuple[str, ...], expected: list[int]):
    """`list` and `export` show the same, and say where it comes from on standard error alone."""
    listed = run("dead", "--json", "list", *words)
    assert listed.code == 0
    assert [one["id"] for one in json.loads(listed.out)["letters"]] == expected
    assert f"no collector runs on {left}" in listed.complaint
    exported = run("dead", "export", *words)
    assert [json.loads(row)["id"] for row in exported.out.splitlines()] == expected


def test_letters_are_shown_whole(run: Run, left: Path):
    """A line that is no text as well; one that is not there is an exit code."""
    shown = run("dead", "show", "3", "4")
    assert shown.code == 1
    assert "b'm f=\\xff 1'" in shown.out
    assert "there is no letter 4" in shown.complaint


def test_what_became_of_all_is_summed_up(run: Run, left: Path):
    """By bucket and source, lines that are gone included."""
    accounts = json.loads(run("dead", "--json", "summary").out)["accounts"]
    assert {(one["bucket"], one["source"], one["acknowledged"], one["how"], one["lines"]) for one in accounts} == {
        ("home", "token:d7", False, "held", 1),
        ("home", "token:d8", False, "held", 1),
        ("work", "token:d7", True, "held", 1),
        ("work", "token:d7", True, "replayed", 1),
    }
    assert "replayed" in run("dead", "summary").out


def test_pages_follow_each_other(run: Run, left: Path):
    """`--limit` and `--after` as with a collector."""
    first = json.loads(run("dead", "--json", "list", "--limit", "2").out)
    assert ([one["id"] for one in first["letters"]], first["next_after"]) == ([1, 2], 2)
    second = json.loads(run("dead", "--json", "list", "--limit", "2", "--after", "2").out)
    assert ([one["id"] for one in second["letters"]], second["next_after"]) == ([3], None)


def test_a_collector_that_died_is_noticed(run: Run, left: Path):
    """Its address is still announced, but nobody answers there."""
    listen.announce(left, {"collector": "127.0.0.1:1"}, 1)
    assert run("dead", "show", "1").code == 0


def test_changing_something_takes_a_collector(run: Run, left: Path):
    """Replay and purge say so, and the file stays as it is."""
    before = (left / "dead" / file.FILE).read_bytes()
    for words in (("replay",), ("purge", "--all")):
        ran = run("dead", *words)
        assert ran.code == 2
        assert "no collector runs" in ran.complaint
    assert (left / "dead" / file.FILE).read_bytes() == before


def test_nothing_left_is_no_letters(run: Run, state: Path):
    """A state folder without a file is no error, and none is made."""
    assert run("dead", "list").out == "no dead letters\n"
    assert "there never were any" in run("dead", "summary").out
    assert not (state / "dead").exists()


def test_a_file_that_cannot_be_read_is_told(run: Run, left: Path):
    """Exit 2, with the file's name."""
    (left / "dead" / file.FILE).write_bytes(b"no database" * 100)
    ran = run("dead", "list")
    assert ran.code == 2
    assert "letters.sqlite" in ran.complaint
