"""Text to tree: what is read, and where and how an error points."""

import pytest

from influxql.ast import (
    Binary,
    Call,
    CreateDatabase,
    DurationLiteral,
    Field,
    Fill,
    FillKind,
    IntegerLiteral,
    KeyFilter,
    Measurement,
    NumberLiteral,
    Paging,
    Paren,
    RegexLiteral,
    Select,
    ShowDatabases,
    ShowTagValues,
    StringLiteral,
    SubQuery,
    Unimplemented,
    VarRef,
    Wildcard,
)
from influxql.errors import ParseError
from influxql.parser import parse, parse_one

MINUTE = 60_000_000_000


def test_every_clause_of_select() -> None:
    """A SELECT with all its clauses gives each of them its place in the tree."""
    text = (
        'SELECT mean("duration ms") AS avg FROM http WHERE host =~ /a\\/b|c/ AND time >= now() - 1h30m'
        " GROUP BY time(1m, -5s), host fill(0) ORDER BY time DESC LIMIT 3 OFFSET 1 SLIMIT 2 SOFFSET 4"
        " tz('Europe/Berlin')"
    )
    since = Binary("-", Call("now"), DurationLiteral(90 * MINUTE))
    assert parse_one(text) == Select(
        fields=(Field(Call("mean", (VarRef("duration ms"),)), "avg"),),
        sources=(Measurement("http"),),
        condition=Binary(
            "AND", Binary("=~", VarRef("host"), RegexLiteral("a/b|c")), Binary(">=", VarRef("time"), since)
        ),
        dimensions=(Call("time", (DurationLiteral(MINUTE), DurationLiteral(-5_000_000_000))), VarRef("host")),
        fill=Fill(FillKind.NUMBER, 0),
        descending=True,
        paging=Paging(3, 1, 2, 4),
        zone="Europe/Berlin",
    )


def test_operators_bind_by_precedence() -> None:
    """Multiplication binds closer than addition, AND closer than OR, and equals go from left to right."""
    (field,) = parse_one("SELECT a + b * c - d FROM m").fields
    inner = Binary("+", VarRef("a"), Binary("*", VarRef("b"), VarRef("c")))
    assert field.expr == Binary("-", inner, VarRef("d"))
    condition = parse_one("SELECT a FROM m WHERE x = 1 OR y = 2 AND z = 3").condition
    assert isinstance(condition, Binary)
    assert (condition.op, condition.right) == (
        "OR",
        Binary("AND", Binary("=", VarRef("y"), IntegerLiteral(2)), Binary("=", VarRef("z"), IntegerLiteral(3))),
    )


def test_sign_belongs_to_numbers_and_multiplies_the_rest() -> None:
    """A sign before a number is part of it; before anything else it is a multiplication."""
    fields = parse_one("SELECT -2 * a, -a, -(a), +3.5 * a FROM m").fields
    assert [field.expr for field in fields] == [
        Binary("*", IntegerLiteral(-2), VarRef("a")),
        Binary("*", IntegerLiteral(-1), VarRef("a")),
        Binary("*", IntegerLiteral(-1), Paren(VarRef("a"))),
        Binary("*", NumberLiteral(3.5), VarRef("a")),
    ]


def test_sources() -> None:
    """Sources are names, regexes, names in databases and policies, and subqueries."""
    sources = parse_one('SELECT a FROM m, /^h/, rp.m, "d b"."rp".m, db..m, (SELECT b FROM n)').sources
    inner = Select((Field(VarRef("b")),), (Measurement("n"),))
    assert sources == (
        Measurement("m"),
        Measurement(regex="^h"),
        Measurement("m", policy="rp"),
        Measurement("m", database="d b", policy="rp"),
        Measurement("m", database="db"),
        SubQuery(inner),
    )


def test_words_of_either_case_and_comments() -> None:
    """Keywords and functions have no case; comments and line ends are white space."""
    expected = parse("SELECT mean(a) FROM m WHERE b = 'c'")
    assert parse("select MEAN(a) -- the mean\r\nfrom m where b /* of */ = 'c' -- end") == expected


def test_a_quote_within_a_word_begins_the_name_anew() -> None:
    """InfluxDB's reader forgets what stood before the quote, and so is it read here."""
    assert parse('SELECT mean"a" FROM m WHERE b"c" = 1') == parse("SELECT a FROM m WHERE c = 1")


def test_casts_and_wildcards() -> None:
    """A cast belongs to its reference, a wildcard may mean fields or tags alone."""
    fields = parse_one("SELECT a::tag, b::float, *::field, * FROM m").fields
    assert [field.expr for field in fields] == [VarRef("a", "tag"), VarRef("b", "float"), Wildcard("field"), Wildcard()]


