"""Versions: Python, the machine, and the packages that we stand on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tocsin.doctor.finding import Finding, fine, hint, wrong
from tocsin.doctor.patient import Patient

_OLDEST: Final = (3, 11)
_PROVEN: Final = ("linux x86_64", "linux aarch64", "darwin arm64")
"""Where every package has a wheel (`required-environments` in pyproject.toml)."""


class Versions:
    """Whether this Python, this machine and what is installed fit."""

    name = "versions"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        machine = patient.machine
        python = ".".join(map(str, machine.python()))
        if machine.python() < _OLDEST:
            yield wrong(f"Python {python} is too old", "install Python 3.11 or newer, then `make setup`")
        if machine.platform() not in _PROVEN:
            words = f"{machine.platform()}: packages may have to be built here; proven are {', '.join(_PROVEN)}"
            yield hint(words, "`make setup` says which")
        old = [
            f"{name} {installed or 'is missing'} (needs {least})"
            for name, (least, installed) in sorted(machine.packages().items())
            if _numbers(installed) < _numbers(least)
        ]
        if old:
            yield wrong(f"packages do not fit: {', '.join(old)}", "`make setup`")
        else:
            yield fine(f"Python {python} on {machine.platform()}, and every package is new enough")


def _numbers(version: str) -> tuple[int, ...]:
    found = tuple(int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0]))
    while found and not found[-1]:
        found = found[:-1]
    return found
