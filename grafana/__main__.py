"""`python -m grafana` writes the boards that Grafana and the console read; `--check` only says what is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from grafana.boards.catalog import BOARDS
from grafana.render import FOLDER, stale, write


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: fresh or written; 1: `--check` found stale files, each named on standard error."""
    parser = argparse.ArgumentParser(prog="python -m grafana", description="Write the dashboards from their code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the JSON stands (default: %(default)s)")
    wish = parser.parse_args(arguments)
    boards = {uid: build() for uid, build in BOARDS.items()}
    if not wish.check:
        write(boards, wish.folder)
        return 0
    problems = stale(boards, wish.folder)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
