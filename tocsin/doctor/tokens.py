"""Tokens of the collector: whether there are some where they are needed, and who has one that is of no use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from collector.intake.access import check_mode
from collector.tokens import OWN, Grant, Scope
from foundation.errors import ConfigError
from foundation.web import Address
from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import ELSEWHERE, Patient
from tocsin.doctor.web import Denied, Unreached
from tocsin.tokens import open_book

_SOON: Final = timedelta(days=7)


class Tokens:
    """Whether somebody can write at all, whose token is over, and who never used one. No token is shown."""

    name = "tokens"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        if patient.is_collector_elsewhere:
            raise NotNow(ELSEWHERE)
        config = patient.config.collector
        book = open_book(patient.config.state)
        try:
            grants = [grant for grant in book.list() if grant.name != OWN]
            check_mode(config.tokens, Address.parse(config.listen), book)
        except ConfigError as error:
            for problem in error.problems:
                yield wrong(problem, "collector.tokens, or `tocsin token list`")
            return
        if config.tokens == "open":
            yield fine("none is needed: whoever reaches the loopback address may write")
        elif not any(grant.allows(Scope.WRITE) and not grant.expired(patient.clock.now()) for grant in grants):
            yield wrong("tokens are required, and nobody has one that may write", "`tocsin token create NAME`")
        else:
            yield fine(f"{len(grants)} made")
        yield from _mortal(patient, grants)
        yield from _unused(patient, grants)


def _mortal(patient: Patient, grants: Sequence[Grant]) -> Iterator[Finding]:
    now = patient.clock.now()
    for grant in grants:
        if grant.expires is None:
            continue
        renew = f"`tocsin token revoke {grant.name}`, then `tocsin token create {grant.name}`"
        if grant.expired(now):
            yield wrong(f"the token of {grant.name} expired at {grant.expires:%Y-%m-%d %H:%M} UTC", renew)
        elif grant.expires - now < _SOON:
            yield hint(f"the token of {grant.name} expires at {grant.expires:%Y-%m-%d %H:%M} UTC", renew)


def _unused(patient: Patient, grants: Sequence[Grant]) -> Iterator[Finding]:
    """Who may write and has not since the collector started; nothing where it cannot be asked, which others tell."""
    try:
        ledger = patient.collector.json("/api/v1/ledger")
    except (NotNow, Unreached, Denied):
        return
    seen = {source for bucket in ledger["buckets"] for source in bucket["sources"]}
    now = patient.clock.now()
    idle = [
        grant.name
        for grant in grants
        if Scope.WRITE in grant.scopes and not grant.expired(now) and f"token:{grant.name}" not in seen
    ]
    if idle:
        words = f"never used since the collector started: {', '.join(idle)}"
        yield hint(words, "set up those who should send, or `tocsin token revoke NAME`")
