"""What a start would read: certificates, tokens, rules, receivers, boards, each as `tocsin check` reads it."""

from __future__ import annotations

from collections.abc import Iterator

from foundation.errors import ConfigError
from tocsin import check
from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import Patient

_MEND = "mend the file, then `tocsin check`; it is taken up without a restart"


class Part:
    """One kind of file. Finds every problem in it."""

    def __init__(self, name: str, kind: str) -> None:
        self._kind = kind
        self.name = name

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Raises NotNow where none is configured."""
        for kind, read in check.parts(patient.config):
            if kind == self._kind:
                yield from self._read(read)
                return
        raise NotNow("none is configured")

    def _read(self, read: check.Read) -> Iterator[Finding]:
        try:
            count = read()
        except ConfigError as error:
            for problem in error.problems:
                yield wrong(problem, _MEND)
            return
        if count:
            yield fine(check.counted(count, self._kind))
        elif self._kind == "rule":
            yield hint("there is no rule, so nothing is watched", "alerting.rules (docs/rules.md)")
        else:
            raise NotNow("none is configured")


class Told:
    """Whether anybody is told of an alert: the file of receivers."""

    name = "notify"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Without the file a hint only: alerts are shown all the same."""
        if patient.config.alerting.notify is None:
            yield hint(
                "no receiver is configured, so nobody is told of an alert", "alerting.notify (docs/notifications.md)"
            )
        else:
            yield from Part(self.name, "receiver").look(patient)


class Heartbeat:
    """Whether an outside address would notice that this machine is gone."""

    name = "heartbeat"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Its address is a secret, so it is neither asked nor shown."""
        one = patient.config.alerting.heartbeat
        if one is None:
            yield hint(
                "nobody hears when this machine itself goes silent", "alerting.heartbeat (docs/notifications.md)"
            )
        else:
            yield fine(f"a sign of life is sent every {one.every.total_seconds():g} s")
