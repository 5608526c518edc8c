"""The collector: whether it accepts, what waits, what became dead, and a reading that goes in and comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tocsin.doctor.finding import Finding, fine, hint, wrong
from tocsin.doctor.patient import Patient
from tocsin.doctor.web import Answer, Denied, Door, read

_OLD_S: Final = 60.0
_VERY_OLD_S: Final = 600.0
_LATELY_H: Final = 24
_MOST_LETTERS: Final = 1000
_TAKEN: Final = 204
_REFUSED: Final = 400
_DENIED: Final = (401, 403)
_MENDS: Final = {
    "token_refused": "a new token for it, in `token` of its section",
    "bucket_missing": "make the bucket there, or mend `bucket` or `buckets`",
    "bucket_forbidden": "let its token write to the bucket",
    "certificate_refused": "`ca_file` of its section",
}
_SEE_BACKUP: Final = "see what the log says of it, and docs/backup.md"
_SEE_DELIVERY: Final = "see that it runs and can be reached (docs/delivery.md); nothing is lost meanwhile"


class Collector:
    """Whether lines are accepted, and how long the oldest waits to be stored."""

    name = "collector"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        ready = _readiness(patient)
        lines, age = ready["buffered_lines"], ready["buffer_age_s"]
        if ready["status"] != "ready":
            yield wrong(f"accepts nothing: {ready['status']}", "see `tocsin status` and the checks below")
        waits = f"{lines} lines wait to be stored, the oldest for {age:.0f} s"
        if age > _VERY_OLD_S:
            yield wrong(waits, "`tocsin status` says for whom")
        elif age > _OLD_S:
            yield hint(waits, "`tocsin status` says for whom")
        elif ready["status"] == "ready":
            yield fine("accepts lines" + (f"; {waits}" if lines else "; all are stored"))


class Destinations:
    """Whether every destination takes what it is sent."""

    name = "destinations"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        for one in _readiness(patient)["destinations"]:
            reasons = one["waits_for"]
            for what in one["lacks"]:
                yield wrong(f"{one['name']}: {what}", _SEE_BACKUP)
            if reasons:
                words = f"{one['name']}: {one['buffered_lines']} lines wait for it: {', '.join(reasons)}"
                yield wrong(words, next((_MENDS[reason] for reason in reasons if reason in _MENDS), _SEE_DELIVERY))
            else:
                yield fine(f"{one['name']} takes what it is sent")


class DeadLetters:
    """Whether lines were refused for good lately, and why most of them."""

    name = "dead letters"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check: of the last day."""
        since = patient.clock.now_ns() - _LATELY_H * 3600 * 10**9
        count = patient.collector.json("/api/v1/dead/count", {"since_ns": since})["letters"]
        if not count:
            yield fine(f"none in the last {_LATELY_H} h")
            return
        letters = patient.collector.json("/api/v1/dead", {"since_ns": since, "limit": _MOST_LETTERS})["letters"]
        kinds = Counter(letter["kind"] or letter["reason"] for letter in letters)
        why, most = kinds.most_common(1)[0] if kinds else ("unknown", 0)
        words = f"{count} in the last {_LATELY_H} h; of the first {len(letters)} most often ({most}): {why}"
        yield hint(words, "`tocsin dead list --since 1d`; mend the sender, then `tocsin dead replay`")


class Probe:
    """Writes one reading, `tocsin_probe`, and asks for it until it comes out: the only thing that a doctor changes."""

    name = "probe"

    def __init__(self, deadline_s: float = 20.0) -> None:
        self._deadline_s = deadline_s

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        door, bucket, now = patient.collector, patient.config.collector.bucket, patient.clock.now_ns()
        line = f"tocsin_probe,by=doctor value=1i {now}".encode()
        started = patient.clock.monotonic()
        written = door.ask("/api/v2/write", {"bucket": bucket, "precision": "ns"}, method="POST", body=line)
        if written.status != _TAKEN:
            yield self._refused(written)
            return
        query = {"db": bucket, "epoch": "ns", "q": f"SELECT value FROM tocsin_probe WHERE time = {now}"}  # noqa: S608 - a number of our own
        problem = ""
        while patient.clock.monotonic() - started < self._deadline_s:
            problem, found = asked(door, query)
            if found:
                took = patient.clock.monotonic() - started
                yield fine(f"a reading that went in came out of /query after {took:.1f} s")
                return
            patient.machine.pause(0.2)
        words = f"a reading was acknowledged and did not come out of /query within {self._deadline_s:g} s"
        yield wrong(
            f"{words}{f': {problem}' if problem else ''}", "`tocsin status` says where it waits; it is not lost"
        )

    @staticmethod
    def _refused(written: Answer) -> Finding:
        mend = "`tocsin explain 'tocsin_probe,by=doctor value=1i'` says why"
        if written.status in _DENIED:
            mend = "run the doctor as the user who owns the state folder"
        return wrong(f"a reading was not taken: {written.said}", mend)


class Queries:
    """Whether the collector's /query answers."""

    name = "query"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        bucket = patient.config.collector.bucket
        problem, _ = asked(patient.collector, {"db": bucket, "q": "SHOW MEASUREMENTS LIMIT 1"})
        if problem:
            yield wrong(f"/query does not answer: {problem}", "see the store above, and the collector's log")
        else:
            yield fine(f"/query answers from bucket {bucket}")


def _readiness(patient: Patient) -> Any:
    """The /ready of the collector, which says 503 where nothing is accepted."""
    door = patient.collector
    ready = read(door.ask("/ready"), "/ready")
    if not isinstance(ready, dict) or "destinations" not in ready:
        raise Denied("/ready is not that of a collector; does another version answer there?", _REFUSED)
    return ready


def asked(door: Door, query: dict[str, str]) -> tuple[str, bool]:
    """What is wrong with the answer of /query, or empty; whether it has a row. Raises Denied where we may not ask."""
    answer = door.ask("/query", query)
    if answer.status in _DENIED:
        raise Denied(f"/query: {answer.said}", answer.status)
    if answer.status >= _REFUSED:
        return answer.said, False
    [result, *_] = read(answer, "/query")["results"]
    return str(result.get("error", "")), bool(result.get("series"))
