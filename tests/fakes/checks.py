"""Checks as tocsin.yml writes them."""

from pathlib import Path

from collector.check.catalog import ChecksConfig, build
from collector.check.field_types import FieldTypes
from collector.decode.catalog import build as build_decoders
from collector.decode.json_telemetry import JsonTelemetryConfig
from collector.pipeline import BadLines, Pipeline
from foundation.settings import decode
from store.contract import FieldTypes as StoredTypes
from tests.fakes.clock import ManualClock
from tests.fakes.pins import ForgetfulPins


def checks_of(text: str) -> ChecksConfig:
    """The configuration of a flow mapping such as `{string_size: {most_bytes: 10}}`."""
    return decode(ChecksConfig, text, name="test", folder=Path(), env={})


def checked(text: str, bad_lines: BadLines = BadLines.KEEP) -> Pipeline:
    """A pipeline with these checks that knows nothing yet."""
    config = checks_of(text)
    guard = FieldTypes(config.field_types, ForgetfulPins(), holds_nothing, ManualClock())
    return Pipeline(build_decoders(JsonTelemetryConfig()), build(config, guard), bad_lines)


async def holds_nothing(bucket: str) -> StoredTypes:
    """A store without a field."""
    assert bucket
    return {}
