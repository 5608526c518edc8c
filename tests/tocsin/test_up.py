"""A process starts where the disk is full, and says where it listens as soon as that can be written down."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from foundation import listen
from foundation.errors import ConfigError
from tests.fakes.process import ROOT
from tocsin.up import announce

WHERE = {"collector": "127.0.0.1:41234"}


@pytest.mark.looptime
async def test_addresses_are_written_down_when_there_is_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried again until the disk takes it; nobody reads half of it meanwhile."""
    tries: list[int] = []
    sync = os.fsync

    def sometimes(descriptor: int) -> None:
        tries.append(descriptor)
        if len(tries) < 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sometimes)
    await announce(tmp_path, WHERE)
    assert len(tries) == 4
    assert listen.addresses(tmp_path) == WHERE


async def test_a_folder_that_can_never_be_written_to_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only file system does not mend itself."""

    def never(_descriptor: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", never)
    with pytest.raises(ConfigError, match="Read-only file system; choose another"):
        await announce(tmp_path, WHERE)


def test_a_process_opens_as_many_files_as_it_may() -> None:
    """A shell hands down few, and each sender that is connected takes one."""
    code = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
from tocsin.up import open_many_files
open_many_files()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
