"""`GET /explain?line=...`: what every room would make of one line, and where it would go. Changes nothing.

    line, bucket, protocol (line_protocol or json_telemetry), precision, measurement   as a write has them
    source                                                                             as if it came from there
    token_name          as if it came with that token (scope admin, unless it is the caller's); default: the caller's

The rooms are the door's own, watched; see `witness`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from collector.buffer.contract import Buffer
from collector.constraint.line_rate import RateSpent
from collector.decode.contract import Arrival, DecodeError
from collector.decode.json_telemetry import JsonTelemetry
from collector.decode.line_protocol import LineProtocol
from collector.intake.access import Access, sender_of, source_of
from collector.intake.answers import Refusal, json_answer
from collector.intake.buckets import Buckets
from collector.intake.door import Door
from collector.intake.witness import Step
from collector.intake.write import TELEMETRY, V2, WriteLimits
from collector.pipeline import Outcome
from collector.tokens import Grant, Scope
from collector.verdict import Cause, Objection, Removal
from foundation.batch import FieldType
from foundation.clock import Clock
from foundation.line_protocol.line import Line, field_type
from store.contract import RollupStanding, StoreStanding

_DIALECTS = {LineProtocol.name: V2, JsonTelemetry.name: TELEMETRY}
_NS = 1e9


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands behind the door: the buffer, who is written to from it (the store that is queried first), the types
    pinned for a bucket's measurement, and how the store that is queried stands.
    """

    destinations: tuple[str, ...]
    buffer: Buffer
    pins: Callable[[str, str], Mapping[str, FieldType]]
    standing: Callable[[], StoreStanding]


class ExplainRoute:
    """Answers for one line."""

    def __init__(
        self,
        limits: WriteLimits,
        surroundings: Surroundings,
        *,
        door: Door,
        access: Access,
        buckets: Buckets,
        clock: Clock,
    ) -> None:
        self._limits = limits
        self._surroundings = surroundings
        self._door = door
        self._access = access
        self._buckets = buckets
        self._clock = clock

    async def answer(self, request: web.BaseRequest, params: Mapping[str, str]) -> web.Response:
        """The explanation as JSON, whatever the verdict; a Refusal for a question that is none."""
        grant = self._access.admit(request.headers.get("Authorization"), params)
        self._access.demand(grant, Scope.READ)
        bucket = params.get("bucket") or self._limits.default_bucket
        self._access.demand_bucket(grant, bucket)
        sender = self._sender(grant, params)
        source = params.get("source") or source_of(sender, sender_of(request))
        kind = params.get("protocol") or LineProtocol.name
        arrival = self._arrival(kind, params)
        binding = self._access.binding(sender)
        constraint = binding.constraint if binding else None
        try:
            outcome, steps = await self._door.explain(
                kind, arrival, bucket=bucket, source=source, constraint=constraint
            )
            unreadable = ""
        except DecodeError as error:
            outcome, steps, unreadable = Outcome(None), [], str(error)
        if outcome.accepted + outcome.dropped + sum(outcome.taken_out.values()) > 1:
            raise Refusal(400, "there is more than one line in `line`; ask for one at a time")
        explained = _explain(outcome, steps, unreadable, arrival.received_ns)
        token = {"token": sender and sender.name, "token_problem": self._problem(sender, bucket)}
        where = {"bucket": bucket, "source": source, "protocol": kind, **token}
        fields = _fields(steps, lambda measurement: self._surroundings.pins(bucket, measurement))
        fed = _fed(self._surroundings.standing().rollups, bucket, steps) if explained["stored"] else []
        rollups = [one for one in fed if grant is None or grant.covers(one["bucket"])]
        return json_answer({**where, **explained, "fields": fields, "rollups": rollups, **await self._whereto(bucket)})

    def _sender(self, grant: Grant | None, params: Mapping[str, str]) -> Grant | None:
        """The token that the line would come with; None for who needs none, and for a `source` that is only said."""
        name = params.get("token_name")
        if not name:
            return None if params.get("source") or grant is None or not grant.allows(Scope.WRITE) else grant
        if grant is None or grant.name != name:
            self._access.demand(grant, Scope.ADMIN)
        named = self._access.named(name)
        if named is None:
            raise Refusal(400, f'there is no token named "{name}", or none any more')
        return named

    def _problem(self, sender: Grant | None, bucket: str) -> str:
        """Why a body with this token would be turned away unread now; empty when it would not."""
        if sender is None:
            return ""
        if not sender.allows(Scope.WRITE):
            return "the token has no scope write"
        if not sender.covers(bucket):
            return f'the token is not for bucket "{bucket}"'
        binding = self._access.binding(sender)
        try:
            if binding is not None and binding.rate is not None:
                binding.rate.demand(1, self._clock.monotonic())
        except RateSpent as error:
            return str(error)
        return ""

    def _arrival(self, kind: str, params: Mapping[str, str]) -> Arrival:
        dialect = _DIALECTS.get(kind)
        if dialect is None:
            raise Refusal(400, f"protocol is one of {', '.join(_DIALECTS)}")
        wish = params.get("precision", "")
        if wish not in dialect.precisions:
            raise Refusal(400, dialect.bad_precision.format(precision=wish))
        line = params.get("line", "")
        if not line.strip():
            raise Refusal(400, "which line? give it as `line`, escaped for a URL")
        body = line.encode("utf-8", "surrogateescape")
        precision = dialect.precisions[wish]
        return Arrival(
            body, self._clock.now_ns(), precision, self._limits.forgive_cr, params.get("measurement") or None
        )

    async def _whereto(self, bucket: str) -> dict[str, Any]:
        there = self._surroundings
        try:
            await self._buckets.demand(bucket, f'bucket "{bucket}" not found')
            known, missing = True, ""
        except Refusal as error:
            known, missing = False, str(error)
        destinations = [self._waiting(one, bucket) for one in there.destinations]
        return {"bucket_taken": known, "bucket_problem": missing, "destinations": destinations}

    def _waiting(self, destination: str, bucket: str) -> dict[str, Any]:
        backlog = self._surroundings.buffer.backlog(destination, bucket)
        age_s = (self._clock.now_ns() - backlog.oldest_ns) / _NS if backlog.oldest_ns else 0.0
        return {"name": destination, "waiting_lines": backlog.lines, "waiting_s": max(age_s, 0.0)}


