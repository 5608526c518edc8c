"""`python -m tests.fuzz`: every lane in turn, within the time or the number given, and what was found."""

from __future__ import annotations

import argparse
import secrets
import sys
from time import monotonic

from tests.fakes.servers import HOW, find_server
from tests.fuzz.influxd import Alone, InRows
from tests.fuzz.lane import Findings, GoesOn, Lane
from tests.fuzz.paths import Paths
from tests.fuzz.readings import Readings

_SHARES = {Alone.name: 0.3, InRows.name: 0.4, Paths.name: 0.2, Readings.name: 0.1}
"""Of the time. influxd is the slowest, and the judge."""
_MOST_SHOWN = 20


def main(arguments: list[str]) -> int:
    """0 where nobody disagreed, 1 where somebody did."""
    wanted = _parse(arguments)
    seed = secrets.randbelow(2**32) if wanted.seed is None else wanted.seed
    again = f"--examples {wanted.examples}" if wanted.examples else f"--seconds {wanted.seconds:g}"
    print(f"seed {seed} (the same again: make fuzz SEED={seed}, or python -m tests.fuzz --seed {seed} {again})")
    lanes: list[Lane] = [Paths(), Readings()]
    program = find_server("influxd")
    if program is None:
        print(f"not beside influxd, which is not here: {HOW}")
    else:
        lanes = [Alone(program), InRows(program), *lanes]
    agreed = True
    for lane in lanes:
        findings = Findings()
        seconds = wanted.seconds * _SHARES[lane.name] / sum(_SHARES[one.name] for one in lanes)
        began = monotonic()
        lane.run(seed, _goes_on(findings, wanted.examples, began + seconds), findings)
        _report(lane.name, findings, monotonic() - began)
        agreed = agreed and not findings.disagreements
    return 0 if agreed else 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for all lanes together (default: 600)")
    parser.add_argument("--examples", type=int, default=0, help="bodies in each lane, however long it takes")
    parser.add_argument("--seed", type=int, default=None, help="the run that is to be repeated (default: a new one)")
    return parser.parse_args(arguments)


def _goes_on(findings: Findings, examples: int, end: float) -> GoesOn:
    return lambda: (
        (findings.bodies < examples if examples else monotonic() < end) and len(findings.disagreements) < _MOST_SHOWN
    )


def _report(name: str, findings: Findings, seconds: float) -> None:
    said = f"{findings.bodies} bodies, {findings.lines} lines compared in {seconds:.0f} s"
    print(f"{name}: {said}; {len(findings.disagreements)} disagreements", flush=True)
    for what, count in findings.notes.items():
        print(f"  {count} {what}")
    for disagreement in findings.disagreements:
        print(f"  DISAGREE {disagreement}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
