"""The schema guard: a field keeps the type of its first value, so no store refuses it after the acknowledgement.

Types are pinned per bucket and measurement for all time (influxd: per shard of seven days), kept in `pins` and seeded
from the store. The answer to a conflict is influxd's unless `conflicts` say otherwise for a measurement: the point is
not taken, the rest of the body is.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal

from collector.check.conversion import convert
from collector.check.memoryless import ByShape
from collector.check.pins import Pin, Pins
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.batch import FieldType
from foundation.clock import Clock
from foundation.errors import Transient
from foundation.line_protocol.line import FieldValue, Line, field_type

Source = Callable[[str], Awaitable[Mapping[str, Mapping[str, FieldType]]]]
"""bucket -> measurement -> field -> type, from the store; raises Transient while it is away."""
Field = tuple[str, str]
"""(measurement, field)"""
Policy = Literal["reject", "convert", "rename"]


@dataclass(frozen=True, slots=True)
class FieldTypesConfig:
    """The store is asked for its types before a bucket's first body, for `seed_wait` at most.

    While it does not answer, pins made here have to do, and it is asked again after `seed_retry`.

    `conflicts`: pattern of measurements -> what becomes of a value of another type; the first that fits counts.
    `convert` takes it as the pinned type if it says the same, `rename` as the field `name_type`; else it is refused.
    """

    seed_wait: timedelta = timedelta(seconds=2)
    seed_retry: timedelta = timedelta(seconds=15)
    conflicts: Mapping[str, Policy] = dataclasses.field(default_factory=dict)


class FieldTypes:
    """All pins. What was learnt counts at once and becomes durable by `settle`."""

    name = "field_types"
    surveys = False

    def __init__(self, config: FieldTypesConfig, kept: Pins, source: Source, clock: Clock) -> None:
        self._config = config
        self._kept = kept
        self._source = source
        self._clock = clock
        self._pins: dict[str, dict[Field, FieldType]] = {}
        self._seeded: set[str] = set()
        self._ask_again: dict[str, float] = {}
        self._unsaved: list[Pin] = []
        self._seeding = asyncio.Lock()
        self._saving = asyncio.Lock()

    def adopt(self, config: FieldTypesConfig) -> None:
        """Ask the store and settle conflicts by `config` from now on."""
        self._config = config

    async def open(self) -> None:
        """Read the pins kept in `state`. Raises ConfigError for a file of a newer version."""
        for bucket, measurement, field, kind in await self._kept.load():
            self._pins.setdefault(bucket, {})[measurement, field] = kind

    def begin(self, origin: Origin) -> FieldTypesOfBody:
        """Examine one body."""
        return FieldTypesOfBody(self, origin.bucket, self._pins.setdefault(origin.bucket, {}))

    def pins(self, bucket: str, measurement: str) -> Mapping[str, FieldType]:
        """Field -> type, as pinned for the measurement."""
        known = self._pins.get(bucket, {})
        return {field: kind for (name, field), kind in known.items() if name == measurement}

    def policy(self, measurement: str) -> Policy:
        """What becomes of a value of another type."""
        policies = self._config.conflicts.items()
        return next((policy for pattern, policy in policies if fnmatchcase(measurement, pattern)), "reject")

    def ready(self, bucket: str) -> bool:
        """Whether the store's own types are known, or were asked for a moment ago in vain."""
        return bucket in self._seeded or self._ask_again.get(bucket, -1.0) > self._clock.monotonic()

    async def prepare(self, bucket: str) -> None:
        """Take over the types that the store holds; pins made here stay as they are."""
        async with self._seeding:
            if self.ready(bucket):
                return
            try:
                async with asyncio.timeout(self._config.seed_wait.total_seconds()):
                    types = await self._source(bucket)
            except (Transient, TimeoutError):
                self._ask_again[bucket] = self._clock.monotonic() + self._config.seed_retry.total_seconds()
                return
            found = {(name, field): kind for name, fields in types.items() for field, kind in fields.items()}
            self.learn(bucket, found)
            self._seeded.add(bucket)
            self._ask_again.pop(bucket, None)

    def learn(self, bucket: str, pins: Mapping[Field, FieldType]) -> None:
        """Pin those of the fields that have no pin yet."""
        known = self._pins.setdefault(bucket, {})
        for field, kind in pins.items():
            if field not in known:
                known[field] = kind
                self._unsaved.append((bucket, *field, kind))

    async def forget(self, bucket: str, measurements: frozenset[str]) -> None:
        """Unpin all fields of these measurements, which nobody holds any more. Raises PinsNotKept; then all stay."""
        async with self._saving:
            await self._kept.drop(bucket, measurements)
            known = self._pins.get(bucket, {})
            for field in [field for field in known if field[0] in measurements]:
                del known[field]
            self._unsaved = [pin for pin in self._unsaved if pin[0] != bucket or pin[1] not in measurements]

    @property
    def unsettled(self) -> bool:
        """Whether pins wait to be written."""
        return bool(self._unsaved)

    async def settle(self) -> None:
        """Write the pins that wait. Raises PinsNotKept; they wait on, then."""
        async with self._saving:
            pending = self._unsaved.copy()
            if pending:
                await self._kept.save(pending)
                del self._unsaved[: len(pending)]


class FieldTypesOfBody(ByShape):
    """One body's view: the pins, and what the body adds to them."""

    def __init__(self, guard: FieldTypes, bucket: str, pins: Mapping[Field, FieldType]) -> None:
        self._guard = guard
        self._bucket = bucket
        self._pins = pins
        self._learnt: dict[Field, FieldType] = {}

    def judge(self, line: Line) -> Ruling:
        """Refuse or mend the line if a field has another type than its pin; pin the fields that are new."""
        fresh: dict[Field, FieldType] = {}
        mended: dict[int, tuple[str, FieldValue]] = {}
        for at, (key, value) in enumerate(line.fields):
            field = (line.measurement, key)
            kind = field_type(value)
            pinned = self._pins.get(field) or self._learnt.get(field)
            first = pinned or fresh.setdefault(field, kind)
            if first is kind:
                continue
            instead = self._mend(line, key, value, first)
            if instead is not None:
                mended[at] = instead
                continue
            if not pinned:
                self._learnt.update(fresh)
            where = f'input field "{key}" on measurement "{line.measurement}"'
            reason = f"field type conflict: {where} is type {kind}, already exists as type {first}"
            return Objection(Cause.FIELD_TYPE, reason)
        self._learnt.update(fresh)
        if not mended:
            return None
        self._learnt.update({(line.measurement, key): field_type(value) for key, value in mended.values()})
        fields = tuple([mended.get(at, pair) for at, pair in enumerate(line.fields)])
        return dataclasses.replace(line, fields=fields)

    def _mend(self, line: Line, key: str, value: FieldValue, first: FieldType) -> tuple[str, FieldValue] | None:
        """The field as it can be taken, or None if the policy or the value does not allow it."""
        policy = self._guard.policy(line.measurement)
        if policy == "convert":
            converted = convert(value, first)
            return None if converted is None else (key, converted)
        if policy == "reject":
            return None
        kind = field_type(value)
        name = f"{key}_{kind}"
        field = (line.measurement, name)
        taken = any(other == name for other, _ in line.fields)
        free = (self._pins.get(field) or self._learnt.get(field) or kind) is kind
        return (name, value) if free and not taken else None

    def settles(self, line: Line) -> bool:  # noqa: ARG002 - holds for every line
        """A pin is for all time."""
        return True

    def commit(self) -> None:
        """Keep the new pins."""
        if self._learnt:
            self._guard.learn(self._bucket, self._learnt)
