"""Certificates that our roles listen with: whether they can be used, for how long still, and for the names in use."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from foundation import tls
from foundation.errors import ConfigError
from foundation.web import Address
from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import Patient
from tocsin.keyring import SPEAKERS
from tocsin.reaching import tls_of

_SOON: Final = timedelta(days=14)
_ANY: Final = ("0.0.0.0", "::", "")  # noqa: S104 - addresses that are nobody's name


class Certificates:
    """Every certificate of the configuration, as a start would read it. One that ends within two weeks is a hint."""

    name = "certificate"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check. Raises NotNow where none is configured."""
        spoken = [(role, own) for role in SPEAKERS if (own := tls_of(patient.config, role)) is not None]
        if not spoken:
            raise NotNow("none is configured")
        for role, own in spoken:
            try:
                certificate = tls.presented(own, role)
            except ConfigError as error:
                for problem in error.problems:
                    yield wrong(problem, "mend the file, then `tocsin check`; it is taken up without a restart")
            else:
                yield from _judged(patient, role, own.certificate.name, certificate)


def _judged(patient: Patient, role: str, file: str, certificate: Mapping[str, Any]) -> Iterator[Finding]:
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    left = until - patient.clock.now()
    renew = "renew it: new files are taken up without a restart (docs/running.md)"
    holds = f"{role}: {file} holds until {until:%Y-%m-%d %H:%M} UTC"
    yield hint(f"{holds}, {left.days} days", renew) if left < _SOON else fine(holds)
    named = [str(value) for _, value in certificate.get("subjectAltName", ())]
    for key, name in _names(patient, role):
        if not any(_covers(one, name) for one in named):
            words = f"{role}: {file} is for {', '.join(named) or 'no name'}, and not for {name} of {key}"
            yield hint(words, f"have it issued for {name} too, or mend {key}; else clients refuse it")


def _names(patient: Patient, role: str) -> Iterator[tuple[str, str]]:
    """By which names clients reach the role, as far as the configuration says: key, name."""
    config = patient.config
    collector, alerting, console = config.collector.listen, config.alerting.listen, config.console.listen
    address = Address.parse({"collector": collector, "alerting": alerting, "console": console}[role])
    if address.host not in _ANY and not address.loopback:
        yield f"{role}.listen", address.host
    public = urlsplit(config.console.public_url)
    if role == "console" and public.scheme == "https" and public.hostname:
        yield "console.public_url", public.hostname


def _covers(named: str, name: str) -> bool:
    named, name = named.lower(), name.lower()
    return named == name or (named.startswith("*.") and name.partition(".")[2] == named[2:])
