"""Pipelines whose pins live as long as they do."""

from collections.abc import Iterable, Sequence

from collector.check.catalog import ChecksConfig, build
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.pins import Pin
from collector.decode.catalog import build as build_decoders
from collector.decode.json_telemetry import JsonTelemetryConfig
from collector.pipeline import BadLines, Pipeline
from collector.transform.contract import Transform
from foundation.errors import Transient
from store.contract import FieldTypes as StoredTypes
from tests.fakes.clock import ManualClock


class ForgetfulPins:
    """Keeps nothing; `failures` are raised by the next saves."""

    def __init__(self) -> None:
        self.failures: list[Transient] = []
        self.saved: list[Pin] = []

    async def load(self) -> list[Pin]:
        return []

    async def save(self, pins: Iterable[Pin]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.saved += pins

    async def drop(self, bucket: str, measurements: Iterable[str]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.saved = [pin for pin in self.saved if pin[0] != bucket or pin[1] not in measurements]

    @classmethod
    def pipeline(cls, bad_lines: BadLines = BadLines.KEEP, transforms: Sequence[Transform] = ()) -> Pipeline:
        """A pipeline that knows nothing yet."""
        guard = FieldTypes(FieldTypesConfig(), cls(), _holds_nothing, ManualClock())
        return Pipeline(build_decoders(JsonTelemetryConfig()), build(ChecksConfig(), guard), bad_lines, transforms)


async def _holds_nothing(bucket: str) -> StoredTypes:
    assert bucket
    return {}
