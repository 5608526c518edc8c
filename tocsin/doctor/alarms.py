"""Alerting: rules that see nothing, receivers that cannot be told, silences that end soon or hold nothing back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from tocsin.doctor.finding import Finding, fine, hint, wrong
from tocsin.doctor.patient import Patient

_SOON: Final = timedelta(hours=1)
_LATELY: Final = timedelta(days=1)
_WAITING_S: Final = 60.0
_OPEN: Final = re.compile(r'tocsin_alerting_circuit_open\{notifier="([^"]*)",receiver="([^"]*)"\} 1')


class Evaluation:
    """Whether every rule can be evaluated, finds data, and is the one that stands in the files."""

    name = "evaluation"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        config = patient.alerting.json("/api/v1/status")["config"]
        for error in config["errors"]:
            yield wrong(f"the last good configuration is in force, for: {error}", "mend the file, then `tocsin check`")
        if config["restart_needed"]:
            yield hint(f"changed since the start: {', '.join(config['restart_needed'])}", "restart it: `tocsin up`")
        rules = patient.alerting.json("/api/v1/rules")["rules"]
        bad = [rule for rule in rules if rule["health"] in ("error", "blind")]
        for rule in bad:
            word = "is blind" if rule["health"] == "blind" else "failed the last time"
            yield wrong(f"rule {rule['name']} {word}: {rule['error']}", f"mend its query in {rule['file']}")
        empty = [rule["name"] for rule in rules if rule["health"] == "ok" and not rule["series"]]
        if empty:
            words = f"{len(empty)} of {len(rules)} rules find no data: {', '.join(empty)}"
            yield hint(words, "send what they ask for, or see whether their query names what is sent (`tocsin query`)")
        if not bad:
            yield fine(f"{len(rules)} rules, none fails")


class Receivers:
    """Whether everybody who is to be told can be."""

    name = "receivers"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check: messages refused for good in the last day, those that wait, and open circuits."""
        door = patient.alerting
        status = door.json("/api/v1/status")
        listed = door.json("/api/v1/notifications")
        log = "mend it in the file that alerting.notify names; `tocsin rule preview ALERT` shows the message"
        found: dict[str, Finding] = {}
        for one in listed["failed"]:
            if patient.clock.now() - datetime.fromisoformat(one["decided_at"]) < _LATELY:
                who = f"{one['receiver']}: {one['notifier']}"
                found.setdefault(who, wrong(f"{who} refused a message for good: {one['last_error']}", log))
        for one in listed["pending"]:
            who = f"{one['receiver']}: {one['notifier']}"
            if one["last_error"] or one["age_s"] > _WAITING_S:
                why = one["last_error"] or "not tried yet"
                words = f"{who} has not taken a message for {one['age_s']:.0f} s: {why}"
                found.setdefault(who, wrong(words, "see that it can be reached; it is tried again"))
        for notifier, receiver in _OPEN.findall(door.ask("/metrics").body.decode("utf-8", "replace")):
            who = f"{receiver}: {notifier}"
            words = f"{who} failed so often that it is tried with one message at a time"
            found.setdefault(who, wrong(words, "see that it can be reached; it is tried again"))
        yield from found.values()
        names = status["receivers"]
        if not found:
            yield fine(f"{', '.join(names)}: none has failed lately" if names else "there is none")


class Changes:
    """Whether people can silence and acknowledge: with the token that the console sends, on what is not there."""

    name = "changes"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check: an end is asked of a silence that nobody made, which changes nothing."""
        said = patient.changes.ask("/api/v1/silences/doctor", method="DELETE")
        if said.status == HTTPStatus.FORBIDDEN:
            words = "nobody can silence or acknowledge: others can reach alerting, and it has no alerting.admin_token"
            yield wrong(words, "set alerting.admin_token, and restart alerting")
        elif said.status == HTTPStatus.UNAUTHORIZED:
            words = "nobody can silence or acknowledge in the console: alerting does not take the token that it sends"
            yield wrong(words, "let console.alerting_token be what alerting.admin_token is")
        else:
            yield fine("people can silence and acknowledge")


class Silences:
    """Which silences end soon, and which hold nothing back."""

    name = "silences"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        silences = patient.alerting.json("/api/v1/silences")["silences"]
        active = [one for one in silences if one["phase"] == "active"]
        odd = 0
        for one in active:
            what = f"{one['id']} ({', '.join(one['matchers'])}, {one['author']}: {one['comment']})"
            left = datetime.fromisoformat(one["ends_at"]) - patient.clock.now()
            if left < _SOON:
                odd += 1
                matchers = " ".join(f"'{matcher}'" for matcher in one["matchers"])
                longer = f"`tocsin silence add {matchers} --for 2h --comment WHY --change {one['id']}`"
                minutes = max(0, int(left.total_seconds() // 60))
                yield hint(
                    f"{what} ends in {minutes} min; {one['alerts']} open alerts page then", f"to go on: {longer}"
                )
            elif not one["alerts"]:
                odd += 1
                yield hint(f"{what} matches no open alert", f"if it is not needed: `tocsin silence expire {one['id']}`")
        if not odd:
            yield fine(f"{len(active)} in force" if active else "none is in force")
