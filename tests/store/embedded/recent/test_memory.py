"""What memory keeps and for how long, and that no answer sees half of a commit."""

# ruff: noqa: S608 - InfluxQL made of the constants below

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import duckdb
import pytest

from foundation.batch import FieldType
from influxql.translate.parameters import Parameters
from store.embedded.deadline import Deadline
from store.embedded.query import EmbeddedReader, parse_query
from store.embedded.recent.changes import EVER, Changes
from store.embedded.recent.memory import Outcome, Recent
from store.embedded.schema import Column, create_sql, new_table, view_sql
from store.embedded.session import Session
from tests.fakes.clock import ManualClock

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND


class Scene:
    """One table that a test changes as the writer does, and a reader with a memory."""

    def __init__(self, limit_bytes: int = 1_000_000, kind: FieldType = FieldType.FLOAT) -> None:
        self.file = duckdb.connect()
        columns = tuple(
            Column(*one)
            for one in (("h", "tag", None, "t1"), ("v", "field", kind, "f1"), ("w", "field", FieldType.FLOAT, "f2"))
        )
        table, other = (replace(new_table(name, number), columns=columns) for number, name in ((1, "m"), (2, "n")))
        for one in (table, other):
            for statement in (*create_sql(one), view_sql(one)):
                self.file.execute(statement)
            self.file.execute(f"INSERT INTO {one.keys} VALUES (0, 'a')")
        self.outcomes: Counter[Outcome] = Counter()
        self.recent = Recent(limit_bytes, lambda outcome: self.outcomes.update([outcome]))
        self.reader = EmbeddedReader(
            self.file.cursor,
            {"db": {"m": table, "n": other}}.get,
            ManualClock(),
            recent=self.recent,
        )

    def store(self, *ages_s: int, value: float = 1.0, table: int = 1) -> None:
        """Rows of these ages, in one commit."""
        changes = Changes()
        self.file.execute("BEGIN")
        for age_s in ages_s:
            self.file.execute(f"INSERT INTO r{table} VALUES (?, 0, ?, NULL)", [NOW - age_s * SECOND, value])
        changes.since("mn"[table - 1] + str(table), NOW - max(ages_s) * SECOND)
        with self.recent.committing(changes):
            self.file.execute("COMMIT")

    def read_ahead(self, now_ns: int = NOW) -> None:
        """What the store has done in a thread of its own."""
        with closing(Session(self.file.cursor, lambda _: None, "db", now_ns, Deadline(60))) as session:
            self.recent.read_ahead(session)

    def ask(
        self, over_s: int = 60, *, times: int = 1, now_ns: int = NOW, name: str = "m", call: str = "sum(v)"
    ) -> object:
        """The answer, the last of so many."""
        text = f"SELECT {call} FROM {name} WHERE time > {now_ns - over_s * SECOND}"
        answers = [self.reader.answer(parse_query(text), "db", now_ns) for _ in range(times)]
        series = answers[-1][0].series
        return series[0].values[0][1] if series else None


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.file.close()


def test_what_is_asked_again_is_kept(scene: Scene):
    """The third time within half a minute a question is worth a memory; from then on the file is read for news only."""
    scene.store(50, 40, 5)
    assert scene.ask(times=2) == 3.0
    assert (scene.recent.size_bytes, scene.outcomes) == (0, {Outcome.RARE: 2})
    assert scene.ask(times=3) == 3.0
    assert scene.outcomes == {Outcome.RARE: 2, Outcome.MEMORY: 3}
    assert scene.recent.size_bytes > 0


def test_nothing_is_kept_where_nothing_may_be():
    """With a limit of nothing every question goes to the file, and none is counted."""
    scene = Scene(limit_bytes=0)
    scene.store(5)
    assert scene.ask(times=5) == 1.0
    assert (scene.recent.size_bytes, scene.outcomes) == (0, {})
    scene.file.close()


def test_what_is_too_large_is_left_to_the_file():
    """Rows that do not fit are counted before they are read; a minute later it is tried again."""
    scene = Scene(limit_bytes=1_000)
    scene.store(*range(1, 59))
    assert scene.ask(times=5) == 58.0
    assert scene.outcomes == {Outcome.RARE: 2, Outcome.FULL: 3}
    assert scene.recent.size_bytes == 0
    scene.file.close()


def test_the_limit_holds_while_rows_are_read_and_sorted():
    """Rows that would fit as they are, but not with what working on them takes, are left to the file, or let go."""
    scene = Scene(limit_bytes=2_000)
    scene.store(*range(1, 11))
    assert scene.ask(times=3) == 10.0
    assert scene.outcomes[Outcome.MEMORY] == 1
    scene.store(*range(11, 59))
    assert scene.ask(times=2) == 58.0
    assert scene.outcomes == {Outcome.RARE: 2, Outcome.MEMORY: 1, Outcome.FULL: 2}
    assert scene.recent.size_bytes == 0
    scene.file.close()


