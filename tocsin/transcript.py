"""How `tocsin tail` writes down what it follows: lines as they are, coloured on a terminal, or as JSON for programs."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console as Terminal
from rich.text import Text

from foundation.line_protocol.line import LineError
from foundation.line_protocol.parse import parse_line

_HEAD = re.compile(r"((?:[^\\, ]|\\.)*)((?:[^\\ ]|\\.)*)(.*)", re.DOTALL)
_DRIVING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would drive the terminal instead of standing on it: lines come from strangers."""


class Transcript(Protocol):
    """Where everything that is followed goes, in order."""

    def line(self, line: str, bucket: str, source: str) -> None:
        """A line that was taken."""

    def rejected(self, said: Mapping[str, str], bucket: str, source: str) -> None:
        """A line that was refused: `said` has `cause` and `reason`, and `line` or `line_base64`."""

    def skipped(self, lines: int) -> None:
        """Lines that came faster than they could be shown."""


class PlainTranscript:
    """The lines alone, byte for byte; what else there is to say goes to standard error."""

    def line(self, line: str, bucket: str, source: str) -> None:  # noqa: ARG002 - the lines alone
        """A line that was taken."""
        sys.stdout.buffer.write(line.encode() + b"\n")

    def rejected(self, said: Mapping[str, str], bucket: str, source: str) -> None:
        """A line that was refused, as a comment, so that what is written stays line protocol."""
        reason = f"# refused ({said['cause']}) from {source} for {bucket}: {said['reason']}: "
        rows = _raw(said).replace(b"\n", b"\\n")
        sys.stdout.buffer.write(reason.replace("\n", " ").encode() + rows + b"\n")

    def skipped(self, lines: int) -> None:
        """Lines that came faster than they could be shown."""
        print(f"tocsin tail: {lines} lines skipped, they come too fast to be shown", file=sys.stderr)


class ColouredTranscript:
    """For eyes: the parts of a line are told apart, who sent it stands behind it, and nothing drives the terminal."""

    def __init__(self) -> None:
        self._terminal = Terminal(markup=False, highlight=False, soft_wrap=True)

    def line(self, line: str, bucket: str, source: str) -> None:
        """A line that was taken."""
        shown = Text()
        if head := _HEAD.fullmatch(_tame(line)):
            fields, _, stamp = head[3].rpartition(" ")
            parts = ((head[1], "bold"), (head[2], "cyan"), (fields, ""), (f" {stamp}", "dim"))
            for part, style in parts:
                shown.append(part, style)
        shown.append(_tame(f"  # {bucket} {source}"), "dim")
        self._terminal.print(shown)

    def rejected(self, said: Mapping[str, str], bucket: str, source: str) -> None:
        """A line that was refused: the reason below it."""
        line = _tame(_raw(said).decode("utf-8", "backslashreplace"))
        shown = Text(line, "red").append(_tame(f"  # {bucket} {source}"), "dim")
        self._terminal.print(shown.append(_tame(f"\n  refused ({said['cause']}): {said['reason']}"), "yellow"))

    def skipped(self, lines: int) -> None:
        """Lines that came faster than they could be shown."""
        self._terminal.print(Text(f"# {lines} lines skipped, they come too fast to be shown", "yellow"))


class JsonTranscript:
    """One object a row: a line with its parts, `rejected` with cause and reason, or `skipped`."""

    def line(self, line: str, bucket: str, source: str) -> None:
        """A line that was taken."""
        _print({"bucket": bucket, "source": source, "line": line, **_parts(line)})

    def rejected(self, said: Mapping[str, str], bucket: str, source: str) -> None:
        """A line that was refused."""
        _print({"bucket": bucket, "source": source, "rejected": True, **said})

    def skipped(self, lines: int) -> None:
        """Lines that came faster than they could be shown."""
        _print({"skipped": lines})


def _parts(line: str) -> dict[str, Any]:
    try:
        said = parse_line(line.encode())
    except LineError:  # of a collector that takes lines which this version does not know
        return {}
    return {
        "measurement": said.measurement,
        "tags": dict(said.tags),
        "fields": dict(said.fields),
        "time_ns": said.time_ns,
    }


def _print(row: Mapping[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False))


def _raw(said: Mapping[str, str]) -> bytes:
    return said["line"].encode() if "line" in said else base64.b64decode(said["line_base64"])


def _tame(text: str) -> str:
    return _DRIVING.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
