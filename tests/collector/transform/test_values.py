"""Tags added, units converted, values hashed and derived."""

import hashlib
import hmac

import pytest

from foundation.errors import ConfigError
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.split import split_lines
from tests.fakes.transforms import made, pipeline_of, run, stored, transforms_of

KEY = "correct horse battery staple"


def value(text: str, line: bytes, key: str) -> object:
    """The field's value behind the transform."""
    return dict(parse_line(made(text, line).rstrip(b"\n")).fields)[key]


def test_a_tag_is_added_where_it_is_missing():
    """What the sender says itself stays, unless it is to be overwritten."""
    body = b"m,host=a f=1 1\nm,host=a,site=rome f=1 2\n"
    assert made("[{kind: add_tag, tag: site, value: berlin}]", body) == (
        b"m,host=a,site=berlin f=1 1\nm,host=a,site=rome f=1 2\n"
    )
    assert made("[{kind: add_tag, tag: site, value: berlin, overwrite: true}]", body) == (
        b"m,host=a,site=berlin f=1 1\nm,host=a,site=berlin f=1 2\n"
    )


@pytest.mark.parametrize(
    ("units", "given", "wanted"),
    [
        ("from: f, to: c", b"212", 100.0),
        ("from: c, to: f", b"-40i", -40.0),
        ("from: k, to: c", b"0", -273.15),
        ("from: ms, to: s", b"20i", 0.02),
        ("from: min, to: h", b"90u", 1.5),
        ("from: mib, to: byte", b"1.5", 1_572_864.0),
        ("from: kmh, to: mps", b"36", 10.0),
        ("from: bit, to: kb", b"8000", 1.0),
        ("from: ratio, to: percent", b"0.07", 7.0),
        ("factor: 0.1, offset: -4", b"43", 0.3),
    ],
)
def test_units_are_converted_exactly(units: str, given: bytes, wanted: float):
    """The result is the float nearest to the true one, never 0.30000000000000004."""
    assert value(f"[{{kind: convert_unit, field: x, {units}, to_field: y}}]", b"m x=" + given + b" 1\n", "y") == wanted


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        (",unit=bar", (("hpa",), 2000.0)),
        (",unit=KPA", (("hpa",), 20.0)),
        (",unit=hpa", (("hpa",), 2.0)),
        ("", ((), 0.02)),
    ],
)
def test_a_unit_may_be_told_by_a_tag(tag: str, wanted: tuple[tuple[str, ...], float]):
    """The tag says the unit of what is stored then; a line without it has the usual one."""
    body = f"tank{tag} x=2 1\n".encode()
    line = parse_line(made("[{kind: convert_unit, field: x, from_tag: unit, from: pa, to: hpa}]", body).rstrip(b"\n"))
    assert (tuple(value for _, value in line.tags), line.fields) == (wanted[0], (("x", wanted[1]),))


def test_a_unit_that_measures_something_else_is_refused():
    """The answer names it; a line that tells no unit stays as it is where none is usual."""
    pipeline = pipeline_of("[{kind: convert_unit, field: x, from_tag: unit, to: c}]")
    for _ in range(2):
        outcome = run(pipeline, "m,unit=°F x=212i 1\nm,unit=bar x=1 2\nm x=7i 3\nm,unit=F y=1 4\n".encode())
        assert stored(outcome) == b"m,unit=c x=100.0 1\nm,unit=F y=1 4\n"
        reasons = [one.objection.reason for one in outcome.listed]
        assert 'tag "unit" is "bar", which is no unit that can be converted to c' in reasons[0]
        assert "already exists as type float" in reasons[1]


def test_what_cannot_be_converted_is_refused():
    """A text has no unit; a result that no float holds, or a name that is taken, is no value."""
    for text, line in (
        ("[{kind: convert_unit, field: x, factor: 2}]", b'm x="7" 1\n'),
        ("[{kind: convert_unit, field: x, factor: 1.0e+300}]", b"m x=1e300 1\n"),
        ("[{kind: convert_unit, field: x, factor: 2, to_field: y}]", b"m x=1,y=2 1\n"),
    ):
        assert run(pipeline_of(text), line).refused == {"transform": 1}


def test_types_are_pinned_behind_the_conversion():
    """An integer that became a float is a float to the schema guard, so senders of both get along."""
    outcome = run(pipeline_of("[{kind: convert_unit, field: x, from: ms, to: s}]"), b"m x=1i 1\nm x=1.5 2\n")
    assert outcome.accepted == 2


def test_a_hash_is_keyed_and_the_same_for_the_same_value():
    """HMAC-SHA256 under the key; other keys of the line stay."""
    wanted = hmac.new(KEY.encode(), b"ann@example.org", hashlib.sha256).hexdigest()[:16].encode()
    text = f"[{{kind: hash, key: {KEY}, tags: [user], fields: [mail, number], length: 16}}]"
    assert made(text, b'm,user=ann@example.org,x=1 mail="ann@example.org",f=1 1\n') == (
        b"m,user=" + wanted + b',x=1 mail="' + wanted + b'",f=1 1\n'
    )
    number = hmac.new(KEY.encode(), b"7i", hashlib.sha256).hexdigest()[:16]
    assert value(text, b"m number=7i 1\n", "number") == number


