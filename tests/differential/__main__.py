"""`python -m tests.differential`: queries to both stores, within the time or the number given, and what differs."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.differential.lane import compare_many
from tests.fakes.influxd import running_influxd
from tests.fakes.servers import HOW, find_server


def main(arguments: list[str]) -> int:
    """0 where all answers agreed, 1 where one did not, 2 without influxd."""
    wanted = _parse(arguments)
    program = find_server("influxd")
    if program is None:
        print(f"influxd is not here: {HOW}")
        return 2
    seed = secrets.randbelow(2**32) if wanted.seed is None else wanted.seed
    print(f"seed {seed} (the same again: make differential SEED={seed})", flush=True)
    began = monotonic()
    end = began + wanted.seconds
    with TemporaryDirectory() as folder, running_influxd(program, Path(folder)) as server:
        total, found = asyncio.run(
            compare_many(
                server,
                seed,
                lambda done: done < wanted.queries if wanted.queries else monotonic() < end,
                lambda difference: print(f"DIFFERS {difference}", flush=True),
            )
        )
    print(f"{total} queries compared in {monotonic() - began:.0f} s; {len(found)} differ")
    return 1 if found else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (default: 600)")
    parser.add_argument("--queries", type=int, default=0, help="how many, however long it takes")
    parser.add_argument("--seed", type=int, default=None, help="the run that is to be repeated (default: a new one)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
