"""Every protocol by its name."""

from __future__ import annotations

from collector.decode.contract import Decoder
from collector.decode.json_telemetry import JsonTelemetry, JsonTelemetryConfig
from collector.decode.limits import ORDINARY, LineLimits
from collector.decode.line_protocol import LineProtocol


def build(json: JsonTelemetryConfig, limits: LineLimits = ORDINARY) -> dict[str, Decoder]:
    """Every decoder by its name."""
    return {
        LineProtocol.name: LineProtocol(limits),
        JsonTelemetry.name: JsonTelemetry(json, limits),
    }
