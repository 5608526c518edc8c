"""The fast path beside the slow one: a body and its lines one by one get the same verdicts, and are stored alike."""

from __future__ import annotations

from random import Random

from foundation.line_protocol.precision import Precision
from tests.fakes.agreement import assert_paths_agree
from tests.fakes.bodies import grow_body, raw_lines
from tests.fuzz.lane import Findings, GoesOn
from tests.fuzz.smallest import smallest

_PRECISIONS = (Precision.NS, Precision.US, Precision.MS, Precision.S, Precision.M, Precision.H)


class Paths:
    """Bodies of up to twelve lines, in every precision, with CRs forgiven and not."""

    name = "fast and slow path"

    def run(self, seed: int, goes_on: GoesOn, findings: Findings) -> None:
        """Compare until it is enough."""
        luck = Random(seed)  # noqa: S311 - examples that a run with the same seed finds again
        while goes_on():
            body = grow_body(luck, most_lines=12, most_mutations=luck.randint(0, 8))
            precision, forgive_cr = luck.choice(_PRECISIONS), luck.random() < 0.5
            findings.bodies += 1
            findings.lines += sum(1 for _ in raw_lines(body))
            if not _agree(body, precision, forgive_cr=forgive_cr):
                found = smallest(body, lambda less: not _agree(less, precision, forgive_cr=forgive_cr))  # noqa: B023 - called here alone
                findings.disagreements.append(f"precision {precision}, forgive_cr {forgive_cr}: {found!r}")


def _agree(body: bytes, precision: Precision, *, forgive_cr: bool) -> bool:
    try:
        assert_paths_agree(body, precision, forgive_cr=forgive_cr)
    except Exception:  # noqa: BLE001 - a path that fails is a finding like one that differs
        return False
    return True
