"""Results as InfluxDB's JSON and CSV, and back."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.contract import OneRowSeries, Rows, Series, StatementResult, Value
from store.render import csv_pieces, format_time, from_json, json_pieces, to_csv, to_json

MOMENT = 1_700_000_000_123_456_789
RESULTS = (
    StatementResult(
        0,
        (
            Series("m", ("time", "mean", "s"), [[MOMENT, 1.5, "x"], [MOMENT + 1, None, ""]], {"h": "a", "r": ""}),
            Series("n", ("time", "count"), [[0, 3]]),
        ),
    ),
    StatementResult(1),
    StatementResult(2, error="undefined function nosuch()"),
)


def times(epoch: str | None, moment: int = MOMENT, zone: str | None = None) -> object:
    """How one moment is shown."""
    answer = orjson.loads(to_json((StatementResult(0, (Series("m", ("time",), [[moment]]),), zone=zone),), epoch=epoch))
    return answer["results"][0]["series"][0]["values"][0][0]


def test_json_has_influxdbs_form() -> None:
    """Names, tags, columns, values and errors stand where InfluxDB puts them; empty parts are left out."""
    assert orjson.loads(to_json(RESULTS, epoch="ns")) == {
        "results": [
            {
                "statement_id": 0,
                "series": [
                    {
                        "name": "m",
                        "tags": {"h": "a", "r": ""},
                        "columns": ["time", "mean", "s"],
                        "values": [[MOMENT, 1.5, "x"], [MOMENT + 1, None, ""]],
                    },
                    {"name": "n", "columns": ["time", "count"], "values": [[0, 3]]},
                ],
            },
            {"statement_id": 1},
            {"statement_id": 2, "error": "undefined function nosuch()"},
        ]
    }


def test_series_without_a_name() -> None:
    """A series without a name or rows, as SHOW RETENTION POLICIES of no database has, shows neither."""
    result = StatementResult(0, (Series("", ("name",), []),))
    assert orjson.loads(to_json((result,), epoch=None)) == {
        "results": [{"statement_id": 0, "series": [{"columns": ["name"]}]}]
    }


def test_nothing_asked() -> None:
    """A query without statements has no results at all."""
    assert to_json((), epoch=None) == b"{}\n"


@pytest.mark.parametrize(
    ("epoch", "shown"),
    [
        ("ns", MOMENT),
        ("u", 1_700_000_000_123_456),
        ("µ", MOMENT),
        ("ms", 1_700_000_000_123),
        ("s", 1_700_000_000),
        ("m", 28_333_333),
        ("h", 472_222),
        ("fortnight", MOMENT),
        (None, "2023-11-14T22:13:20.123456789Z"),
    ],
)
def test_epoch_cuts_to_whole_units(epoch: str | None, shown: object) -> None:
    """Each unit cuts to whole ones, an unknown unit means nanoseconds, none means RFC 3339."""
    assert times(epoch) == shown


def test_moments_before_1970_are_cut_towards_it() -> None:
    """Cutting goes towards zero, as InfluxDB's division does."""
    assert times("s", -1_500_000_000) == -1


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (70_000_000_000, "1970-01-01T00:01:10Z"),
        (70_500_000_000, "1970-01-01T00:01:10.5Z"),
        (70_000_000_001, "1970-01-01T00:01:10.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_rfc_3339_has_only_the_digits_it_needs(moment: int, shown: str) -> None:
    """Fractions are as long as they must be."""
    assert format_time(moment) == shown


def test_zone_of_the_statement() -> None:
    """tz() changes how RFC 3339 times are written, not epoch times."""
    assert times(None, 0, "Europe/Berlin") == "1970-01-01T01:00:00+01:00"
    assert times("s", 0, "Europe/Berlin") == 0


def test_json_comes_back() -> None:
    """What was written with epoch=ns reads back to the same values, integers beyond 2^53 included."""
    exact = StatementResult(0, (Series("m", ("time", "u"), [[1, 2**64 - 1]]),))
    assert from_json(to_json((*RESULTS, exact), epoch="ns"))[:3] == RESULTS
    assert from_json(to_json((exact,), epoch="ns")) == (exact,)
    assert from_json(to_json(RESULTS, epoch="ns", pretty=True)) == RESULTS
    assert from_json(b"{}") == ()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error": "shard is disabled"}', "shard is disabled"),
        (b'{"results": [{"statement_id": 0, "series": [{"columns": ["time"], "partial": true}]}]}', "cut the answer"),
        (b'{"results": [{"statement_id": 0, "partial": true}]}', "cut the answer"),
    ],
)
def test_less_than_all_is_an_error(body: bytes, told: str) -> None:
    """An answer that says that it failed, or that rows are missing, does not pass for all there is."""
    (result,) = from_json(body)
    assert told in (result.error or "")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"results": 5}'])
def test_what_is_not_influxdbs_json(body: bytes) -> None:
    """Anything else is a ValueError, never an empty answer."""
    with pytest.raises(ValueError, match=r".+"):
        from_json(body)


def test_pieces_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """However an answer is cut, its pieces say together what one JSON document and one CSV file would."""
    whole = [to_json(RESULTS, epoch="ms"), to_csv(RESULTS, epoch="ms")]
    for rows in (1, 2, 3):
        monkeypatch.setattr("store.render._PIECE_ROWS", rows)
        pieces = [list(json_pieces(RESULTS, epoch="ms")), list(csv_pieces(RESULTS, epoch="ms"))]
        assert [b"".join(one) for one in pieces] == whole
        assert len(pieces[1]) > 3 - rows


