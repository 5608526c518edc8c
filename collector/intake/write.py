"""The write API of InfluxDB 2 (`/api/v2/write`) and 1.x (`/write`), and JSON readings (`/v1/telemetry`).

Checks in influxd's order: token, precision, bucket, body, types. Success is 204 and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from aiohttp import web

from collector.constraint.binding import Binding
from collector.constraint.line_rate import RateSpent
from collector.decode.contract import Arrival, DecodeError, TooManyItems
from collector.decode.json_telemetry import JsonTelemetry
from collector.decode.line_protocol import LineProtocol
from collector.intake.access import Access, sender_of, source_of
from collector.intake.answers import NoContent, Refusal, no_content, stays, unavailable
from collector.intake.body import BodyRefused, Load, read_body
from collector.intake.buckets import Buckets
from collector.intake.door import Door
from collector.intake.metrics import IntakeMetrics
from collector.intake.rejections import refusal_of
from collector.tokens import Scope
from foundation.clock import Clock
from foundation.errors import Transient
from foundation.line_protocol.precision import Precision

_RETRY_AFTER_S = 1.0
_LONGEST_BUCKET = 255
_MOST_LANE_BYTES = 16 << 10
"""Bodies of few points; what is longer is worth a request object."""
_V2 = {"": Precision.NS, **{p.value: p for p in (Precision.NS, Precision.US, Precision.MS, Precision.S)}}
_V1 = {
    "": Precision.NS,
    "n": Precision.NS,
    "ns": Precision.NS,
    "u": Precision.US,
    "ms": Precision.MS,
    "s": Precision.S,
    "m": Precision.M,
    "h": Precision.H,
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the ways to write: the protocol, the name of the bucket's parameter, the precisions."""

    kind: str
    bucket_parameter: str
    precisions: Mapping[str, Precision | None]
    bad_precision: str
    missing_bucket: str


V2 = Dialect(
    LineProtocol.name,
    "bucket",
    _V2,
    "invalid precision; valid precision units are ns, us, ms, and s",
    'bucket "{bucket}" not found',
)
V1 = Dialect(
    LineProtocol.name,
    "db",
    _V1,
    'invalid precision "{precision}" (use n, ns, u, ms, s, m or h)',
    'database not found: "{bucket}"',
)
TELEMETRY = Dialect(
    JsonTelemetry.name,
    "bucket",
    {**_V2, "": None, "m": Precision.M, "h": Precision.H},
    "invalid precision; valid precision units are ns, us, ms, s, m and h",
    'bucket "{bucket}" not found',
)


@dataclass(frozen=True, slots=True)
class WriteLimits:
    """What a write may be: the default bucket, the longest body (as it arrives and inflated), its most rows, the time
    it may take to arrive, what CRs mean, and what all bodies under way weigh.
    """

    default_bucket: str
    most_body_bytes: int
    most_lines: int
    body_timeout_s: float
    forgive_cr: bool
    load: Load


@dataclass(frozen=True, slots=True)
class Errand:
    """What a write asks for that nothing speaks against while `Access.generation` is this.

    A body of more than `most_bytes` takes another look. `source` is empty where the address it comes from is it.
    """

    path: str
    bucket: str
    precision: Precision
    most_bytes: int
    source: str
    generation: int