def test_distinct_without_parentheses() -> None:
    """`distinct x` is the call `distinct(x)`, also within count."""
    (field,) = parse_one("SELECT count(distinct a) FROM m").fields
    assert field.expr == Call("count", (Call("distinct", (VarRef("a"),)),))


def test_several_statements() -> None:
    """Semicolons separate statements; empty ones do not count."""
    assert parse("SHOW DATABASES;; CREATE DATABASE x;") == (ShowDatabases(), CreateDatabase("x"))
    assert parse("  ") == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("WITH KEY = h", KeyFilter("=", ("h",))),
        ('WITH KEY IN ("h", r)', KeyFilter("IN", ("h", "r"))),
        ("WITH KEY =~ /h.*/", KeyFilter("=~", ("h.*",))),
        ("WITH KEY != h", KeyFilter("!=", ("h",))),
    ],
)
def test_keys_of_show_tag_values(text: str, key: KeyFilter) -> None:
    """SHOW TAG VALUES names its keys by name, list or regex."""
    (show,) = parse(f"SHOW TAG VALUES ON db FROM m {text} WHERE x = 'y' LIMIT 2")
    assert isinstance(show, ShowTagValues)
    assert (show.database, show.sources, show.key, show.paging) == ("db", (Measurement("m"),), key, Paging(2))
    assert show.condition == Binary("=", VarRef("x"), StringLiteral("y"))


