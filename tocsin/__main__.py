"""Arguments in, exit code out: 0 done, 1 it ran and the answer is no, 2 it could not run (usage, configuration)."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from foundation.allocation import share_heaps
from foundation.errors import ConfigError
from tocsin.arguments import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Errors of configuration are told on standard error, a line each."""
    arguments = parser().parse_args(argv)
    share_heaps()
    try:
        return int(importlib.import_module(f"tocsin.{arguments.module}").run(arguments))
    except ConfigError as error:
        for problem in error.problems:
            print(f"tocsin: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:  # whoever read has enough, and what is left to flush at the end is for nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(f"tocsin: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
