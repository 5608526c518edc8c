"""Values to JSON and back, as they stand in the SQLite file. A change here is a change of the file's format.

`sqlite` calls it. The invariant: what comes back equals what went in. Keys that are unknown are passed over and keys
that are missing take the default, so that a field can be added without a new format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import orjson

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Alert, Datapoint, Labels, Level, State
from alerting.memory.contract import HistoryEntry, Words
from alerting.muting.silence import Silence
from alerting.notify.contract import AlertView, Message, Status
from alerting.recent import Recent
from alerting.routing.group import HEARD, Group, GroupKey, Heard, Member
from alerting.routing.matchers import parse
from alerting.routing.tree import Timers


def encode(value: Any) -> bytes:
    """A dataclass of this package as JSON."""
    return orjson.dumps(value, default=_plain)


def key_bytes(key: GroupKey) -> bytes:
    """Names a group in the file."""
    return orjson.dumps([key.receiver, key.labels])


def group_bytes(group: Group) -> bytes:
    """A group without its members, which have rows of their own."""
    timers = group.timers
    return encode(
        {
            "receiver": group.key.receiver,
            "labels": group.key.labels,
            "timers": {
                "wait": timers.wait.total_seconds(),
                "interval": timers.interval.total_seconds(),
                "repeat": timers.repeat.total_seconds(),
                "mute": timers.mute,
                "active": timers.active,
            },
            "opened_at": group.opened_at,
            "due": group.due,
            "flushed_at": group.flushed_at,
            "said_at": group.said_at,
            "spared_at": group.spared_at,
            "taken": group.taken,
        }
    )


class Shared:
    """What was met before while a file is read, so that values that are equal are one object."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}
        self._labels: dict[Labels, Labels] = {}
        self._texts: dict[str, str] = {}
        self._times: dict[str, datetime] = {}

    def labels(self, labels: Labels) -> Labels:
        """These labels, as they were met before."""
        known = self._labels.get(labels)
        if known is None:
            known = tuple(self._pairs.setdefault(pair, pair) for pair in labels)
            self._labels[known] = known
        return known

    def text(self, text: str) -> str:
        """This text, as it was met before."""
        return self._texts.setdefault(text, text)

    def time(self, text: str) -> datetime:
        """The time that is written so."""
        known = self._times.get(text)
        if known is None:
            known = self._times[text] = datetime.fromisoformat(text)
        return known

    def time_or_none(self, text: str | None) -> datetime | None:
        """The same, where there is one."""
        return self.time(text) if text else None


def alert(data: bytes, shared: Shared | None = None) -> Alert:
    """What `encode` made of an Alert."""
    doc = orjson.loads(data)
    shared = shared or Shared()
    return Alert(
        rule=shared.text(doc["rule"]),
        labels=shared.labels(_labels(doc["labels"])),
        state=State(doc["state"]),
        level=Level(doc["level"]),
        value=doc["value"],
        threshold=doc["threshold"],
        since=shared.time_or_none(doc["since"]),
        fired_at=shared.time_or_none(doc["fired_at"]),
        calm_since=shared.time_or_none(doc["calm_since"]),
        seen_at=shared.time_or_none(doc["seen_at"]),
        quiet_s=doc["quiet_s"],
        recent=Recent(Datapoint(shared.time(point["at"]), point["value"]) for point in doc["recent"]),
        fires=tuple(map(shared.time, doc.get("fires", ()))),
        is_flapping=doc.get("is_flapping", False),
    )


def words(data: bytes | None) -> Words:
    """What `encode` made of Words; none were said when there is nothing."""
    return Words(**_known(Words, orjson.loads(data))) if data else Words()