def test_csv() -> None:
    """CSV has a header for each set of columns, the tags as one cell, nothing for null."""
    assert to_csv(RESULTS[:2], epoch="s").decode().splitlines() == [
        "name,tags,time,mean,s",
        'm,"h=a,r=",1700000000,1.5,x',
        'm,"h=a,r=",1700000000,,',
        "",
        "name,tags,time,count",
        "n,,0,3",
    ]


def test_a_whole_float_is_written_as_influxdb_writes_it() -> None:
    """`1`, not `1.0`, so that a client sees the same type whichever store answers; what is not whole stays as it is."""
    series = Series("m", ("time", "v"), [[0, 1.0], [1, 1.5], [2, -3.0], [3, 1e300], [4, True], [5, None]])

    body = to_json((StatementResult(0, (series,)),), epoch="ns")

    assert b'"values":[[0,1],[1,1.5],[2,-3],[3,1e+300],[4,true],[5,null]]' in body


def test_rows_kept_as_columns_look_the_same() -> None:
    """Whether rows or columns are kept is no matter to whoever reads them, nor is where they are cut."""
    times, values = [MOMENT + number for number in range(7_000)], [None, 2.0, 0.5] * 2_333 + [7.0]
    rows, columns = [list(row) for row in zip(times, values, strict=True)], Rows([times, values])
    assert columns == rows
    assert columns[5_000:][0] == columns[5_000] == rows[5_000]
    made = [(StatementResult(0, (Series("m", ("time", "v"), kept, {"h": "a"}),)),) for kept in (rows, columns)]
    for show in (to_json, to_csv):
        assert show(made[0], epoch="ms") == show(made[1], epoch="ms")


@pytest.mark.parametrize("epoch", [None, "ns", "u", "ms", "s"])
@pytest.mark.parametrize(
    "moments",
    [
        range(1_700_000_000_000_000_000, 1_700_000_050_000_000_000, 10_000_000_000),
        range(20_000_000_000, -30_000_000_000, -10_000_000_000),
        range(1_500_000_000, 9_000_000_000, 1_500_000_000),
        range(-7_500_000, 7_500_000, 2_500_000),
    ],
)
def test_times_that_follow_each_other_are_shown_as_others_are(epoch: str | None, moments: range) -> None:
    """Windows of time, forwards and backwards, around 1970, of whole units and of parts of them."""
    plain = Series("m", ("time", "v"), [[moment, 1] for moment in moments])
    as_columns = Series("m", ("time", "v"), Rows([moments, [1] * len(moments)]))
    for show in (to_json, to_csv):
        assert show([StatementResult(0, (as_columns,))], epoch=epoch) == show(
            [StatementResult(0, (plain,))], epoch=epoch
        )


@pytest.mark.parametrize("dimensions", [(), ("h", "s")])
@pytest.mark.parametrize("epoch", [None, "ms"])
def test_series_of_one_row_look_the_same(
    dimensions: tuple[str, ...], epoch: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are kept one by one or together is no matter, nor is how many are shown at once."""
    groups = [tuple(f"{key}{number}" for key in dimensions) for number in range(5)]
    values = [[MOMENT + number for number in range(5)], [1.0, None, 0.5, -2.0, 3.0], ["a", "b", None, "d", ""]]
    together = OneRowSeries("m", ("time", "v", "t"), dimensions, groups, values)
    alone = to_json((StatementResult(0, list(together)),), epoch=epoch)
    assert to_json((StatementResult(0, together),), epoch=epoch) == alone
    for rows in (1, 2, 5):
        monkeypatch.setattr("store.render._PIECE_ROWS", rows)
        assert b"".join(json_pieces((StatementResult(0, together),), epoch=epoch)) == alone


def test_each_series_has_its_own_times() -> None:
    """Times that several series share are shown once, and those of others beside them are not mixed up with them."""
    shared, own = [MOMENT, MOMENT + 1_000_000], [0, 5_000_000]
    kept = [Rows([times, [1, 2]]) for times in (shared, shared, own, shared)]
    series = [Series("m", ("time", "v"), one, {"h": str(number)}) for number, one in enumerate(kept)]
    found = orjson.loads(to_json((StatementResult(0, series),), epoch="ms"))["results"][0]["series"]
    assert [[row[0] for row in one["values"]] for one in found] == [
        [1_700_000_000_123, 1_700_000_000_124],
        [1_700_000_000_123, 1_700_000_000_124],
        [0, 5],
        [1_700_000_000_123, 1_700_000_000_124],
    ]


NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.integers(-1_000, 1_000).map(float),
    st.sampled_from([0.0, -0.0, 1e15, 1e16, -1e16, 2.0**63, 0.05, -0.05, 10.0, 100.05, 1e-7]),
)


@given(st.lists(st.tuples(st.integers(-(10**18), 10**18), NUMBERS, NUMBERS | st.sampled_from(["", "1.0,", "e"]))))
def test_numbers_have_one_text(rows: list[tuple[int, Value, Value]]) -> None:
    """Whatever numbers, texts and gaps stand beside each other: the short form says the same as the long one."""
    result = StatementResult(0, (Series("m", ("time", "v", "w"), [list(row) for row in rows], {"h": "1.0,"}),))
    for epoch in ("ns", None):
        long = orjson.loads(to_json((result,), epoch=epoch, pretty=True))
        assert to_json((result,), epoch=epoch) == orjson.dumps(long) + b"\n"
