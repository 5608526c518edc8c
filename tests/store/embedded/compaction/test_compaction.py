"""Points that came late are put where they belong, and nobody's answer changes, whatever happens meanwhile."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pytest

from foundation.batch import Position
from influxql.ast import Change
from influxql.parser import parse
from store.embedded.clustering import count_runs
from store.embedded.compaction.compaction import GROUP_ROWS, Compaction
from store.embedded.compaction.disorder import MOST_ACROSS, most_across
from store.embedded.compaction.groups import read_layout, rows_of
from store.embedded.compaction.room import Room
from store.embedded.copying import make_copy
from store.embedded.file import OpenFile
from store.embedded.quota import Quota
from store.errors import StoreUnavailable
from tests.fakes.clock import ManualClock
from tests.fakes.disordered import BUCKET, GROUPS, POINTS, STEP_NS, SUM, open_plainly
from tests.fakes.shipping import shipment

T = TypeVar("T")
Act = Callable[[OpenFile], object]
MOVED = (GROUPS - 1) * GROUP_ROWS
WATCH, FINISH, CHECKPOINT = range(3)


@dataclass
class Desk:
    """A file that is compacted by hand; `acts` happen in the writer's thread in front of a work of the first move."""

    path: Path
    file: OpenFile
    free: int = 10**12
    quota: Quota = field(init=False)
    acts: dict[int, Act] = field(default_factory=dict)
    moves: list[tuple[str, str, int]] = field(default_factory=list)
    offset: int = 1_000

    def __post_init__(self) -> None:
        clock = ManualClock()
        self.quota = Quota(0, self.path, clock)
        room = Room(self.path, self.quota, lambda _: self.free)
        self.compaction = Compaction(self.change, lambda: self.file, room, clock, lambda *one: self.moves.append(one))
        self._works = 0

    async def change(self, work: Callable[[OpenFile], T]) -> T:
        """Run the work here, behind the act that comes in front of it."""
        act = self.acts.pop(self._works, None)
        self._works += 1
        if act is not None:
            act(self.file)
        return work(self.file)

    @property
    def outcomes(self) -> list[str]:
        """What became of each move."""
        return [outcome for _, outcome, _ in self.moves]

    def write(self, body: bytes) -> None:
        """Lines come in."""
        self.offset += 1
        verdict = self.file.writer.write(shipment(body, BUCKET), Position("more", BUCKET, self.offset))
        assert not verdict.refused

    def ask(self, query: str = "SELECT count(f), sum(f) FROM m") -> list[Any]:
        """The first row of the answer, without its time."""
        (result,) = self.file.reader.answer(parse(query), BUCKET, 0)
        assert result.error is None
        return list(result.series[0].values[0][1:]) if result.series else []

    @property
    def across(self) -> int:
        """How many row groups lie across one moment, at the most."""
        with self.file.cursors.make() as cursor:
            return len(most_across(read_layout(cursor, "r1").groups))

    @property
    def runs(self) -> int:
        """In how many stretches the series of a whole row group stand, at the most."""
        with self.file.cursors.make() as cursor:
            groups = [rows_of((group,)) for group in read_layout(cursor, "r1").groups if group.rows == GROUP_ROWS]
            read = "SELECT series FROM r1 WHERE "
            return max(count_runs(cursor.execute(read + one).fetchnumpy()["series"]) for one in groups)


@contextmanager
def opened(path: Path) -> Iterator[Desk]:
    """The file, open until the end of the block."""
    desk = Desk(path, open_plainly(path))
    try:
        yield desk
    finally:
        desk.compaction.close()
        desk.file.close()


@pytest.fixture
def desk(disordered: Path) -> Iterator[Desk]:
    """A disordered file that is open."""
    with opened(disordered) as made:
        yield made


