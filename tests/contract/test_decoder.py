"""What every decoder keeps to, whatever its protocol."""

from contextlib import suppress

import pytest

from collector.decode.catalog import build
from collector.decode.contract import Arrival, DecodeError, Decoder
from collector.decode.json_telemetry import JsonTelemetryConfig
from collector.verdict import Cause, Objection
from foundation.line_protocol.grammar import Pattern, compile_shapes
from foundation.line_protocol.parse import Point, parse_line
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import split_lines

NOW_NS = 1_700_000_000_000_000_000
GOOD = {
    "line_protocol": b"m,t=a f=1 5\nm,t=b f=2\n",
    "json_telemetry": b'[{"device": "a", "f": 1, "time": 5}, {"device": "b", "f": 2}]',
}
ONE_BAD = {
    "line_protocol": b"m f=1\nm f=\nm f=3\n",
    "json_telemetry": b'[{"f": 1}, {"f": null}, {"f": 3}]',
}


class Sceptic:
    """An examiner that knows no line beforehand and objects to fields named `evil`."""

    def covers(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        return self.pattern(precision, stamped=stamped) is text

    def may_rewrite(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        return self.pattern(precision, stamped=stamped) is text

    def changing(self, precision: Precision, *, stamped: bool) -> Pattern:
        return self.pattern(precision, stamped=stamped)

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        return compile_shapes({}, precision, stamped=stamped)

    def examine(self, point: Point) -> Objection | None:
        evil = any(key == "evil" for key, _ in point.line.fields)
        return Objection(Cause.FIELD_TYPE, "evil") if evil else None


@pytest.fixture(params=sorted(GOOD))
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return build(JsonTelemetryConfig())[request.param]


def test_a_decoder_is_listed_under_its_own_name(decoder: Decoder):
    """The catalog's key is the decoder's name."""
    assert build(JsonTelemetryConfig())[decoder.name].name == decoder.name


def test_every_line_is_stamped_and_ends_in_a_newline(decoder: Decoder):
    """What comes out is line protocol in nanoseconds, one line for each that was taken."""
    decoded = decoder.decode(Arrival(GOOD[decoder.name], NOW_NS), Sceptic())
    lines = [parse_line(line) for _, line in split_lines(decoded.body)]
    assert decoded.body.endswith(b"\n")
    assert len(lines) == decoded.lines == 2
    assert all(line.time_ns is not None for line in lines)
    assert not decoded.refused


def test_a_bad_line_is_numbered_and_the_others_are_taken(decoder: Decoder):
    """Verdicts are per line, counted from 1, with a reason."""
    decoded = decoder.decode(Arrival(ONE_BAD[decoder.name], NOW_NS), Sceptic())
    assert decoded.lines == 2
    assert [rejection.number for rejection in decoded.listed] == [2]
    assert decoded.listed[0].objection.reason
    assert decoded.refused == {Cause.SYNTAX: 1}


def test_the_examiner_has_the_last_word(decoder: Decoder):
    """A line that the examiner objects to is refused under its cause and number."""
    body = GOOD[decoder.name].replace(b"f=2", b"evil=2").replace(b'"f": 2', b'"evil": 2')
    decoded = decoder.decode(Arrival(body, NOW_NS), Sceptic())
    assert decoded.lines == 1
    assert [(r.number, r.objection) for r in decoded.listed] == [(2, Objection(Cause.FIELD_TYPE, "evil"))]


def test_the_same_body_gives_the_same_lines(decoder: Decoder):
    """A decoder keeps nothing between calls."""
    arrival = Arrival(GOOD[decoder.name], NOW_NS)
    assert decoder.decode(arrival, Sceptic()) == decoder.decode(arrival, Sceptic())


def test_bytes_of_no_protocol_are_no_crash(decoder: Decoder):
    """Whatever arrives ends in rejections or in a DecodeError."""
    for body in (b"", b"\xff\xfe\x00", b"{" * 100, b"[" * 100_000, b"null", b"[[]]", b'"a"'):
        lines = 0
        with suppress(DecodeError):
            lines = decoder.decode(Arrival(body, NOW_NS), Sceptic()).lines
        assert lines == 0
