"""Whether whoever is to be told of an alert can be reached from here: a connection, over which nothing is sent."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from alerting.config import load_notify
from alerting.notify.slack import SlackConfig
from foundation.errors import ConfigError
from foundation.secret import Secret
from tocsin.check import STAND_IN
from tocsin.doctor.finding import Finding, NotNow, fine, wrong
from tocsin.doctor.patient import Patient

_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443, "smtp": 25, "smtps": 465, "smtp+starttls": 587}


class Reach:
    """Connects to the host and port of every receiver, once each. Nothing but these is told of their addresses."""

    name = "reach"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Raises NotNow where nobody is told, or where another machine or container tells them."""
        notify = patient.config.alerting.notify
        if notify is None:
            raise NotNow("no receiver is configured")
        if "alerting" in patient.elsewhere and "alerting" not in patient.announced:
            raise NotNow("alerting runs elsewhere")
        try:
            receivers = load_notify(notify, {**STAND_IN, **_demo(patient), **os.environ}).receivers
        except ConfigError as error:
            raise NotNow("the file of receivers has a fault") from error
        reached: dict[tuple[str, int], list[str]] = defaultdict(list)
        for receiver in receivers:
            for kind, config in receiver.notifiers:
                if (place := _place(config)) is not None:
                    reached[place].append(f"{receiver.name}: {kind}")
        if not reached:
            raise NotNow("no receiver has an address of its own")
        for (host, port), who in sorted(reached.items()):
            yield self._one(patient, host, port, ", ".join(sorted(set(who))))

    def _one(self, patient: Patient, host: str, port: int, who: str) -> Finding:
        why = patient.machine.unreached(host, port)
        if not why:
            return fine(f"{who}: {host}:{port} takes connections")
        words = f"{who}: {host}:{port} cannot be reached: {why}"
        return wrong(words, "see its address in the file that alerting.notify names, the name server, and the firewall")


def _demo(patient: Patient) -> Mapping[str, str]:
    """Where the demo's stand-in pager really is, as `tocsin up --demo` tells its receivers."""
    where = patient.announced.get("demo")
    return {"DEMO_PAGER_URL": f"http://{where}"} if where else {}


def _place(config: Any) -> tuple[str, int] | None:
    """Host and port, where a notifier says them; of what goes through a library only that knows."""
    if isinstance(config, SlackConfig):
        found: object = config.api_url if config.place is not None else config.address
    else:
        found = getattr(config, "smtp", None) or getattr(config, "url", None)
    parts = urlsplit(found.reveal() if isinstance(found, Secret) else str(found or ""))
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.hostname, parts.port or _PORTS[parts.scheme]
