"""Restores a backup and is killed at one moment: python -m tests.fakes.restore_child CONFIG BACKUP MOMENT.

MOMENT counts the files that are about to be copied or to get their names; the one behind the last never comes. `half`
kills while the largest file is being written, with half of it on disk.
"""

import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from tocsin.__main__ import main

HALF = "half"
_WATCHED = ("shutil.copyfile", "os.rename")


def die_at(moment: int) -> None:
    """From here on, be killed in front of the event with that number."""
    met = 0

    def watch(event: str, _: tuple[Any, ...]) -> None:
        nonlocal met
        if event in _WATCHED:
            if met == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            met += 1

    sys.addaudithook(watch)


def die_beyond(size_bytes: int) -> None:
    """From here on, be killed by whatever makes a file larger."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


if __name__ == "__main__":
    config, backup, when = sys.argv[1:]
    if when == HALF:
        die_beyond(max(path.stat().st_size for path in Path(backup).iterdir()) // 2)
    else:
        die_at(int(when))
    sys.exit(main(["restore", "--config", config, backup]))
