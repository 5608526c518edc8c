"""What becomes of a value whose type is not its field's: refused, converted where it says the same, or renamed."""

import pytest

from collector.check.conversion import convert
from foundation.batch import FieldType
from foundation.line_protocol.line import FieldValue, Unsigned
from tests.fakes.checks import checked
from tests.fakes.transforms import run, stored

CONFLICTS = "{field_types: {conflicts: {'c*': convert, 'r*': rename}}}"


@pytest.mark.parametrize(
    ("value", "kind", "wanted"),
    [
        (7, "float", 7.0),
        (Unsigned(7), "float", 7.0),
        ("21.5", "float", 21.5),
        ("-3", "float", -3.0),
        ("1e3", "float", 1000.0),
        ("nan", "float", None),
        ("warm", "float", None),
        ("1_000", "integer", None),
        (" 7", "integer", None),
        ("1e999", "float", None),
        ("9" * 400, "float", None),
        (True, "float", None),
        (7.0, "integer", 7),
        (7.5, "integer", None),
        (1e19, "integer", None),
        ("42", "integer", 42),
        (Unsigned(2**63), "integer", None),
        (-1, "unsigned", None),
        (3.0, "unsigned", Unsigned(3)),
        (1.5, "string", "1.5"),
        (7, "string", "7"),
        (Unsigned(7), "string", "7"),
        (True, "string", "true"),
        ("TRUE", "boolean", True),
        ("f", "boolean", False),
        ("yes", "boolean", None),
        (1, "boolean", None),
    ],
)
def test_a_value_is_converted_only_where_it_says_the_same(value: FieldValue, kind: str, wanted: FieldValue | None):
    """Nothing is rounded, guessed or cut."""
    converted = convert(value, FieldType(kind))
    assert (converted, type(converted)) == (wanted, type(wanted))


def test_conflicts_are_settled_by_measurement():
    """The pin stays; without a policy the line is refused as influxd does it."""
    pipeline = checked(CONFLICTS)
    run(pipeline, b"cpu f=1 1\nroom f=1 1\nother f=1 1\n")
    for _ in range(2):
        outcome = run(pipeline, b'cpu f=7i 2\ncpu f="x" 2\nroom f="x",g=1 2\nroom f=t 2\nother f=7i 2\n')
        assert stored(outcome) == b'cpu f=7.0 2\nroom f_string="x",g=1 2\nroom f_boolean=t 2\n'
        assert outcome.altered == {"field_types": 3}
        assert [entry.number for entry in outcome.listed] == [2, 5]
        assert outcome.refused == {"field_type": 2}


def test_a_name_that_is_taken_is_no_way_out():
    """Neither by another field of the line, nor by a pin of another type."""
    pipeline = checked(CONFLICTS)
    run(pipeline, b"room f=1 1\n")
    assert run(pipeline, b'room f="x",f_string="y" 2\n').refused == {"field_type": 1}
    run(pipeline, b"room f_string=1i 3\n")
    assert run(pipeline, b'room f="x" 4\n').refused == {"field_type": 1}


def test_the_new_name_is_pinned_too():
    """What is stored under it has one type as any other field."""
    pipeline = checked(CONFLICTS)
    run(pipeline, b'room f=1 1\nroom f="x" 2\n')
    assert run(pipeline, b"other f=1 1\nroom f_string=1 3\n").altered == {"field_types": 1}
