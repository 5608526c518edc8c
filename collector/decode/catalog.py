"""Every protocol by its name."""

from __future__ import annotations

from collector.decode.contract import Decoder
from collector.decode.json_telemetry import JsonTelemetry, JsonTelemetryConfig
from collector.decode.line_protocol import LineProtocol


def build(json: JsonTelemetryConfig) -> dict[str, Decoder]:
    """Every decoder by its name."""
    return {
        LineProtocol.name: LineProtocol(),
        JsonTelemetry.name: JsonTelemetry(json),
    }