async def test_late_points_are_put_where_they_belong(desk: Desk) -> None:
    """They lie side by side but for the last, the answers are the same, and it is told; then there is nothing to do."""
    assert desk.across == GROUPS - 1
    before = desk.ask("SELECT sum(f) FROM m WHERE time >= 100ms AND time < 200ms")
    assert await desk.compaction.turn() == MOVED
    assert desk.moves == [(BUCKET, "done", MOVED)]
    assert desk.across == 2
    assert desk.ask() == [POINTS, SUM]
    assert desk.ask("SELECT sum(f) FROM m WHERE time >= 100ms AND time < 200ms") == before
    assert await desk.compaction.turn() == 0
    assert not desk.compaction.problem


async def test_a_file_that_was_put_in_order_is_left_alone(desk: Desk) -> None:
    """Nothing is remembered, and nothing needs to be: the next process finds the points in order."""
    await desk.compaction.turn()
    desk.file.close()
    with opened(desk.path) as again:
        assert await again.compaction.turn() == 0
        assert again.ask() == [POINTS, SUM]


async def test_questions_see_every_point_once_at_any_moment(desk: Desk) -> None:
    """In front of each of a move's works, and in a copy that is made in between."""
    seen: list[Any] = []
    desk.acts = {work: lambda _: seen.append(desk.ask()) for work in (WATCH, FINISH, CHECKPOINT)}

    async def change(work: Callable[[OpenFile], T]) -> T:
        with desk.file.cursors.make() as cursor:
            seen.append(make_copy(cursor, desk.path, len(seen)).lines)
        return await desk.change(work)

    desk.compaction = Compaction(change, lambda: desk.file, Room(desk.path, desk.quota), ManualClock())
    assert await desk.compaction.turn() == MOVED
    assert seen == [{BUCKET: {"m": POINTS}}, [POINTS, SUM]] * 3 + [{BUCKET: {"m": POINTS}}]


async def test_a_question_that_runs_meanwhile_sees_its_own_moment(desk: Desk) -> None:
    """A transaction from before the move sees every row where it stood, also behind the checkpoint."""
    with desk.file.cursors.make() as reader:
        reader.execute("BEGIN")
        sums = "SELECT count(*), sum(f1), sum(rowid) FROM r1"
        before = reader.execute(sums).fetchall()
        assert await desk.compaction.turn() == MOVED
        assert reader.execute(sums).fetchall() == before
    assert await desk.compaction.turn() == 0
    assert desk.ask() == [POINTS, SUM]


async def test_room_that_questions_hold_is_not_taken_twice(desk: Desk) -> None:
    """While a question needs the rows of an earlier move, there is no other; as soon as none does, it goes on."""
    with desk.file.cursors.make() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM r1").fetchall()
        assert await desk.compaction.turn() == MOVED
        disorder(desk.file.writing)
        assert await desk.compaction.turn() == 0
        assert desk.outcomes == ["done", "held"]
    desk.write(b"m f=0 0\n")
    assert await desk.compaction.turn() == 0
    assert await desk.compaction.turn() > 0
    assert desk.outcomes == ["done", "held", "held", "done"]
    assert desk.ask() == [POINTS, SUM]


async def test_new_lines_come_in_meanwhile(desk: Desk) -> None:
    """Late ones and early ones, at times that others have, too: the move is done and they are there."""
    desk.acts[FINISH] = lambda _: desk.write(b"m f=1 1\nm f=2 100\nm,t=a f=3 1000\nm f=4 %d\n" % (POINTS * STEP_NS))
    desk.write(b"m,t=b f=0 0\n")
    await desk.compaction.turn()
    assert desk.outcomes == ["done"]
    assert desk.ask() == [POINTS + 5, SUM + 10]


def overwrite(desk: Desk) -> None:
    """A line for a point that is there."""
    desk.write(b"m f=%d %d\n" % (5_000_000, 78 * STEP_NS))


def expire(desk: Desk) -> None:
    """The oldest thousand reach their age."""
    desk.file.writer.expire(BUCKET, "m1", 1_000 * STEP_NS, 100_000)