class WriteRoute:
    """POST of lines in one dialect."""

    def __init__(
        self,
        dialect: Dialect,
        limits: WriteLimits,
        *,
        door: Door,
        access: Access,
        buckets: Buckets,
        metrics: IntakeMetrics,
        clock: Clock,
    ) -> None:
        self._dialect = dialect
        self._limits = limits
        self._door = door
        self._access = access
        self._buckets = buckets
        self._metrics = metrics
        self._clock = clock
        self._stored = NoContent(clock)

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.StreamResponse:
        """204, or a Refusal."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.WRITE)
        precision = self._precision(params)
        bucket = self._bucket(params)
        if self._dialect is not V1:
            bucket = await self._buckets.named(bucket)
        if not _is_name(bucket):
            raise Refusal(400, f"the name of a bucket has at most {_LONGEST_BUCKET} printable characters")
        self._access.demand_bucket(grant, bucket)
        if not self._buckets.certain(bucket):
            await self._demand(bucket)
        binding = self._access.binding(grant)
        if binding is not None:
            self._demand_rate(binding)
        body = await self._read(request)
        arrival = Arrival(
            body, self._clock.now_ns(), precision, self._limits.forgive_cr, params.get("measurement") or None
        )
        source = source_of(grant, sender_of(request))
        try:
            outcome = await self._door.admit(self._dialect.kind, arrival, bucket=bucket, source=source, binding=binding)
        except TooManyItems as error:
            self._metrics.refused_bodies.labels("lines").inc()
            raise Refusal(413, str(error)) from error
        except DecodeError as error:
            self._metrics.refused_bodies.labels("json").inc()
            raise Refusal(400, str(error)) from error
        except Transient as error:
            raise unavailable(str(error), ceil(error.retry_after_s or _RETRY_AFTER_S)) from error
        if outcome.refused:
            raise refusal_of(outcome, whole=not self._limits.forgive_cr)
        return self._stored if stays(request) else no_content()

    def foresee(self, path: str, authorization: str | None, params: Mapping[str, str]) -> Errand | None:
        """What a write of line protocol with such a head asks for, if it can only fail by its body; counts nothing."""
        precision = self._dialect.precisions.get(params.get("precision", ""))
        bucket = self._bucket(params)
        if self._dialect.kind != LineProtocol.name or precision is None or not _is_name(bucket):
            return None
        if self._buckets.may_be_id(bucket):
            return None
        foreseen = self._access.foresee(authorization, params, bucket)
        if foreseen is None:
            return None
        most = min(_MOST_LANE_BYTES, self._limits.most_body_bytes, self._limits.most_lines)
        return Errand(path, bucket, precision, most, foreseen.source, foreseen.generation)

    def _bucket(self, params: Mapping[str, str]) -> str:
        bucket = params.get(self._dialect.bucket_parameter) or self._limits.default_bucket
        policy = params.get("rp") if self._dialect is V1 else None
        return self._buckets.of_policy(bucket, policy) if policy else bucket

    def _demand_rate(self, binding: Binding) -> None:
        """Turn a body away unread whose token may not even write one line now."""
        if binding.rate is None:
            return
        try:
            binding.rate.demand(1, self._clock.monotonic())
        except RateSpent as error:
            self._metrics.refused_bodies.labels("quota_rate").inc()
            raise unavailable(str(error), ceil(error.retry_after_s or _RETRY_AFTER_S)) from error

    def _precision(self, params: Mapping[str, str]) -> Precision | None:
        wish = params.get("precision", "")
        try:
            return self._dialect.precisions[wish]
        except KeyError:
            self._metrics.refused_bodies.labels("precision").inc()
            raise Refusal(400, self._dialect.bad_precision.format(precision=wish)) from None

    async def _demand(self, bucket: str) -> None:
        try:
            await self._buckets.demand(bucket, self._dialect.missing_bucket.format(bucket=bucket))
        except Refusal:
            self._metrics.refused_bodies.labels("bucket").inc()
            raise

    async def _read(self, request: web.BaseRequest) -> bytes:
        try:
            limits = self._limits
            body = await read_body(request, limits.most_body_bytes, limits.body_timeout_s, load=limits.load)
            self._demand_few(body)
            return body
        except BodyRefused as error:
            self._metrics.refused_bodies.labels(error.reason).inc()
            raise

    def _demand_few(self, body: bytes) -> None:
        most = self._limits.most_lines
        if self._dialect.kind == LineProtocol.name and len(body) > most and body.count(b"\n", 0, -1) >= most:
            raise BodyRefused(413, f"a body of more than {most} lines; send less at once", "lines")


def _is_name(bucket: str) -> bool:
    return len(bucket) <= _LONGEST_BUCKET and bucket.isprintable()
