"""A collector without a network: keeps what it was sent, and answers as it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from foundation.line_protocol.line import Line
from foundation.line_protocol.parse import parse_line
from tocsin_instrument import Settings, Telemetry
from tocsin_instrument.transport import Answer

TAKEN = Answer(204)
NEVER_S = 3_600.0


class Told:
    """A Transport. `answers` are given in turn, an error among them is raised; then everything is taken."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = deque(answers)
        self.bodies: list[bytes] = []
        self.taken: list[bytes] = []
        self.closed = False

    def send(self, body: bytes) -> Answer:
        self.bodies.append(body)
        answer = self.answers.popleft() if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        if answer == TAKEN:
            self.taken += body.split(b"\n")
        return answer

    def close(self) -> None:
        self.closed = True


class Said:
    """A Telemetry whose lines can be read once it is closed."""

    def __init__(self) -> None:
        self.told = Told()
        self.telemetry = Telemetry(Settings("shop", "1.4", every_s=NEVER_S), transport=lambda _: self.told)

    def lines(self, measurement: str = "http_request") -> list[Line]:
        """All lines of a measurement, in order."""
        self.telemetry.close(60.0)
        return [line for line in map(parse_line, self.told.taken) if line.measurement == measurement]

    def requests(self) -> list[tuple[str, str, str, int, int, str]]:
        """(method, endpoint, status, error, bytes, exception) of each request."""
        return [_request(line) for line in self.lines()]


def _request(line: Line) -> tuple[str, str, str, int, int, str]:
    tags, fields = dict(line.tags), dict(line.fields)
    assert float(fields["duration_ms"]) >= 0
    exception = str(fields.get("exception", ""))
    return tags["method"], tags["endpoint"], tags["status"], int(fields["error"]), int(fields["bytes"]), exception


@contextmanager
def listening() -> Iterator[Said]:
    """A Telemetry that is closed in the end, whatever happens."""
    said = Said()
    try:
        yield said
    finally:
        said.telemetry.close(60.0)