@pytest.mark.parametrize(
    ("how", "given", "wanted"),
    [
        ("", "ann", "***"),
        ("text: gone", "ann", "gone"),
        ("keep_last: 4", "4111111111111234", "***1234"),
        ("keep_first: 2, keep_last: 1, text: ..", "123456", "12..6"),
        ("keep_first: 2, keep_last: 1", "12345", "***"),
        ("keep_first: 1", "ü\u20ac\U0001f600", "ü***"),
        ("keep_first: 3", "a b c d", "a b***"),
    ],
)
def test_a_mask_leaves_at_most_the_half_of_a_value(how: str, given: str, wanted: str):
    """The first and last characters stay if asked for; of a short value nothing does."""
    text = f"[{{kind: mask, tags: [user], fields: [card], {how}}}]"
    tag = given.replace(" ", "\\ ")
    (line,) = split_lines(made(text, f'm,user={tag},x=1 card="{given}",f=1 1\n'.encode()))
    parsed = parse_line(line[1])
    assert parsed.tags == (("user", wanted), ("x", "1"))
    assert parsed.fields == (("card", wanted), ("f", 1.0))


def test_a_masked_number_is_a_text():
    """It is masked as it is written."""
    assert value("[{kind: mask, fields: [card], keep_last: 2}]", b"m card=4111i 1\n", "card") == "***1i"


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("text: x", "mask what"),
        ("tags: [a], text: ''", "`text` is empty"),
        ("tags: [a], text: ',x'", "starts with a comma"),
        ('tags: [a], text: "x\\\\"', "`text`: the value of a tag"),
        ("tags: [a], keep_first: -1", "0 or more"),
    ],
)
def test_a_mask_that_could_not_be_written_is_refused(how: str, words: str):
    """When the configuration is read, with what is wrong."""
    with pytest.raises(ConfigError, match=words):
        transforms_of(f"[{{kind: mask, {how}}}]")


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("used / (used + free) * 100", 25.0),
        ("-used ** 2 + 2", 2.0 - 9.0),
        ("'two words' % 4 + max(used, free, 1)", 10.0),
        ("round(free / 7, 2)", 1.29),
        ("sqrt(free) + abs(-used) + floor(1.5) + ceil(1.5) + min(1, 2)", 3 + 3 + 1 + 2 + 1),
        ("log(free, 3) + exp(0 * used)", 3.0),
    ],
)
def test_a_field_is_derived(expression: str, wanted: float):
    """The usual arithmetic, with Python's precedence."""
    line = b"m used=3i,free=9,two\\ words=5u 1\n"
    assert value(f'[{{kind: derive, field: d, expression: "{expression}"}}]', line, "d") == pytest.approx(wanted)


@pytest.mark.parametrize("line", [b"m a=1 1\n", b'm a=1,b="x" 1\n', b"m a=1,b=0 1\n", b"m a=1e308,b=1e-9 1\n"])
def test_without_a_result_the_line_is_left_alone(line: bytes):
    """A missing field, a text, a division by zero or an overflow derives nothing and loses nothing."""
    assert made("[{kind: derive, field: d, expression: a / b}]", line) == line


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "a.b",
        "a[0]",
        "(lambda: a)()",
        "a if a else 1",
        "a < 1",
        "True + a",
        "f'{a}'",
        "max(*a)",
        "round(a, digits=1)",
        "sqrt(a, a)",
        "1 + 2",
        "a +",
        "a" + "+1" * 400,
        "(" * 300 + "a" + ")" * 300,
        "a + 1" + "0" * 400,
        "-" * 100 + "a",
    ],
)
def test_nothing_but_arithmetic_is_an_expression(expression: str):
    """There is no way from an expression to Python, to the machine or to endless work."""
    with pytest.raises(ConfigError):
        transforms_of(f'[{{kind: derive, field: d, expression: "{expression}"}}]')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{kind: add_tag, tag: time, value: x}]", "reserved"),
        ("[{kind: add_tag, tag: a, value: ''}]", "empty"),
        ("[{kind: convert_unit, field: x, from: f, to: s}]", "measures temperature"),
        ("[{kind: convert_unit, field: x, from: f}]", "`to` is no unit"),
        ("[{kind: convert_unit, field: x}]", "either"),
        ("[{kind: convert_unit, field: x, from: f, to: c, factor: 2}]", "either"),
        ("[{kind: hash, key: sixteen bytes or more}]", "hash what"),
        ("[{kind: hash, key: short, tags: [a]}]", "openssl rand"),
        ("[{kind: hash, key: sixteen bytes or more, tags: [a], length: 4}]", "digits"),
        ("[{kind: derive, field: time, expression: a}]", '"time"'),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str):
    """A configuration error says what to mend, and never the key."""
    with pytest.raises(ConfigError, match=words) as caught:
        transforms_of(text)
    assert "short" not in str(caught.value)


def test_a_key_is_never_shown():
    """Neither the configuration nor the transform tells it."""
    (transform,) = transforms_of(f"[{{kind: hash, key: {KEY}, tags: [a]}}]")
    assert KEY not in repr(vars(transform))
