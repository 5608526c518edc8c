"""The schema guard: pins are first come, kept before they count, and seeded from the store."""

import os
import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.pins import PinFile, PinsNotKept
from collector.verdict import Objection, Origin
from foundation.batch import FieldType
from foundation.errors import ConfigError
from foundation.line_protocol.parse import parse_line
from store.errors import StoreUnavailable
from tests.fakes.clock import ManualClock
from tests.fakes.pins import ForgetfulPins

ORIGIN = Origin("telemetry", "test", 0)


class Source:
    """A store's field types; away until it is told otherwise."""

    def __init__(self) -> None:
        self.away = True
        self.asked = 0

    async def __call__(self, bucket: str) -> Mapping[str, Mapping[str, FieldType]]:
        self.asked += 1
        if self.away:
            raise StoreUnavailable(f"no answer about {bucket}")
        return {"m": {"f": FieldType.INTEGER, "g": FieldType.STRING}}


def reason(guard: FieldTypes, line: bytes) -> str | None:
    """What is said against the line; what it teaches is kept."""
    checking = guard.begin(ORIGIN)
    objection = checking.judge(parse_line(line))
    checking.commit()
    assert objection is None or isinstance(objection, Objection)
    return objection.reason if objection else None


@pytest.fixture
def pins() -> ForgetfulPins:
    return ForgetfulPins()


@pytest.fixture
def guard(pins: ForgetfulPins, clock: ManualClock) -> FieldTypes:
    return FieldTypes(FieldTypesConfig(), pins, Source(), clock)


def test_the_first_value_decides(guard: FieldTypes):
    """Each field of each measurement has a type of its own; influxd's words for another one."""
    assert reason(guard, b"m f=1,g=t") is None
    assert reason(guard, b"n f=1i") is None
    assert reason(guard, b"m f=1u") == (
        'field type conflict: input field "f" on measurement "m" is type unsigned, already exists as type float'
    )


def test_a_refused_line_pins_nothing_new_but_its_own_first_type(guard: FieldTypes):
    """As influxd: `f=1,f=2i` leaves a float; a conflict with a pin leaves the line's other fields free."""
    assert reason(guard, b"m f=1,f=2i") is not None
    assert reason(guard, b"m f=2i") is not None
    assert reason(guard, b"m h=1,f=2i") is not None
    assert reason(guard, b"m h=1i") is None


def test_nothing_is_learnt_before_commit(guard: FieldTypes):
    """A body that is refused as a whole leaves no pin."""
    guard.begin(ORIGIN).judge(parse_line(b"m f=1"))
    assert not guard.unsettled
    assert reason(guard, b"m f=1i") is None


async def test_pins_wait_until_they_are_kept(guard: FieldTypes, pins: ForgetfulPins):
    """A failed save is an error to who must not acknowledge, and the pins are saved with the next one."""
    assert reason(guard, b"m f=1") is None
    pins.failures.append(PinsNotKept("disk full"))
    with pytest.raises(PinsNotKept):
        await guard.settle()
    assert guard.unsettled
    await guard.settle()
    assert not guard.unsettled
    assert pins.saved == [("telemetry", "m", "f", FieldType.FLOAT)]


async def test_a_store_that_is_away_is_asked_again_later(pins: ForgetfulPins, clock: ManualClock):
    """Intake goes on with the pins made here; what the store holds is taken over where nothing is pinned."""
    source = Source()
    guard = FieldTypes(FieldTypesConfig(seed_retry=timedelta(seconds=15)), pins, source, clock)
    await guard.prepare("telemetry")
    assert guard.ready("telemetry")
    assert reason(guard, b"m f=1") is None
    source.away = False
    clock.advance(timedelta(seconds=16))
    assert not guard.ready("telemetry")
    await guard.prepare("telemetry")
    clock.advance(timedelta(days=1))
    assert guard.ready("telemetry")
    assert source.asked == 2
    assert reason(guard, b"m f=2") is None
    assert reason(guard, b"m g=2") is not None


async def test_a_pin_on_disk_is_never_overwritten(tmp_path: Path):
    """Of two types for one field the first that was kept stays."""
    file = PinFile(tmp_path / "state" / "field_types.sqlite")
    assert await file.load() == []
    await file.save([("b", "m", "f", FieldType.FLOAT)])
    await file.save([("b", "m", "f", FieldType.STRING), ("b", "m", "g", FieldType.UNSIGNED)])
    assert sorted(await file.load()) == [("b", "m", "f", FieldType.FLOAT), ("b", "m", "g", FieldType.UNSIGNED)]


async def test_reading_pins_writes_nothing(tmp_path: Path):
    """A collector whose disk is full starts, and makes room by delivering."""
    path = tmp_path / "field_types.sqlite"
    await PinFile(path).load()
    os.utime(path, ns=(1, 1))
    assert await PinFile(path).load() == []
    assert path.stat().st_mtime_ns == 1


async def test_a_pin_file_of_another_version_or_kind_is_refused(tmp_path: Path):
    """Files outlive versions: what cannot be read is said, with the file's name."""
    newer, other = tmp_path / "newer.sqlite", tmp_path / "other.sqlite"
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    other.write_bytes(b"no database at all" * 100)
    for path in (newer, other):
        with pytest.raises(ConfigError, match=path.name):
            await PinFile(path).load()


async def test_a_pin_file_that_cannot_be_written_is_transient(tmp_path: Path):
    """The batch is not acknowledged, and may be sent again."""
    file = PinFile(tmp_path / "field_types.sqlite")
    await file.load()
    (tmp_path / "field_types.sqlite").unlink()
    (tmp_path / "field_types.sqlite").mkdir()
    with pytest.raises(PinsNotKept, match=r"field_types\.sqlite"):
        await file.save([("b", "m", "f", FieldType.FLOAT)])
