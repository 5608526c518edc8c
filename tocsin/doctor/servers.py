"""The store and every other InfluxDB: reachable, of a version that fits, and its token lets us write and read.

Nothing is written: an empty body is checked for bucket and token, and leaves no point.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from foundation.errors import ConfigError
from store.influxdb import InfluxConfig, read_trust
from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.patient import Patient
from tocsin.doctor.web import Answer, Door, Unreached, shown

_REFUSED: Final = 400
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_OLDEST: Final = (2, 0)
_NEWEST: Final = 3
_EMPTY: Final = b"#\n"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)")


class Servers:
    """Whether every InfluxDB that is configured can be used as it is configured."""

    name = "store"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        servers = list(patient.servers)
        if patient.config.store.kind == "embedded":
            yield fine(f"embedded: the collector keeps it in {patient.config.state}; query and probe say how it does")
        for key, server, bucket in servers:
            yield from _examine(patient, key, server, bucket)


def _examine(patient: Patient, key: str, server: InfluxConfig, bucket: str) -> Iterator[Finding]:
    try:
        trust = read_trust(server)
    except ConfigError as error:
        raise NotNow(str(error)) from error
    headers = {"Authorization": f"Token {server.token.reveal()}"}
    door = Door(patient.web, server.url.rstrip("/"), headers, trust)
    who = f"{key} at {shown(server.url)}"
    try:
        version = _VERSION.match(door.ask("/ping").headers.get("x-influxdb-version", ""))
        found = [_fit(key, who, version), _written(door, key, who, server.org, bucket)]
        if key == "store":
            found += _read(door, who, server.org, bucket, version)
    except Unreached as error:
        yield wrong(f"{key}: {error}", f"start it, or mend {key}.url; lines wait in the buffer meanwhile")
    else:
        yield from found


def _fit(key: str, who: str, version: re.Match[str] | None) -> Finding:
    if version is None:
        return hint(f"{who}: answers, and does not say that it is InfluxDB", f"see that {key}.url is the right one")
    text = f"InfluxDB {version[1]}.{version[2]}"
    if (int(version[1]), int(version[2])) < _OLDEST:
        return wrong(f"{who}: {text} is too old: buckets came with 2.0", "install InfluxDB 2")
    if int(version[1]) > _NEWEST:
        return hint(f"{who}: {text} is newer than this Tocsin knows", "`tocsin doctor` again after an upgrade")
    return fine(f"{who}: {text}")


def _written(door: Door, key: str, who: str, org: str, bucket: str) -> Finding:
    params = {"org": org, "bucket": bucket, "precision": "ns"}
    answer = door.ask("/api/v2/write", params, method="POST", body=_EMPTY)
    if answer.status < _REFUSED or (answer.status == _REFUSED and "point" in answer.said):
        return fine(f"{who}: bucket {bucket} may be written to")
    mends: Mapping[int, str] = {
        _UNAUTHORIZED: f"a token that is valid there, in {key}.token",
        _FORBIDDEN: f"let the token in {key}.token write to {bucket} (`influx auth create --write-bucket ID`)",
        _NOT_FOUND: f"`influx bucket create --name {bucket} --org {org}`, or mend {key}.org",
    }
    mend = mends.get(answer.status, "see the server's log")
    return wrong(f"{who}: bucket {bucket} cannot be written to: {answer.said}", mend)


def _read(door: Door, who: str, org: str, bucket: str, version: re.Match[str] | None) -> Iterator[Finding]:
    """By what the token sees of the bucket: InfluxDB 2 answers a query that it may not make with nothing at all."""
    answer = door.ask("/query", {"db": bucket, "q": "SHOW MEASUREMENTS LIMIT 1"})
    mend = f"let the token in store.token read {bucket} (`influx auth create --read-bucket ID`)"
    if answer.status == _UNAUTHORIZED:  # writing has said so
        return
    if answer.status >= _REFUSED:
        yield wrong(f"{who}: /query does not answer: {answer.said}", mend)
        return
    if version is not None and version[1] == "2":
        listed = door.ask("/api/v2/buckets", {"org": org, "name": bucket})
        if listed.status == _NOT_FOUND:
            return
        if not _lists(listed, bucket):
            yield wrong(f"{who}: the token may not read bucket {bucket}", mend)
            return
    yield fine(f"{who}: bucket {bucket} may be read")


def _lists(answer: Answer, bucket: str) -> bool:
    try:
        return any(one.get("name") == bucket for one in json.loads(answer.body).get("buckets", ()))
    except (ValueError, AttributeError):
        return False
