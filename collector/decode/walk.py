"""The one pass over line protocol that every decoder ends in.

A run of lines of known shape is taken by one DFA pass and copied (or restamped by one replace) as a whole; the line
that stops the run is parsed, examined and written again. So a body without surprises never meets a Python loop.
"""

from __future__ import annotations

from typing import Protocol

from collector.decode.contract import Decoded, Examiner
from collector.decode.limits import LineLimits
from collector.decode.tally import Tally
from collector.verdict import NOTHING, Cause, Objection, Removal
from foundation.line_protocol.grammar import Pattern, fits
from foundation.line_protocol.line import LineError
from foundation.line_protocol.parse import Point, parse_point
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import BLANK, line_end

_TIME = b"time"
_ZEROS = {Precision.NS: b"", Precision.US: b"000", Precision.MS: b"000000", Precision.S: b"000000000"}
"""What a stamp of this precision lacks; minutes and hours are no power of ten and are walked."""


class Covering(Protocol):
    """Who knows shapes."""

    def covers(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the whole text is lines of known shape, all of them with a timestamp or all without."""


_WINDOW = 64 << 10
"""Bytes of lines to change that are looked at in one turn, where turns are taken."""
_REWRITTEN_LIKE_ONE = 20
"""Lines rewritten in the time of one that is walked."""
SHORT_BODY = 4_096
"""Bytes up to which `take_known` is worth a try: what it looks at in vain is looked at again."""


class PatternOf(Protocol):
    """A question about known lines of one kind."""

    def __call__(self, precision: Precision, /, *, stamped: bool) -> Pattern | None:
        """The pattern that matches them."""


class Walk:
    """One pass over one body. `stamp_ns` is for lines without a timestamp; `patience` as in Arrival.

    `at` and `row` say where it stopped: the offset behind the last line judged, and the number of the next row.
    """

    def __init__(
        self,
        examiner: Examiner,
        precision: Precision,
        stamp_ns: int,
        limits: LineLimits,
        *,
        forgive_cr: bool,
        patience: int = 0,
        row: int = 1,
    ) -> None:
        self.at = 0
        self.row = row
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
        self._zeros = _ZEROS.get(precision)

    def decode(self, body: bytes) -> Decoded:
        """Judge every line of the body."""
        text = body if body.endswith(b"\n") else body + b"\n"
        fast = fits(text)
        if fast and self._forgive_cr and b"\r\n" in text:
            body, text = self._without_cr(body, text)
        at, row, walked = 0, self.row, 0
        while at < len(body) and (not self._patience or walked < self._patience):
            taken = self._take_run(text, at) if fast and at >= self._suspect_until else 0
            if taken:
                rows = text.count(b"\n", at, at + taken)
                self._lines += rows
                at, row = at + taken, row + rows
                continue
            changed = self._change_run(text, at, row, self._patience - walked) if fast else None
            if changed is not None:
                taken, rows, spent = changed
                at, row, walked = at + taken, row + rows, walked + spent
                continue
            end = line_end(body, at)
            self._take_line(body[at:end], row)
            row += 1 + body.count(b"\n", at, end)
            at = end + 1
            walked += 1
        self.at, self.row = at, row
        return Decoded(b"".join(self._out), self._lines, tuple(self._tally.listed), self._tally.refused)

    def _take_run(self, text: bytes, at: int) -> int:
        """Copy the run of known lines at `at`; how many bytes it had. A run that may not pass is left to be walked."""
        end, stamped = self._reach_known(self._examiner.pattern, text, at, len(text))
        if end == at:
            return 0
        run = text[at:end]
        if not self._examiner.survey(run, self._precision, stamped=stamped):
            self._suspect_until = end
            return 0
        self._put(run, stamped=stamped)
        return end - at

    def _reach_known(self, pattern_of: PatternOf, text: bytes, at: int, until: int) -> tuple[int, bool]:
        """Where the run at `at` ends, `at` itself if there is none, and whether its lines have timestamps."""
        for stamped in (True, False) if self._zeros is not None else (False,):
            pattern = pattern_of(self._precision, stamped=stamped)
            end = at if pattern is None else _reach(pattern, text, at, until)
            if end > at:
                return end, stamped
        return at, False

    def _put(self, run: bytes, *, stamped: bool) -> None:
        if not stamped:
            run = run.replace(b"\n", self._stamp)
        elif self._zeros:
            run = run.replace(b"\n", self._zeros + b"\n")
        self._out.append(run)

    def _change_run(self, text: bytes, at: int, row: int, patience: int) -> tuple[int, int, int] | None:
        """Take the run at `at` of lines that are changed in a known way: its (bytes, rows, patience spent), or None.

        Those of them that have to be examined are walked, in their order.
        """
        until = min(len(text), at + _WINDOW) if self._patience else len(text)
        end, stamped = self._reach_known(self._examiner.changing, text, at, until)
        if end == at:
            return None
        lines = text[at : end - 1].split(b"\n")
        done = spent = 0
        while done < len(lines) and (not self._patience or spent < patience):
            some = self._examiner.rewrite(lines, done, self._precision, stamped=stamped)
            if some.taken and some.text is not None:
                self._put(some.text, stamped=stamped)
                self._lines += some.lines
                done += some.taken
                spent += 1 + some.taken // _REWRITTEN_LIKE_ONE
                continue
            for line in lines[done : done + max(some.taken, 1)]:
                self._take_line(line, row + done)
                done += 1
                spent += 1
        return sum(map(len, lines[:done])) + done, done, spent

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
            self._lines += 1
            text = untimed.text if taken is None else taken.text
            time_ns = None if taken is None else taken.time_ns
            self._out.append(text + (self._stamp_of(point) if time_ns is None else b" %d\n" % time_ns))

    def _stamp_of(self, point: Point) -> bytes:
        """What stands behind the line's fields, written as in a run."""
        if point.stamp is not None and self._zeros is not None:
            return b" " + point.stamp + self._zeros + b"\n"
        return self._stamp if point.line.time_ns is None else b" %d\n" % point.line.time_ns

    def _without_cr(self, body: bytes, text: bytes) -> tuple[bytes, bytes]:
        """The body without the CRs before its newlines, if then every line is known: no string holds a CR then."""
        bare = text.replace(b"\r\n", b"\n")
        for stamped in (True, False):
            if _reach(self._examiner.pattern(self._precision, stamped=stamped), bare, 0, len(bare)) == len(bare):
                return bare, bare
        return body, text


def take_known(text: bytes, precision: Precision, book: Covering, stamp_ns: int | None) -> bytes | None:
    """Line protocol (ns timestamps) made of a text that ends in a newline, if every line of it is of known shape.

    Either all lines have a timestamp, or none has and `stamp_ns` is theirs; None for any other text.
    """
    if not fits(text):
        return None
    zeros = b"" if precision is Precision.NS else _ZEROS.get(precision)
    if zeros is not None and book.covers(text, precision, stamped=True):
        return text.replace(b"\n", zeros + b"\n") if zeros else text
    if stamp_ns is not None and book.covers(text, precision, stamped=False):
        return text.replace(b"\n", b" %d\n" % stamp_ns)
    return None


def rewrite_known(text: bytes, precision: Precision, examiner: Examiner, stamp_ns: int) -> Decoded | None:
    """A single line with its newline that is changed in a known way; None for any other text."""
    if text.find(b"\n") < len(text) - 1 or not fits(text):
        return None
    zeros = _ZEROS.get(precision)
    stamped = zeros is not None and examiner.may_rewrite(text, precision, stamped=True)
    if not stamped and not examiner.may_rewrite(text, precision, stamped=False):
        return None
    some = examiner.rewrite([text[:-1]], 0, precision, stamped=stamped)
    if some.text is None or not some.taken:
        return None
    end = (zeros or b"") + b"\n" if stamped else b" %d\n" % stamp_ns
    return Decoded(some.text.replace(b"\n", end), some.lines, (), NOTHING)


def _reach(pattern: Pattern, text: bytes, at: int, until: int) -> int:
    run = pattern.match(text, at, until)
    return run.end() if run else at


def _over(cause: Cause, what: str, found: int, most: int) -> Objection:
    return Objection(cause, f"a line of {found} {what}, more than the {most} that collector.limits allows")


def _stripped(point: Point, *, taken: bool) -> Objection:
    reason = f'invalid field name: input field "time" on measurement "{point.line.measurement}" is invalid'
    if not taken:
        return Objection(Cause.FIELD_NAME, reason)
    return Objection(Cause.FIELD_STRIPPED, f'{reason}. Field "time" has been stripped from point.')
