"""Tree to text: what is printed parses to an equal tree."""

from random import Random
from typing import Any, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from influxql.ast import (
    Binary,
    BooleanLiteral,
    Call,
    CreateDatabase,
    Delete,
    DropMeasurement,
    DropSeries,
    DurationLiteral,
    Expr,
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
    ShowCardinality,
    ShowDatabases,
    ShowFieldKeys,
    ShowMeasurements,
    ShowRetentionPolicies,
    ShowSeries,
    ShowTagKeys,
    ShowTagValues,
    Statement,
    StringLiteral,
    SubQuery,
    Unimplemented,
    VarRef,
    Wildcard,
)
from influxql.errors import ParseError
from influxql.parser import parse
from influxql.printer import print_statements
from tests.differential.queries import Queries
from tests.differential.schema import make_schema

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=8)
NAMES = st.one_of(
    st.sampled_from(["f", "host", "select", "a.b", 'q"uo', "with space", "ü", "b\\s"]), TEXTS.filter(bool)
)
PATTERNS = st.sampled_from(["a", "^a|b$", "a/b", "[0-9]+\\.x", "\\d"])
DURATIONS = st.integers(1, 10**15).map(DurationLiteral)
NUMBERS = st.floats(0, 1e6, allow_nan=False).map(NumberLiteral)
REFS = st.builds(VarRef, NAMES, st.sampled_from([None, None, "float", "integer", "string", "field", "tag"]))


