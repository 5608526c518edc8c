"""Clocks: ours against the collector's and every InfluxDB's, by the Date that they answer with. Zones do not matter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from store.influxdb import read_trust
from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import Patient
from tocsin.doctor.web import Door, Unreached, shown

_OFF_S: Final = 2.0
_FAR_OFF_S: Final = 10.0


class Clocks:
    """Whether everybody means the same by now: a rule's window ends there, and a sender's timestamps are held to it."""

    name = "clock"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Whoever does not answer is left to the checks that say so."""
        asked = 0
        for whose, door in _doors(patient):
            try:
                found = _compare(patient, whose, door)
            except Unreached:
                continue
            asked += 1
            yield found
        if not asked:
            raise NotNow("nobody is there to compare it with")


def _doors(patient: Patient) -> Iterator[tuple[str, Door]]:
    with suppress(NotNow):
        yield "the collector", patient.collector
    for key, server, _ in patient.servers:
        yield f"{key} at {shown(server.url)}", Door(patient.web, server.url.rstrip("/"), trust=read_trust(server))


def _compare(patient: Patient, whose: str, door: Door) -> Finding:
    before = patient.clock.now()
    date = door.ask("/ping").headers.get("date", "")
    after = patient.clock.now()
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return hint(f"{whose} does not say what time it has", "see what answers there")
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    # The Date is a whole second, cut off: the true time is up to one second later.
    behind = (before - theirs).total_seconds() - 1
    ahead = (theirs - after).total_seconds()
    off = max(behind, ahead, 0.0)
    if off <= _OFF_S:
        return fine(f"agrees with that of {whose}")
    words = f"the clock of {whose} is {off:.0f} s {'behind' if behind > ahead else 'ahead of'} this machine's"
    mend = "let both follow NTP (`timedatectl set-ntp true`)"
    return wrong(words, mend) if off > _FAR_OFF_S else hint(words, mend)