def test_a_longer_reach_and_another_field_are_not_guessed(scene: Scene):
    """Whoever asks further back than is kept, for the first time, is answered by the file."""
    scene.store(500, 5)
    assert scene.ask(times=4) == 1.0
    assert scene.ask(over_s=600) == 2.0
    assert scene.outcomes[Outcome.RARE] == 3
    assert scene.ask(over_s=600, times=4) == 2.0
    assert scene.outcomes == {Outcome.RARE: 4, Outcome.MEMORY: 5}


def test_rows_that_a_question_needs_are_not_cut_off_under_it(scene: Scene):
    """Where all others reach less far by now, a single question for what is still kept is answered in full."""
    scene.store(500, 5)
    scene.ask(over_s=600, times=3)
    for second in (20, 45, 70, 95):
        scene.ask(over_s=20, times=3, now_ns=NOW + second * SECOND)
    scene.store(4)
    assert scene.ask(over_s=650, now_ns=NOW + 96 * SECOND) == 3.0


def test_what_nobody_asks_for_is_forgotten(scene: Scene):
    """A table that was not asked for ten minutes is dropped when another question comes."""
    scene.store(5)
    scene.ask(times=3)
    assert scene.recent.size_bytes > 0
    scene.ask(now_ns=NOW + 700 * SECOND, name="n")
    assert scene.recent.size_bytes == 0


def test_old_rows_are_cut_off(scene: Scene):
    """Memory holds what the questions reach, and little more, however long they go on."""
    scene.store(59)
    scene.ask(times=3)
    sizes = []
    for second in range(200):
        scene.store(*[-second] * 50)
        scene.ask(now_ns=NOW + second * SECOND)
        sizes.append(scene.recent.size_bytes)
    assert scene.outcomes[Outcome.RARE] == 2
    assert max(sizes[100:]) <= max(sizes[:100]) * 1.3