# Messages and places as influxd 2.9.1 gives them.
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT v", "found EOF, expected FROM at line 1, char 10"),
        ("SELECT v\nFROM", "found EOF, expected identifier at line 2, char 6"),
        ("SELECT v FROM g where (", "found EOF, expected identifier, string, number, bool at line 1, char 24"),
        ("SELECT v FROM g FOO", "found FOO, expected ; at line 1, char 17"),
        ("SELECT v FROM g WHERE h =~ 'a'", "found a, expected regex at line 1, char 27"),
        ("SELECT mean(v FROM g", "found FROM, expected ) at line 1, char 15"),
        ("SELECT v FROM g LIMIT x", "found x, expected integer at line 1, char 23"),
        ("SELECT v FROM g ORDER BY v", "only ORDER BY time supported at this time"),
        ("SELECT mean(v) FROM g GROUP BY time(1m) fill(foo)", "expected number argument in fill()"),
        ("SELECT v FROM g tz('No/Where')", "unable to find time zone No/Where"),
        ("SELECT f * 1e3 FROM m", "invalid duration"),
        ("DELETE", "found EOF, expected FROM, WHERE at line 1, char 8"),
        ("DELETE FROM m LIMIT 1", "found LIMIT, expected ; at line 1, char 15"),
        ('DELETE FROM "db".."m"', "database not supported at line 1, char 1"),
        ("DROP MEASUREMENT", "found EOF, expected identifier at line 1, char 18"),
        ("DROP SHARD", "found EOF, expected integer at line 1, char 12"),
        ("CREATE USER", "found EOF, expected identifier at line 1, char 13"),
        ("ALTER USER", "found USER, expected RETENTION at line 1, char 7"),
        ("SHOW SHARD", "found EOF, expected GROUPS at line 1, char 12"),
        ("SET PASSWORD", "found EOF, expected FOR at line 1, char 14"),
        ("EXPLAIN", "found EOF, expected SELECT at line 1, char 9"),
        ("GRANT ALL", "found EOF, expected ON, TO at line 1, char 11"),
        ("GRANT READ TO u", "found TO, expected ON at line 1, char 12"),
        ("GRANT PRIVILEGES TO u", "found PRIVILEGES, expected READ, WRITE, ALL [PRIVILEGES] at line 1, char 7"),
        ("REVOKE ALL ON db TO u", "found TO, expected FROM at line 1, char 18"),
        (
            "KILL QUERY 99999999999999999999",
            'strconv.ParseUint: parsing "99999999999999999999": value out of range at line 1, char 12',
        ),
        ("CREATE", "found EOF, expected CONTINUOUS, DATABASE, USER, RETENTION, SUBSCRIPTION at line 1, char 8"),
        ("CREATE DATABASE x WITH", "found EOF, expected DURATION, NAME, REPLICATION, SHARD at line 1, char 24"),
        (
            "CREATE RETENTION POLICY r ON db DURATION 1d REPLICATION 0",
            "invalid value 0: must be 1 <= n <= 2147483647 at line 1, char 57",
        ),
        (
            "CREATE RETENTION POLICY r ON db DURATION 1d REPLICATION 99999999999999999999",
            'strconv.Atoi: parsing "99999999999999999999": value out of range at line 1, char 57',
        ),
        (
            "CREATE RETENTION POLICY r ON db DURATION 1d REPLICATION 1 SHARD DURATION INF",
            "invalid duration INF for shard duration at line 1, char 74",
        ),
        ("CREATE RETENTION POLICY r ON db DURATION 1x REPLICATION 1", "invalid duration at line 1, char 42"),
        (
            "ALTER RETENTION POLICY r ON db",
            "found EOF, expected DURATION, REPLICATION, SHARD, DEFAULT at line 1, char 32",
        ),
        (
            "ALTER RETENTION POLICY DEFAULT ON db DURATION INF DURATION INF",
            "found duplicate DURATION option at line 1, char 51",
        ),
        ("CREATE SUBSCRIPTION s ON db .rp DESTINATIONS ALL 'x'", "found  , expected . at line 1, char 28"),
        ("CREATE SUBSCRIPTION s ON db.rp DESTINATIONS 'x'", "found x, expected ALL, ANY at line 1, char 44"),
        (
            "CREATE CONTINUOUS QUERY c ON db BEGIN SELECT mean(f) INTO o FROM m END",
            "found m, expected GROUP BY time(...) at line 1, char 66",
        ),
        (
            "CREATE CONTINUOUS QUERY c ON db RESAMPLE BEGIN SELECT mean(f) INTO o FROM m END",
            "found BEGIN, expected EVERY, FOR at line 1, char 42",
        ),
        (
            "CREATE CONTINUOUS QUERY c ON d RESAMPLE FOR 10s BEGIN SELECT mean(f) INTO o FROM m GROUP BY time(1m) END",
            "FOR duration must be >= GROUP BY time duration: must be a minimum of 1m, got 10s",
        ),
        ("SHOW QUERIES x", "found x, expected ; at line 1, char 14"),
        ("SHOW SERIES SLIMIT 1", "found SLIMIT, expected ; at line 1, char 13"),
        ("SHOW FIELD KEYS WHERE h = 'a'", "found WHERE, expected ; at line 1, char 17"),
        ("SHOW MEASUREMENTS WITH MEASUREMENT != m", "found !=, expected =, =~ at line 1, char 36"),
        ("SHOW TAG VALUES WITH KEY < h", "found <, expected IN, =, =~ at line 1, char 26"),
        ("DROP SERIES FROM a.m", "retention policy not supported at line 1, char 1"),
        ("SELECT f FROM m /* of */ WHERE f > 0", "found  , expected regex at line 1, char 16"),
        ("SELECT f INTO p:MEASUREMENT FROM m", "found :, expected FROM at line 1, char 16"),
        ("SELECT f INTO p 1:MEASUREMENT FROM m", "found 1, expected FROM at line 1, char 17"),
        ("SELECT f FROM m,/n/", "found ,, expected regex at line 1, char 16"),
        (
            "SELECT f FROM m -- that is all\nWHERE",
            "found EOF, expected identifier, string, number, bool at line 2, char 7",
        ),
        ("SELECT f, -- and more", "found EOF, expected identifier, string, number, bool at line 1, char 23"),
        ("SELECT (f /* and more", "found ILLEGAL, expected ) at line 1, char 11"),
        ('SELECT x FROM (SELECT f FROM (SELECT f FROM "m")', "found EOF, expected ) at line 1, char 50"),
        ("SELECT x FROM (SELECT f FROM m, (SELECT f FROM b.m) ", "found EOF, expected ) at line 1, char 53"),
        ("SELECT x FROM (SELECT f FROM (SELECT f FROM m )", "found EOF, expected ) at line 1, char 48"),
        ("SELECT x FROM (SELECT f FROM (SELECT f FROM a.b.m)", "found EOF, expected ) at line 1, char 51"),
        ("SELECT x FROM (SELECT f FROM (SELECT f FROM m GROUP BY h)", "found EOF, expected ) at line 1, char 58"),
        ('SELECT f FROM m tz("UTC")', "expected string argument in tz()"),
        ("SELECT f FROM m fill (0)", "fill must be a function call"),
        ("SELECT f FROM m fill(18446744073709551615)", "expected number argument in fill()"),
        ("SELECT f FROM m WHERE time > 1us", "invalid duration"),
        (
            "SELECT f FROM m WHERE time > 9223372036854775807w",
            "overflowed duration 9223372036854775807w: choose a smaller duration or INF",
        ),
        (
            "SELECT f > 1 FROM m",
            "invalid operator > in SELECT clause at line 1, char 8; operator is intended for WHERE clause",
        ),
        ("SELECT -9223372036854775809 * f FROM m", "constant -9223372036854775809 underflows int64"),
        ("SELECT 99999999999999999999 * f FROM m", "unable to parse integer at line 1, char 8"),
        ("SELECT a.b.c.d FROM m", 'too many segments in "a"."b"."c".d at line 1, char 1'),
        ("SELECT f:: float FROM m", "found  , expected float, integer, string, boolean, field, tag at line 1, char 11"),
        (
            "SELECT f::nope FROM m",
            "found nope, expected float, integer, unsigned, string, boolean, field, tag at line 1, char 11",
        ),
        ("SELECT *::nope FROM m", "found nope, expected field, tag at line 1, char 11"),
        ("SELECT distinct,f FROM m", "found ,, expected (, identifier at line 1, char 16"),
        ("SELECT v FROM g WHERE h = 'a' ''", "found STRING, expected ; at line 1, char 30"),
        ('SELECT v FROM g ""', "found IDENT, expected ; at line 1, char 17"),
        (
            "SELECT v FROM g WHERE h = '",
            "found BADSTRING, expected identifier, string, number, bool at line 1, char 26",
        ),
        ("SELECT v FROM g WHERE h = 'a\\q'", "found \\q, expected identifier, string, number, bool at line 1, char 30"),
        ('SELECT v "w" FROM g', "found w, expected FROM at line 1, char 10"),
        ("SELECT v FROM g LIMIT $p", "found $p, expected integer at line 1, char 23"),
        ("SELECT v FROM g LIMIT 5.", "found 5, expected integer at line 1, char 23"),
        ("SELECT v FROM g <> 1", "found !=, expected ; at line 1, char 17"),
        ("SELECT v FROM g ORDER BY time,", "found EOF, expected identifier at line 1, char 31"),
        (
            "DROP FOO",
            (
                "found FOO, expected CONTINUOUS, DATABASE, MEASUREMENT, RETENTION, SERIES, SHARD, SUBSCRIPTION, USER "
                "at line 1, char 6"
            ),
        ),
        ("SHOW TAG", "found EOF, expected KEY, KEYS, VALUES at line 1, char 10"),
        ("SHOW TAG VALUES FROM g", "found EOF, expected WITH at line 1, char 24"),
        (
            "SELECT v FROM g WHERE h = 'a",
            "found a, expected identifier, string, number, bool at line 1, char 26",
        ),
    ],
)
def test_errors_say_what_and_where(text: str, message: str) -> None:
    """An error says what was found, what was expected, and the line and character, as InfluxDB does."""
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_error_carries_its_place() -> None:
    """The place is also there as numbers, so that a caret can be drawn."""
    with pytest.raises(ParseError) as caught:
        parse("SELECT v FROM g;\n  SELEC")
    assert (caught.value.line, caught.value.char) == (2, 3)
    assert caught.value.message.startswith("found SELEC, expected SELECT, ")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("show users", "SHOW USERS"),
        ("SHOW CONTINUOUS QUERIES", "SHOW CONTINUOUS QUERIES"),
        ("SHOW GRANTS FOR someone", "SHOW GRANTS"),
        ("DROP RETENTION POLICY r ON db", "DROP RETENTION POLICY"),
        ("SET PASSWORD FOR someone = 'x'", "SET PASSWORD"),
        ("GRANT ALL PRIVILEGES TO someone", "GRANT ALL"),
        ("GRANT ALL ON db TO someone", "GRANT"),
        ("KILL QUERY 1", "KILL QUERY"),
        ("SELECT f INTO other FROM m WHERE h =~ /a;b/", "SELECT INTO"),
        ("EXPLAIN ANALYZE SELECT f FROM m WHERE h =~ /a;b/", "EXPLAIN"),
    ],
)
def test_what_is_not_run_is_read(text: str, name: str) -> None:
    """A statement that InfluxDB reads and does not run is known by name, and ends where the next one begins."""
    assert parse(f"SHOW DATABASES; {text} ; SHOW DATABASES") == (
        ShowDatabases(),
        Unimplemented(name, text),
        ShowDatabases(),
    )


@pytest.mark.parametrize("text", ["SELECT v FROM g; SELECT v FROM g", "SHOW DATABASES", ""])
def test_one_select_is_exactly_one(text: str) -> None:
    """Who needs one SELECT gets an error for anything else."""
    with pytest.raises(ParseError, match="exactly one SELECT"):
        parse_one(text)


def test_nesting_has_an_end() -> None:
    """A text that nests without end is an error of the text, not of the process."""
    with pytest.raises(ParseError, match="nested too deep"):
        parse("SELECT " + "(" * 20_000 + "f" + ")" * 20_000 + " FROM m")
