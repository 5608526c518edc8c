"""What the operating system allows and brings along: open files, time zones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tocsin.doctor.finding import Finding, fine, hint, wrong
from tocsin.doctor.patient import Patient

_LEAST_FILES: Final = 1_024
_FEW_FILES: Final = 4_096
_ZONE: Final = "Europe/Berlin"


class Limits:
    """Whether all senders can be connected at once, and whether calendars and tz() know their zones."""

    name = "limits"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Open files are those that this user's processes may have, as a start from this shell would."""
        files = patient.machine.open_files()
        mend = "`ulimit -Hn 65536` as root before the start, or LimitNOFILE=65536 in its systemd unit"
        if files < _LEAST_FILES:
            yield wrong(f"a process may have {files} files open: each sender that is connected is one", mend)
        elif files < _FEW_FILES:
            yield hint(f"a process may have {files} files open: each sender that is connected is one", mend)
        if not patient.machine.knows_zone(_ZONE):
            yield wrong("time zones are not known, so calendars and tz() fail", "`make setup` installs tzdata")
        elif files >= _FEW_FILES:
            yield fine(f"{files} open files, and time zones are known")