def test_no_answer_sees_half_a_commit(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """A commit that comes while memory reads the news of another, and is older too, is seen whole."""
    scene.store(50, 40)
    scene.ask(times=3)
    scene.store(5)
    read = Session.stream

    def disturbed(session: Session, sql: str, parameters: Parameters) -> object:
        monkeypatch.setattr(Session, "stream", read)
        scene.store(30, 3)
        return read(session, sql, parameters)

    monkeypatch.setattr(Session, "stream", disturbed)
    assert scene.ask() == 5.0
    assert scene.outcomes[Outcome.MEMORY] == 2


def test_a_writer_that_is_always_quicker_leaves_the_question_to_the_file(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """After a few tries the file is asked; once the writer rests, memory is right again."""
    scene.store(50)
    scene.ask(times=3)
    scene.store(10)
    read, ages = Session.stream, iter(range(11, 30))

    def disturbed(session: Session, sql: str, parameters: Parameters) -> object:
        scene.store(next(ages))
        return read(session, sql, parameters)

    monkeypatch.setattr(Session, "stream", disturbed)
    assert scene.ask() == 5.0
    assert scene.outcomes[Outcome.BUSY] == 1
    monkeypatch.setattr(Session, "stream", read)
    assert scene.ask() == 5.0
    assert scene.outcomes[Outcome.MEMORY] == 2


def test_a_reading_that_fails_leaves_nothing_half_read(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """What was being read is dropped, and read anew by a later question."""
    scene.store(50)
    scene.ask(times=3)
    scene.store(10)
    read = Session.stream

    def broken(session: Session, sql: str, parameters: Parameters) -> object:
        del session, sql, parameters
        raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")

    monkeypatch.setattr(Session, "stream", broken)
    with pytest.raises(Exception, match="stopped"):
        scene.ask()
    monkeypatch.setattr(Session, "stream", read)
    assert scene.ask(times=2) == 2.0


def test_a_commit_that_fails_marks_as_well(scene: Scene):
    """Nobody knows whether it took place: the rows are read again."""
    scene.store(50)
    scene.ask(times=3)
    scene.file.execute("INSERT INTO r1 VALUES (?, 0, 1, NULL)", [NOW - 5 * SECOND])
    changes = Changes()
    changes.since("m1", EVER)
    with pytest.raises(OSError, match="lost"), scene.recent.committing(changes):
        raise OSError("lost")
    assert scene.ask() == 2.0


def test_a_reading_without_rows_makes_no_number_wider():
    """Whole numbers are kept as narrow as they are, also where there was nothing new behind a mark."""
    scene = Scene(kind=FieldType.INTEGER)
    scene.store(*range(1, 59))
    assert scene.ask(times=3) == 58
    size_bytes = scene.recent.size_bytes
    changes = Changes()
    changes.since("m1", NOW)
    with scene.recent.committing(changes):
        pass
    assert scene.ask() == 58
    assert scene.recent.size_bytes == size_bytes
    scene.file.close()


def test_a_table_that_is_asked_for_twice_is_read_ahead(scene: Scene):
    """One question does not show that another will come; two do, and then whatever is asked is in memory already."""
    scene.store(50, 40, 5)
    scene.ask(call="max(v)")
    assert not scene.recent.is_wanting
    scene.ask(call="min(v)")
    assert scene.recent.is_wanting
    scene.read_ahead()
    assert not scene.recent.is_wanting
    assert scene.ask(call="count(v)") == 3
    assert scene.outcomes == {Outcome.RARE: 2, Outcome.MEMORY: 1}
    scene.store(3)
    assert scene.ask(call="count(v)") == 4
    assert scene.ask(over_s=600) == 4.0
    assert scene.outcomes == {Outcome.RARE: 3, Outcome.MEMORY: 2}


def test_nobody_waits_for_what_is_read_ahead(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """Who asks for the table meanwhile is answered by the file, and what is committed meanwhile is not lost."""
    scene.store(50, 40)
    scene.ask(times=2)
    read = Session.stream

    def disturbed(session: Session, sql: str, parameters: Parameters) -> object:
        monkeypatch.setattr(Session, "stream", read)
        found = list(read(session, sql, parameters))
        scene.store(5)
        assert scene.ask() == 3.0
        return found

    monkeypatch.setattr(Session, "stream", disturbed)
    scene.read_ahead()
    assert scene.outcomes == {Outcome.RARE: 2, Outcome.BUSY: 1}
    assert scene.ask() == 3.0
    assert scene.outcomes[Outcome.MEMORY] == 1


def test_a_reading_ahead_that_fails_stands_in_nobodys_way(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """The next who ask are answered by the file, and once they come again memory is there for them."""
    scene.store(50)
    scene.ask(times=2)
    with monkeypatch.context() as patch:
        patch.setattr(Session, "stream", lambda *_: (_ for _ in ()).throw(duckdb.InterruptException("stopped")))
        with pytest.raises(duckdb.InterruptException):
            scene.read_ahead()
    assert scene.ask(times=2) == 1.0
    assert scene.outcomes == {Outcome.RARE: 2, Outcome.MEMORY: 2}


def test_a_question_that_finds_no_room_takes_nothing_from_others():
    """What reaches too far back is the file's; those that reach less far keep their rows."""
    scene = Scene(limit_bytes=2_000)
    scene.store(*range(1, 10))
    scene.store(*range(100, 200))
    assert scene.ask(over_s=20, times=3) == 9.0
    assert scene.ask(over_s=300, times=4) == 109.0
    assert scene.outcomes == {Outcome.RARE: 4, Outcome.MEMORY: 1, Outcome.FULL: 2}
    assert scene.ask(over_s=20) == 9.0
    scene.store(10)
    assert scene.ask(over_s=20) == 10.0
    assert scene.outcomes[Outcome.MEMORY] == 3
    scene.file.close()


def test_where_the_room_is_short_idle_tables_make_way():
    """Not those that were asked for within half a minute."""
    scene = Scene(limit_bytes=3_000)
    scene.store(*range(1, 50))
    scene.store(*range(1, 50), table=2)
    assert scene.ask(times=3) == 49.0
    assert scene.ask(times=3, name="n", now_ns=NOW) == 49.0
    assert scene.outcomes == {Outcome.RARE: 4, Outcome.MEMORY: 1, Outcome.FULL: 1}
    assert scene.ask(times=3, name="n", over_s=160, now_ns=NOW + 90 * SECOND) == 49.0
    assert scene.outcomes[Outcome.MEMORY] == 2
    scene.ask(now_ns=NOW + 90 * SECOND)
    assert scene.outcomes[Outcome.RARE] == 7
    scene.file.close()


def test_the_other_fields_are_read_along_while_half_of_the_room_is_free():
    """Else only those that are asked for."""
    for limit_bytes, outcome in ((8_000, Outcome.MEMORY), (5_000, Outcome.RARE)):
        scene = Scene(limit_bytes=limit_bytes)
        scene.store(*range(1, 50))
        scene.ask(times=3)
        scene.outcomes.clear()
        assert scene.ask(call="count(w)") is None
        assert scene.outcomes == {outcome: 1}
        scene.file.close()