def group(data: bytes, members: Mapping[str, Member]) -> Group:
    """What `group_bytes` made of a Group."""
    doc = orjson.loads(data)
    return Group(
        key=GroupKey(doc["receiver"], _labels(doc["labels"])),
        timers=_timers(doc["timers"]),
        opened_at=datetime.fromisoformat(doc["opened_at"]),
        due=datetime.fromisoformat(doc["due"]),
        flushed_at=_time(doc["flushed_at"]),
        said_at=_time(doc["said_at"]),
        spared_at=_time(doc.get("spared_at")),
        taken=doc.get("taken", {}),
        members=members,
    )


def member(data: bytes, shared: Shared) -> Member:
    """What `encode` made of a Member."""
    doc = orjson.loads(data)
    heard = doc.pop("heard", None)
    doc |= {
        "alert_id": shared.text(doc["alert_id"]),
        "labels": shared.labels(_labels(doc["labels"])),
        "runbook_url": shared.text(doc.get("runbook_url", "")),
        "state": State(doc["state"]),
        "level": Level(doc["level"]),
        "since": shared.time(doc["since"]),
        "ended": shared.time_or_none(doc["ended"]),
    }
    return Member(**_known(Member, doc), heard=_heard(heard) if heard else None)


def _heard(doc: Mapping[str, Any]) -> Heard:
    return HEARD[Level(doc["level"]), State(doc["state"])]


def message(data: bytes) -> Message:
    """What `encode` made of a Message."""
    doc = orjson.loads(data)
    doc |= {
        "status": Status(doc["status"]),
        "alerts": tuple(_view(view) for view in doc["alerts"]),
        "decided_at": datetime.fromisoformat(doc["decided_at"]),
        "muted": tuple(doc.get("muted", ())),
    }
    return Message(**_known(Message, doc))


def history_entry(data: bytes) -> HistoryEntry:
    """What `encode` made of a HistoryEntry."""
    doc = orjson.loads(data)
    doc |= {"at": datetime.fromisoformat(doc["at"]), "labels": _labels(doc["labels"])}
    return HistoryEntry(**_known(HistoryEntry, doc))


def silence(data: bytes) -> Silence:
    """What `silence_bytes` made of a Silence."""
    doc = orjson.loads(data)
    doc |= {name: datetime.fromisoformat(doc[name]) for name in ("starts_at", "ends_at", "created_at")}
    doc["matchers"] = tuple(matcher for text in doc["matchers"] for matcher in parse(text))
    return Silence(**_known(Silence, doc))


def silence_bytes(one: Silence) -> bytes:
    """A silence, its matchers as people write them."""
    doc = {field.name: getattr(one, field.name) for field in fields(one)}
    return encode(doc | {"matchers": [str(matcher) for matcher in one.matchers]})


def acknowledgement(data: bytes) -> Acknowledgement:
    """What `encode` made of an Acknowledgement."""
    return _acknowledgement(orjson.loads(data))


def _acknowledgement(doc: Mapping[str, Any]) -> Acknowledgement:
    read = {"level": Level(doc["level"]), "at": datetime.fromisoformat(doc["at"])}
    return Acknowledgement(**_known(Acknowledgement, {**doc, **read}))


def _timers(doc: Mapping[str, Any]) -> Timers:
    spans = {name: timedelta(seconds=doc[name]) for name in ("wait", "interval", "repeat")}
    return Timers(**spans, mute=tuple(doc.get("mute", ())), active=tuple(doc.get("active", ())))


def _view(doc: dict[str, Any]) -> AlertView:
    times = {"since": datetime.fromisoformat(doc["since"]), "ended": _time(doc["ended"])}
    one = doc.get("acknowledged")
    taken = {"acknowledged": _acknowledgement(one) if one else None}
    return AlertView(**_known(AlertView, doc | times | taken | {"status": Status(doc["status"])}))


def _known(kind: type[Any], doc: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: doc[field.name] for field in fields(kind) if field.name in doc}


def _plain(value: Any) -> Any:
    if isinstance(value, Recent):
        return tuple(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in the file")


def _labels(pairs: list[list[str]]) -> Labels:
    return tuple((name, value) for name, value in pairs)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
