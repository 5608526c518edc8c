"""No string longer than InfluxDB keeps: it would refuse the point after it was acknowledged."""

from __future__ import annotations

from dataclasses import dataclass

from collector.check.memoryless import ByShape, Memoryless
from collector.verdict import Cause, Objection, Origin
from foundation.line_protocol.line import MOST_STRING_BYTES, Line


@dataclass(frozen=True, slots=True)
class StringSizeConfig:
    """`most_bytes`: the longest string field, at most InfluxDB's own 1 MiB."""

    most_bytes: int = MOST_STRING_BYTES

    def __post_init__(self) -> None:
        if not 0 < self.most_bytes <= MOST_STRING_BYTES:
            raise ValueError(f"most_bytes is from 1 to {MOST_STRING_BYTES}, InfluxDB's own limit")


class StringSize(Memoryless, ByShape):
    """Keeps nothing, so it is its own Checking."""

    name = "string_size"

    def __init__(self, config: StringSizeConfig) -> None:
        self._most = config.most_bytes

    def begin(self, origin: Origin) -> StringSize:  # noqa: ARG002 - the same for every body
        """Nothing to begin."""
        return self

    def judge(self, line: Line) -> Objection | None:
        """Refuse a string that is too long."""
        for key, value in line.fields:
            if isinstance(value, str) and len(value) > self._most // 4 and (size := len(value.encode())) > self._most:
                where = f'input field "{key}" on measurement "{line.measurement}"'
                return Objection(Cause.STRING_SIZE, f"{where} is too long, {size} > {self._most}")
        return None

    def settles(self, line: Line) -> bool:
        """Lines that a pattern takes are far shorter than InfluxDB's limit; a smaller one has to be looked at."""
        return self._most == MOST_STRING_BYTES or not any(isinstance(value, str) for _, value in line.fields)

    def commit(self) -> None:
        """Nothing was learnt."""