def binaries(ops: list[str], left: st.SearchStrategy[Expr], right: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Operators over operands that need no parentheses of their own."""
    return st.builds(Binary, st.sampled_from(ops), left, right)


ATOMS: st.SearchStrategy[Expr] = st.one_of(REFS, NUMBERS, st.integers(0, 2**64 - 1).map(IntegerLiteral))
CALLS = st.builds(
    Call,
    st.sampled_from(["mean", "max", "percentile", "derivative"]),
    st.lists(st.one_of(ATOMS, DURATIONS, PATTERNS.map(RegexLiteral), st.just(Wildcard())), max_size=2).map(tuple),
)
OPERANDS: st.SearchStrategy[Expr] = st.recursive(
    st.one_of(ATOMS, CALLS), lambda inner: binaries(list("+-*/%&|^"), inner, inner).map(Paren), max_leaves=4
)
VALUES = st.one_of(OPERANDS, binaries(["*", "/"], OPERANDS, OPERANDS), st.just(Wildcard("tag")))
COMPARISONS = st.one_of(
    binaries(["=", "!=", "<", "<=", ">", ">="], OPERANDS, st.one_of(OPERANDS, TEXTS.map(StringLiteral), DURATIONS)),
    binaries(["="], REFS, st.booleans().map(BooleanLiteral)),
    binaries(["=~", "!~"], REFS, PATTERNS.map(RegexLiteral)),
)
CONDITIONS: st.SearchStrategy[Expr] = st.recursive(
    COMPARISONS, lambda inner: binaries(["AND", "OR"], inner, inner).map(Paren), max_leaves=4
)
FILLS = st.one_of(
    st.sampled_from([Fill(kind) for kind in FillKind if kind is not FillKind.NUMBER]),
    st.builds(Fill, st.just(FillKind.NUMBER), st.one_of(st.integers(-9, 9), st.floats(-9, 9, allow_nan=False))),
)
COUNTS = st.integers(0, 99)
PAGINGS = st.builds(Paging, COUNTS, COUNTS, COUNTS, COUNTS)
ROW_PAGINGS = st.builds(Paging, COUNTS, COUNTS)
PLAIN_MEASUREMENTS = st.one_of(st.builds(Measurement, NAMES), st.builds(Measurement, st.none(), PATTERNS))
MEASUREMENTS = st.one_of(
    PLAIN_MEASUREMENTS,
    st.builds(Measurement, NAMES, st.none(), st.none(), NAMES),
    st.builds(Measurement, NAMES, st.none(), NAMES, st.none() | NAMES),
)
DIMENSIONS = st.one_of(
    st.builds(VarRef, NAMES),
    st.just(Wildcard()),
    PATTERNS.map(RegexLiteral),
    st.builds(Call, st.just("time"), DURATIONS.map(lambda d: (d,))),
    st.builds(Call, st.just("time"), st.tuples(DURATIONS, DURATIONS)),
    st.builds(Call, st.just("time"), st.tuples(DURATIONS, st.builds(Call, st.just("now")))),
)


def selects(sources: st.SearchStrategy[Measurement | SubQuery]) -> st.SearchStrategy[Select]:
    return st.builds(
        Select,
        fields=st.lists(st.builds(Field, VALUES, st.none() | NAMES), min_size=1, max_size=3).map(tuple),
        sources=st.lists(sources, min_size=1, max_size=2).map(tuple),
        condition=st.none() | CONDITIONS,
        dimensions=st.lists(DIMENSIONS, max_size=2).map(tuple),
        fill=FILLS,
        descending=st.booleans(),
        paging=PAGINGS,
        zone=st.sampled_from([None, "UTC", "Europe/Berlin"]),
    )


SELECTS = selects(st.one_of(MEASUREMENTS, st.builds(SubQuery, selects(MEASUREMENTS))))
SHOW = (st.none() | NAMES, st.lists(MEASUREMENTS, max_size=2).map(tuple), st.none() | CONDITIONS, ROW_PAGINGS)
GROUPS = st.lists(DIMENSIONS, max_size=2).map(tuple)
KEYS = st.one_of(
    st.builds(KeyFilter, st.sampled_from(["=", "!="]), NAMES.map(lambda name: (name,))),
    st.builds(KeyFilter, st.just("IN"), st.lists(NAMES, min_size=1, max_size=3).map(tuple)),
    st.builds(KeyFilter, st.sampled_from(["=~", "!~"]), PATTERNS.map(lambda pattern: (pattern,))),
)
NAMED = KEYS.filter(lambda key: key.op in ("=", "=~"))
COUNTED = st.sampled_from(["SERIES", "MEASUREMENT", "TAG KEY", "FIELD KEY"])
SOME = st.lists(PLAIN_MEASUREMENTS, min_size=1, max_size=2).map(tuple)
KINDS: dict[type, st.SearchStrategy[Any]] = {
    Select: SELECTS,
    ShowFieldKeys: st.builds(ShowFieldKeys, *SHOW[:2], st.none(), ROW_PAGINGS),
    ShowSeries: st.builds(ShowSeries, *SHOW),
    ShowTagKeys: st.builds(ShowTagKeys, *SHOW[:3], PAGINGS, st.none() | KEYS),
    ShowTagValues: st.builds(ShowTagValues, *SHOW, KEYS),
    ShowMeasurements: st.one_of(
        st.builds(ShowMeasurements, SHOW[0], st.just(()), *SHOW[2:], st.none() | NAMED),
        st.builds(ShowMeasurements, NAMES | st.just("*"), st.just(()), *SHOW[2:], NAMED, NAMES | st.just("*")),
    ),
    ShowCardinality: st.one_of(
        st.builds(ShowCardinality, *SHOW, COUNTED, st.booleans(), st.none(), GROUPS),
        st.builds(ShowCardinality, *SHOW, st.just("TAG VALUES"), st.booleans(), KEYS, GROUPS),
    ),
    ShowDatabases: st.just(ShowDatabases()),
    ShowRetentionPolicies: st.builds(ShowRetentionPolicies, st.none() | NAMES),
    CreateDatabase: st.builds(CreateDatabase, NAMES),
    Delete: st.builds(Delete, SOME, st.none() | CONDITIONS) | st.builds(Delete, st.just(()), CONDITIONS),
    DropMeasurement: st.builds(DropMeasurement, NAMES),
    DropSeries: st.builds(DropSeries, SOME, st.none() | CONDITIONS) | st.builds(DropSeries, st.just(()), CONDITIONS),
    Unimplemented: st.sampled_from(
        [
            Unimplemented("SHOW USERS", "SHOW USERS"),
            Unimplemented("GRANT ALL", "GRANT ALL PRIVILEGES TO someone"),
            Unimplemented("EXPLAIN", "EXPLAIN ANALYZE SELECT f FROM m WHERE h =~ /a;b/"),
            Unimplemented("SELECT INTO", "select f into other from m"),
        ]
    ),
}
STATEMENTS = st.one_of(*KINDS.values())


@settings(max_examples=300, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=2).map(tuple))
def test_printed_statements_parse_to_themselves(statements: tuple[Select, ...]) -> None:
    """Print, parse: the tree is the same, whatever names, numbers and patterns it holds."""
    assert parse(print_statements(statements)) == statements


def test_no_kind_of_statement_is_left_out() -> None:
    """The property above is about every statement that a parser may answer."""
    assert KINDS.keys() == set(get_args(Statement))


def test_queries_as_people_write_them_mean_the_same_when_printed() -> None:
    """Text, tree, text, tree: over two thousand random queries both trees are equal, and the printed text stays."""
    read = 0
    for seed in range(20):
        random = Random(seed)  # noqa: S311 - the same queries every time
        queries = Queries(make_schema(random), random)
        for text in (queries.make() for _ in range(110)):
            try:
                tree = parse(text)
            except ParseError:
                continue
            printed = print_statements(tree)
            assert parse(printed) == tree, text
            assert print_statements(parse(printed)) == printed
            read += 1
    assert read > 2_000
