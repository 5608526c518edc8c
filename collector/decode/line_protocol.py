"""InfluxDB's line protocol, as it comes to the v1 and v2 write API. Lines without a timestamp get one stamp a body."""

from __future__ import annotations

from dataclasses import replace

from collector.decode.contract import Arrival, Decoded, Examiner
from collector.decode.limits import LineLimits
from collector.decode.walk import SHORT_BODY, Walk, rewrite_known, take_known
from collector.verdict import NOTHING
from foundation.line_protocol.precision import Precision


class LineProtocol:
    """Line protocol in any precision."""

    name = "line_protocol"

    def __init__(self, limits: LineLimits) -> None:
        self._limits = limits

    def decode(self, arrival: Arrival, examiner: Examiner) -> Decoded:
        """Judge every line; the default precision is nanoseconds."""
        precision = arrival.precision or Precision.NS
        body = arrival.body
        if len(body) <= SHORT_BODY:
            text = body if body[-1:] == b"\n" else body + b"\n"
            known = take_known(text, precision, examiner, arrival.received_ns)
            if known is not None and examiner.survey(known, Precision.NS, stamped=True):
                return Decoded(known, known.count(b"\n"), (), NOTHING)
            rewritten = rewrite_known(text, precision, examiner, arrival.received_ns)
            if rewritten is not None:
                return rewritten
        walk = Walk(
            examiner,
            precision,
            arrival.received_ns,
            self._limits,
            forgive_cr=arrival.forgive_cr,
            patience=arrival.patience,
            row=arrival.number,
        )
        decoded = walk.decode(body)
        if walk.at >= len(body):
            return decoded
        return replace(decoded, rest=replace(arrival, body=body[walk.at :], number=walk.row))