def delete(desk: Desk) -> None:
    """Somebody deletes the points of a time."""
    (statement,) = parse("DELETE FROM m WHERE time < 1ms")
    assert isinstance(statement, Change)
    desk.file.writer.delete(BUCKET, statement, 0)


def widen(desk: Desk) -> None:
    """A line brings a new field."""
    desk.write(b"m g=1 %d\n" % (POINTS * STEP_NS))


GONE = sum(range(1_000))


@pytest.mark.parametrize(
    ("act", "left"),
    [
        (overwrite, [POINTS, SUM + 5_000_000 - 78]),
        (expire, [POINTS - 1_000, SUM - GONE]),
        (delete, [POINTS - 1_000, SUM - GONE]),
        (widen, [POINTS, SUM]),
    ],
)
async def test_changes_go_before_the_move(desk: Desk, act: Callable[[Desk], None], left: list[int]) -> None:
    """What was changed between copy and commit stays changed: the move is undone, told, and done by the next turn."""
    desk.acts[FINISH] = lambda _: act(desk)
    assert await desk.compaction.turn() == 0
    assert desk.outcomes == ["overtaken"]
    assert desk.ask() == left
    assert await desk.compaction.turn() > 0
    assert desk.outcomes == ["overtaken", "done"]
    assert desk.ask() == left
    assert desk.across <= MOST_ACROSS


async def test_a_checkpoint_that_is_wanted_meanwhile(desk: Desk) -> None:
    """Whoever wants one goes on without it, for there cannot be one; it comes behind the move."""
    desk.acts[FINISH] = lambda file: file.writer.checkpoint()
    assert await desk.compaction.turn() == MOVED
    assert desk.across == 2


async def test_age_that_takes_nothing_does_not_undo_the_move(desk: Desk) -> None:
    """A sweep that finds nothing old enough leaves the move alone."""
    desk.acts[FINISH] = lambda file: file.writer.expire(BUCKET, "m1", 0, 100_000)
    assert await desk.compaction.turn() == MOVED


async def test_a_measurement_that_is_dropped_meanwhile(desk: Desk) -> None:
    """It is gone; the move, too; the next turn finds nothing to do."""
    (statement,) = parse("DROP MEASUREMENT m")
    assert isinstance(statement, Change)
    desk.acts[FINISH] = lambda file: file.writer.delete(BUCKET, statement, 0)
    assert await desk.compaction.turn() == 0
    assert desk.outcomes == ["overtaken"]
    assert desk.ask() == []
    assert await desk.compaction.turn() == 0


async def test_a_file_opened_anew_meanwhile(desk: Desk) -> None:
    """Its writer told nothing of what it did: the move is undone, and nothing is missing."""

    def reopen(file: OpenFile) -> None:
        file.close()
        desk.file = open_plainly(desk.path)
        overwrite(desk)

    desk.acts[FINISH] = reopen
    assert await desk.compaction.turn() == 0
    assert desk.outcomes in (["overtaken"], ["failed"])
    assert desk.ask() == [POINTS, SUM + 5_000_000 - 78]
    assert await desk.compaction.turn() == MOVED


async def test_without_room_points_stay(desk: Desk) -> None:
    """On the disk or in the quota; it is said with figures, counted, and done as soon as there is room."""
    desk.free = 65_000_000
    assert await desk.compaction.turn() == 0
    assert re.search(r"cannot be put in order: needs .* MB on the disk, which has 65\.0 MB", desk.compaction.problem)
    desk.free, desk.quota.limit_bytes = 10**12, 7_000_000
    _ = desk.quota.measure(desk.file.writing)
    assert await desk.compaction.turn() == 0
    assert "of the quota, which is nearly used up" in desk.compaction.problem
    assert desk.outcomes == ["no_room", "no_room"]
    desk.quota.limit_bytes = 0
    assert await desk.compaction.turn() == MOVED
    assert not desk.compaction.problem