def _explain(outcome: Outcome, steps: Sequence[Step], unreadable: str, now_ns: int) -> dict[str, Any]:
    refused = next((one.objection for one in outcome.listed if one.objection.cause is not Cause.FIELD_STRIPPED), None)
    stored = outcome.batch.body.decode("utf-8", "replace").removesuffix("\n") if outcome.batch else None
    if unreadable:
        refused = Objection(Cause.SYNTAX, unreadable)
    verdict = "refused" if refused else "stored" if stored else "taken_out" if outcome.taken_out else "nothing"
    return {
        "verdict": verdict,
        "cause": refused.cause if refused else None,
        "reason": refused.reason if refused else None,
        "steps": [_decoded(outcome, steps, refused), *map(_said, steps)],
        "stored": stored,
        "stamp_added": stored is not None and stored.endswith(f" {now_ns}"),
    }


def _decoded(outcome: Outcome, steps: Sequence[Step], refused: Objection | None) -> dict[str, str]:
    stripped = [one.objection for one in outcome.listed if one.objection.cause is Cause.FIELD_STRIPPED]
    if steps:
        said = {"did": "changed", "detail": stripped[0].reason} if stripped else {"did": "passed", "detail": ""}
    elif refused:
        said = {"did": "refused", "detail": refused.reason}
    else:
        said = {"did": "skipped", "detail": "a comment or nothing: no line at all"}
    return {"room": "decode", **said}


def _said(step: Step) -> dict[str, str]:
    match step.ruling:
        case Objection():
            said = {"did": "refused", "detail": step.ruling.reason}
        case Removal():
            said = {"did": "took out", "detail": step.ruling.reason}
        case None:
            said = {"did": "passed", "detail": ""}
        case line:
            said = {"did": "changed", "detail": _difference(step.line, line)}
    return {"room": step.room, **said}


def _difference(before: Line, after: Line) -> str:
    """What is gone and what is new, each as `name=value`."""
    old, new = _parts(before), _parts(after)
    gone = [f"-{part}" for part in old if part not in new]
    return ", ".join(gone + [f"+{part}" for part in new if part not in old])


def _parts(line: Line) -> list[str]:
    pairs = [f"{key}={value}" for key, value in line.tags] + [f"{key}={value!r}" for key, value in line.fields]
    return [line.measurement, *pairs, f"time {line.time_ns}"]


def _fields(steps: Sequence[Step], pins: Callable[[str], Mapping[str, FieldType]]) -> list[dict[str, Any]]:
    """The fields as they were when the last room saw them, each with its type and the one that is pinned for it."""
    if not steps:
        return []
    last = steps[-1].line
    pinned = pins(last.measurement)
    return [{"field": key, "type": field_type(value), "pinned": pinned.get(key)} for key, value in last.fields]


def _fed(standings: Sequence[RollupStanding], bucket: str, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The rollups that the line would feed, each with the one `through` which it does; empty where it is the line's own
    measurement. Whether a condition of theirs holds is not looked at: the definition shows it.
    """
    last = steps[-1].line
    fed: list[tuple[RollupStanding, str]] = []
    # Standings come in the order in which rollups feed each other.
    for one in standings:
        if one.takes(f"{bucket}/{last.measurement}", [key for key, _ in last.fields]):
            fed.append((one, ""))
        else:
            before = (before.name for before, _ in fed if before.target == f"{one.bucket}/{one.measurement}")
            if through := next(before, ""):
                fed.append((one, through))
    return [
        {"name": one.name, "bucket": one.bucket, "target": one.target, "definition": one.definition, "through": through}
        for one, through in fed
    ]
