"""All that one token's writing is held to, built once and remembered: its rooms in the pipeline, and its rate.

Asked by intake for every write; a token that is bound by nothing costs one comparison. What quotas have counted
outlives edits of the tokens' file and changed configurations, and goes with its token.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from collector.allowance import FREE
from collector.constraint.forced_tags import ForcedTags
from collector.constraint.line_rate import LineRate
from collector.constraint.measurement_scope import MeasurementScope
from collector.constraint.series_quota import SeriesQuota
from collector.pipeline import Constraint
from collector.tokens import Grant, TokenBook


@dataclass(frozen=True, slots=True)
class Binding:
    """`constraint` is None where no line has to be looked at, `rate` where lines may come as fast as they like."""

    grant: Grant
    constraint: Constraint | None
    rate: LineRate | None


class Bindings:
    """One for each token that is bound and has written, as long as the token lasts."""

    def __init__(self, tokens: TokenBook) -> None:
        self._tokens = tokens
        self._known: dict[str, Binding] = {}
        self._generation = 0

    def of(self, grant: Grant | None) -> Binding | None:
        """What the holder of the grant is bound by; None is nothing."""
        if grant is None or grant.allowance is FREE:
            return None
        known = self._known.get(grant.digest)
        if known is not None and known.grant is grant:
            return known
        bound = replace(known, grant=grant) if known is not None and known.grant == grant else self._bind(grant)
        self._known[grant.digest] = bound
        return bound

    def _bind(self, grant: Grant) -> Binding:
        if self._generation != self._tokens.generation:
            self._generation, lasting = self._tokens.generation, self._tokens.digests
            self._known = {digest: known for digest, known in self._known.items() if digest in lasting}
        allowance = grant.allowance
        per_s = allowance.lines_per_second
        rate = None if per_s is None else LineRate(grant.name, per_s, allowance.most_at_once)
        return Binding(grant, _constraint(grant), rate)


def _constraint(grant: Grant) -> Constraint | None:
    """Tokens with the same measurements and forced keys share a key: which shapes they settle hangs on nothing else."""
    allowance = grant.allowance
    tags = dict(allowance.tags)
    scope = [MeasurementScope(allowance.measurements, grant.name)] if allowance.measurements else []
    forced = [ForcedTags(tags, grant.name)] if tags else []
    quota = [SeriesQuota(allowance.series)] if allowance.series is not None else []
    if not (scope or forced or quota):
        return None
    key: Hashable = (allowance.measurements, tuple(tags)) if scope or forced else None
    return Constraint(key, checks=quota, gate=[*scope, *forced])
