"""The one pass over line protocol that every decoder ends in.

A run of lines of known shape is taken by one DFA pass and copied (or restamped by one replace) as a whole; the line
that stops the run is parsed, examined and written again. So a body without surprises never meets a Python loop.
"""

from __future__ import annotations

from collector.decode.contract import Decoded, Examiner
from collector.decode.limits import LineLimits
from collector.decode.tally import Tally
from collector.verdict import Cause, Objection, Removal
from foundation.line_protocol.grammar import Pattern, fits
from foundation.line_protocol.line import LineError
from foundation.line_protocol.parse import Point, parse_point
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import BLANK, line_end

_TIME = b"time"
_ZEROS = {Precision.NS: b"", Precision.US: b"000", Precision.MS: b"000000", Precision.S: b"000000000"}
"""What a stamp of this precision lacks; minutes and hours are no power of ten and are walked."""


class Walk:
    """One pass over one body. `stamp_ns` is for lines without a timestamp; `patience` as in Arrival."""

    def __init__(
        self,
        examiner: Examiner,
        precision: Precision,
        stamp_ns: int,
        limits: LineLimits,
        *,
        forgive_cr: bool,
        patience: int = 0,
    ) -> None:
        self._examiner = examiner
        self._precision = precision
        self._stamp = b" %d\n" % stamp_ns
        self._forgive_cr = forgive_cr
        self._patience = patience
        self._limits = limits
        self._out: list[bytes] = []
        self._lines = 0
        self._tally = Tally()
        self._suspect_until = 0

    def decode(self, body: bytes) -> Decoded:
        """Judge every line of the body."""
        text = body if body.endswith(b"\n") else body + b"\n"
        fast = fits(text)
        if fast and self._forgive_cr and b"\r\n" in text:
            body, text = self._without_cr(body, text)
        at, row, walked = 0, 1, 0
        while at < len(body) and (not self._patience or walked < self._patience):
            taken = self._take_run(text, at) if fast and at >= self._suspect_until else 0
            if taken:
                rows = text.count(b"\n", at, at + taken)
                self._lines += rows
                at, row = at + taken, row + rows
                continue
            end = line_end(body, at)
            self._take_line(body[at:end], row)
            row += 1 + body.count(b"\n", at, end)
            at = end + 1
            walked += 1
        rest = at if at < len(body) else 0
        return Decoded(b"".join(self._out), self._lines, tuple(self._tally.listed), self._tally.refused, rest)

    def _take_run(self, text: bytes, at: int) -> int:
        """Copy the run of known lines at `at`; how many bytes it had. A run that may not pass is left to be walked."""
        zeros = _ZEROS.get(self._precision)
        stamped = zeros is not None
        end = _reach(self._examiner.pattern(self._precision, stamped=True), text, at) if stamped else at
        if end == at:
            stamped = False
            end = _reach(self._examiner.pattern(self._precision, stamped=False), text, at)
        if end == at:
            return 0
        run = text[at:end]
        if not self._examiner.survey(run, self._precision, stamped=stamped):
            self._suspect_until = end
            return 0
        if not stamped:
            run = run.replace(b"\n", self._stamp)
        elif zeros:
            run = run.replace(b"\n", zeros + b"\n")
        self._out.append(run)
        return end - at

    def _take_line(self, raw: bytes, row: int) -> None:
        line = raw.removesuffix(b"\r") if self._forgive_cr else raw
        line = line.lstrip(BLANK)
        if not line or line.startswith(b"#"):
            return
        if len(line) > self._limits.most_bytes:
            self._tally.add(row, line, _over(Cause.LINE_SIZE, "bytes", len(line), self._limits.most_bytes))
            return
        try:
            point = parse_point(line, self._precision)
        except LineError as error:
            self._tally.add(row, line, Objection(Cause.SYNTAX, error.reason))
            return
        if len(point.tag_keys) > self._limits.most_tags:
            self._tally.add(row, line, _over(Cause.TAG_COUNT, "tags", len(point.tag_keys), self._limits.most_tags))
            return
        untimed = point.without_field(_TIME)
        if untimed is not point:
            self._tally.add(row, line, _stripped(point, taken=untimed is not None))
        if untimed is None:
            return
        taken = self._examiner.examine(untimed)
        if isinstance(taken, Objection):
            self._tally.add(row, line, taken)
        elif not isinstance(taken, Removal):
            self._out.append(taken or untimed.text + self._stamp_of(point))
            self._lines += 1

    def _stamp_of(self, point: Point) -> bytes:
        """What stands behind the line's fields, written as in a run."""
        zeros = _ZEROS.get(self._precision)
        if point.stamp is not None and zeros is not None:
            return b" " + point.stamp + zeros + b"\n"
        return self._stamp if point.line.time_ns is None else b" %d\n" % point.line.time_ns

    def _without_cr(self, body: bytes, text: bytes) -> tuple[bytes, bytes]:
        """The body without the CRs before its newlines, if then every line is known: no string holds a CR then."""
        bare = text.replace(b"\r\n", b"\n")
        for stamped in (True, False):
            if _reach(self._examiner.pattern(self._precision, stamped=stamped), bare, 0) == len(bare):
                return bare, bare
        return body, text


def _reach(pattern: Pattern, text: bytes, at: int) -> int:
    run = pattern.match(text, at)
    return run.end() if run else at


def _over(cause: Cause, what: str, found: int, most: int) -> Objection:
    return Objection(cause, f"a line of {found} {what}, more than the {most} that collector.limits allows")


def _stripped(point: Point, *, taken: bool) -> Objection:
    reason = f'invalid field name: input field "time" on measurement "{point.line.measurement}" is invalid'
    if not taken:
        return Objection(Cause.FIELD_NAME, reason)
    return Objection(Cause.FIELD_STRIPPED, f'{reason}. Field "time" has been stripped from point.')
