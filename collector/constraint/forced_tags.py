"""Tags that a token forces: a device cannot claim another's id, and need not say its own.

A line without the tag gets it, a line with its value passes, one with another value is refused. Lines that carry all of
them stay on the fast path: a survey looks at the heads of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.check.memoryless import Memoryless
from collector.check.run import Run
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.line_protocol.encode import encode_head
from foundation.line_protocol.line import Line, LineError
from foundation.line_protocol.parse import parse_point


class ForcedTags(Memoryless):
    """Learns nothing, so it is its own Checking."""

    name = "forced_tag"
    surveys = True

    def __init__(self, tags: Mapping[str, str], token: str) -> None:
        self._tags = tags
        self._token = token
        self._written = [encode_head("m", {tag: value})[1:] for tag, value in tags.items()]
        self._countable = not any(_may_be_field(written) for written in self._written)

    def begin(self, origin: Origin) -> ForcedTags:  # noqa: ARG002 - the same for every body
        """Nothing to begin."""
        return self

    def judge(self, line: Line) -> Ruling:
        """The line with the tags that it lacks; or why not, naming the tag."""
        there = dict(line.tags)
        for tag, value in self._tags.items():
            found = there.setdefault(tag, value)
            if found != value:
                whose = f'token "{self._token}" writes "{value}" alone'
                return Objection(Cause.FORCED_TAG, f'tag "{tag}" is "{found}": {whose}')
        return None if len(there) == len(line.tags) else replace(line, tags=tuple(there.items()))

    def settles(self, line: Line) -> bool:
        """Whether lines of its shape carry the tags; with which values, a survey tells."""
        return self._tags.keys() <= {tag for tag, _ in line.tags}

    def survey(self, run: Run) -> bool:
        """Whether every line of the run carries the tags with their values."""
        text = run.text
        if not self._countable or b'"' in text or b"\\" in text:
            return all(map(self._carries, run.heads))
        lines = text.count(b"\n")  # and a line has a tag once: this is four times as fast as to look at each head
        return all(text.count(one + b",") + text.count(one + b" ") == lines for one in self._written)

    def commit(self) -> None:
        """Nothing was learnt."""

    def _carries(self, head: bytes) -> bool:
        if b"\\" in head:  # a comma may be part of a value: `t=a\,device=d7` is no tag named device
            return self.judge(parse_point(head + b" f=0").line) is None
        closed = head + b","
        return all(written + b"," in closed for written in self._written)


def _may_be_field(written: bytes) -> bool:
    """Whether `,key=value` may also stand among fields, as `,device=7` may: nothing but a number or a truth can."""
    try:
        parse_point(b"m f=0" + written)
    except LineError:
        return False
    return True
