"""A plan that is remembered is the plan that would be made."""

from dataclasses import replace
from unittest.mock import Mock

import pytest

from foundation.batch import FieldType
from influxql.ast import Select
from influxql.plan import Frame, frame_select, plan_select
from influxql.standing import StandingTexts
from store.embedded import plans as plans_module
from store.embedded.plans import Plans
from store.embedded.schema import Column, Table

COLUMNS = (
    Column("h", "tag", None, "t1"),
    Column("s", "tag", None, "t2"),
    Column("v", "field", FieldType.FLOAT, "f1"),
    Column("n", "field", FieldType.INTEGER, "f2"),
)
TABLE = Table("m", "m1", COLUMNS)
SECOND = 1_000_000_000
SELECTS = [
    "SELECT v FROM m WHERE {bounds}",
    "SELECT * FROM m WHERE h = 'a' AND {bounds}",
    "SELECT mean(v), max(n) FROM m WHERE {bounds} AND s =~ /x/ GROUP BY *",
    "SELECT sum(n) / count(n) FROM m WHERE {bounds} GROUP BY time(10s), h fill(previous) ORDER BY time DESC LIMIT 3",
    "SELECT derivative(mean(v), 1s) FROM m WHERE {bounds} GROUP BY time(1m)",
    "SELECT top(v, h, 2) FROM m WHERE {bounds}",
]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Called for each plan that is really made."""
    spy = Mock(side_effect=plan_select)
    monkeypatch.setattr(plans_module, "plan_select", spy)
    return spy


def framed(texts: StandingTexts, text: str, first_s: int) -> Frame:
    """The frame of a text over ten minutes."""
    bounds = f"time >= {1_700_000_000 + first_s}000ms AND time <= {1_700_000_600 + first_s}000ms"
    (select,) = texts.parse(text.format(bounds=bounds))
    assert isinstance(select, Select)
    return frame_select(select, 1_800_000_000 * SECOND)


@pytest.mark.parametrize("text", SELECTS)
def test_a_select_that_comes_again_is_planned_once(made: Mock, text: str) -> None:
    """With other bounds it has the plan that it would have had, with its own bounds in it."""
    plans, texts = Plans(), StandingTexts()
    framed(texts, text, 0)
    for turn in range(3):
        frame = framed(texts, text, turn)
        expected = plan_select(frame, plans_module._shape_of([TABLE]))
        assert plans.plan(frame, (TABLE,)) == expected
        assert expected.bounds == frame.bounds
    assert made.call_count == 1


def test_another_shape_has_another_plan(made: Mock) -> None:
    """A column that came, another type, and no table at all are planned anew."""
    plans, texts, text = Plans(), StandingTexts(), "SELECT * FROM m WHERE {bounds}"
    wider = replace(TABLE, columns=(*COLUMNS, Column("w", "field", FieldType.BOOLEAN, "f3")))
    retyped = replace(TABLE, columns=(*COLUMNS[:-1], replace(COLUMNS[-1], type=FieldType.STRING)))
    for relations in ((TABLE,), (wider,), (retyped,), (), (TABLE, wider)):
        frame = framed(texts, text, 0)
        assert plans.plan(frame, relations) == plan_select(frame, plans_module._shape_of(relations))
    assert made.call_count == 5


@pytest.mark.parametrize("other", [{"descending": True}, {"dimensions": ()}])
def test_another_select_of_the_same_fields_has_another_plan(made: Mock, other: dict[str, object]) -> None:
    """As that of a rollup, or of a subquery in another query, which have what stands around it."""
    plans, texts = Plans(), StandingTexts()
    frame = framed(texts, "SELECT sum(v) FROM m WHERE {bounds} GROUP BY h", 0)
    changed = replace(frame, select=replace(frame.select, **other))
    for one in (frame, changed):
        assert plans.plan(one, (TABLE,)) == plan_select(one, plans_module._shape_of([TABLE]))
    assert made.call_count == 2


def test_only_so_many_are_remembered(made: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are more, all are made again; nothing is mistaken for another."""
    monkeypatch.setattr(plans_module, "_MOST_PLANS", 2)
    plans, texts = Plans(), StandingTexts()
    for turn in range(2):
        for text in SELECTS:
            frame = framed(texts, text, turn)
            assert plans.plan(frame, (TABLE,)) == plan_select(frame, plans_module._shape_of([TABLE]))
    assert made.call_count == 2 * len(SELECTS)
    assert len(plans._known) <= 2
