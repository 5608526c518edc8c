"""What a dead letter is, which ones are wanted, and how one is shown. Values only; pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Any

INTAKE = "intake"
"""The destination of a letter that was refused before it was acknowledged."""
_REFUSED = "refused"
_KINDS = (
    ("type_conflict", ("type conflict", "already exists as type")),
    ("outside_retention", ("retention policy", "beyond retention", "outside retention")),
    ("too_large", ("too large", "max key length", "maximum string")),
    ("unparsable", ("unable to parse", "bad timestamp", "missing fields", "invalid")),
)
_NAME = re.compile(rb"(?:[^\\, ]|\\.){1,200}")
_ESCAPED = re.compile(r"\\([, ])")


@dataclass(frozen=True, slots=True)
class Form:
    """How a line is written: its protocol, the unit of its timestamps ("" is the protocol's own), its default name."""

    protocol: str = "line_protocol"
    precision: str = "ns"
    measurement: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One line, why `destination` refused it, who sent it and when it was accepted (ns).

    `kind` is the reason as one of a few names; where it is empty it is taken from the reason's words.
    """

    line: bytes
    reason: str
    bucket: str
    source: str
    destination: str
    accepted_ns: int
    measurement: str = ""
    kind: str = ""
    form: Form = field(default_factory=Form)

    @property
    def reason_kind(self) -> str:
        """The kind, given or found."""
        return self.kind or reason_kind(self.reason)


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter in the box: the id under which it stays, and how often it was put through intake again in vain."""

    id: int
    letter: DeadLetter
    replays: int

    def shown(self) -> dict[str, Any]:
        """As JSON has it: a line that is not UTF-8 is `line_base64`."""
        letter = self.letter
        shown = {
            "id": self.id,
            "accepted_ns": letter.accepted_ns,
            "bucket": letter.bucket,
            "measurement": letter.measurement,
            "source": letter.source,
            "destination": letter.destination,
            "kind": letter.kind,
            "reason": letter.reason,
            "replays": self.replays,
            "protocol": letter.form.protocol,
            "precision": letter.form.precision,
        }
        try:
            return shown | {"line": letter.line.decode()}
        except UnicodeDecodeError:
            return shown | {"line_base64": base64.b64encode(letter.line).decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters: all that fit everything given. `reason` is a kind, or words that stand in the reason.

    `since_ns` is included, `until_ns` is not; no id is over `upto`.
    """

    ids: tuple[int, ...] = ()
    bucket: str = ""
    measurement: str = ""
    reason: str = ""
    source: str = ""
    since_ns: int = 0
    until_ns: int = 0
    upto: int = 0

    def where(self) -> tuple[str, list[object]]:
        """As an SQL condition and its parameters."""
        conditions, values = ["accepted_ns >= ?"], [self.since_ns]  # type: tuple[list[str], list[object]]
        for column in ("bucket", "measurement", "source"):
            if wish := getattr(self, column):
                conditions.append(f"{column} = ?")
                values.append(wish)
        if self.reason:
            conditions.append("(kind = ? OR instr(reason, ?) > 0)")
            values += [self.reason, self.reason]
        for column, wish, operator in (("accepted_ns", self.until_ns, "<"), ("id", self.upto, "<=")):
            if wish:
                conditions.append(f"{column} {operator} ?")
                values.append(wish)
        if self.ids:
            conditions.append(f"id IN ({','.join('?' * len(self.ids))})")
            values += self.ids
        return " AND ".join(conditions), values


@dataclass(frozen=True, slots=True)
class Count:
    """How many letters fit, and the highest id among them."""

    letters: int
    last: int


@dataclass(frozen=True, slots=True)
class Account:
    """Lines of one bucket and source in the box, by what became of them: `held`, evicted, purged or replayed.

    `acknowledged` is whether they were accepted before a store refused them.
    """

    bucket: str
    source: str
    acknowledged: bool
    how: str
    lines: int


def reason_kind(reason: str) -> str:
    """The reason as one of a few names, fit for a metric's label: the text itself names fields and values."""
    for kind, signs in _KINDS:
        if any(sign in reason for sign in signs):
            return kind
    return _REFUSED


def measurement_of(line: bytes) -> str:
    """What stands before the first comma or blank that is not escaped: good enough to look for, broken lines too."""
    name = _NAME.match(line)
    return _ESCAPED.sub(r"\1", name[0].decode("utf-8", "replace")) if name else ""