async def test_mixed_series_are_put_behind_each_other(tmp_path: Path) -> None:
    """What came in small shipments stands series behind series, in as short times; once, and answers stay.

    A file without that order, as older programs leave it, is like this one.
    """
    with opened(tmp_path / "mixed.duckdb") as desk:
        desk.write(b"m,t=0 f=0 0\nm,t=1 f=0 1\nm,t=2 f=0 2\n")
        desk.file.writing.execute("TRUNCATE r1")
        desk.file.writing.execute("INSERT INTO r1 SELECT n * 1000, n % 3, n FROM range(615_000) rows(n)")
        desk.file.writing.execute("CHECKPOINT")
        one = "SELECT count(f), sum(f) FROM m WHERE t = '1' AND time >= 100ms AND time < 300ms"
        before, all_ = desk.ask(one), desk.ask()
        assert await desk.compaction.turn() == MOVED
        assert desk.moves == [("telemetry", "done", MOVED)]
        assert (desk.ask(one), desk.ask()) == (before, all_)
        assert (desk.across, desk.runs) == (1, 3)
        assert await desk.compaction.turn() == 0
        # The next process finds nothing to do either.
        desk.file.close()
        desk.file = open_plainly(desk.path)
        desk.compaction = Desk(desk.path, desk.file).compaction
        assert await desk.compaction.turn() == 0
        assert desk.ask() == all_


async def test_wide_rows_are_moved_a_few_at_once(desk: Desk) -> None:
    """And sorted in parts, so that it takes little memory; they are in order all the same, and all of them there."""
    desk.write(b"m %s 0\n" % b",".join(b"g%d=1" % number for number in range(100)))
    await desk.compaction.turn()
    assert desk.moves == [(BUCKET, "done", 3 * GROUP_ROWS)]
    assert desk.across <= MOST_ACROSS
    assert desk.ask() == [POINTS, SUM]


async def test_a_move_that_fails_is_told(desk: Desk) -> None:
    """Where the writer's thread cannot finish it, nothing is moved, and the next turn tries again."""

    def fail(_: OpenFile) -> None:
        raise StoreUnavailable("the disk is gone\nwith all its folders")

    desk.acts[FINISH] = fail
    assert await desk.compaction.turn() == 0
    assert desk.moves == [(BUCKET, "failed", MOVED)]
    assert desk.compaction.problem == "points cannot be put in order: the disk is gone"
    assert desk.ask() == [POINTS, SUM]
    assert await desk.compaction.turn() == MOVED


async def test_the_file_does_not_grow_round_after_round(desk: Desk) -> None:
    """Time and again the points are brought in disorder: the blocks that moves leave are used by the next."""
    sizes = []
    for _ in range(4):
        await desk.compaction.turn()
        sizes.append(desk.path.stat().st_size)
        shuffle(desk.file.writing)
        desk.compaction = Desk(desk.path, desk.file).compaction
    assert max(sizes) < 2 * sizes[0]
    assert desk.ask() == [POINTS, SUM]


def disorder(connection: duckdb.DuckDBPyConnection) -> None:
    """Put all rows behind themselves in no order of time, and leave the old ones to the next checkpoint."""
    ((last,),) = connection.execute("SELECT max(rowid) FROM r1").fetchall()
    connection.execute("INSERT INTO r1 SELECT * FROM r1 ORDER BY hash(time)")
    connection.execute(f"DELETE FROM r1 WHERE rowid <= {last}")  # noqa: S608 - a number


def shuffle(connection: duckdb.DuckDBPyConnection) -> None:
    """Put all rows behind each other in no order of time."""
    connection.execute("CREATE TEMP TABLE all_rows AS SELECT * FROM r1 ORDER BY hash(time)")
    connection.execute("TRUNCATE r1")
    connection.execute("INSERT INTO r1 SELECT * FROM all_rows")
    connection.execute("DROP TABLE all_rows")
    connection.execute("CHECKPOINT")
