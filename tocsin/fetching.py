"""A copy of another machine's store, brought here: at a bounded rate, going on where a connection broke, verified.

Called by `copying`. Invariant: what `fetch` leaves has the size and the SHA-256 that the collector told.
"""

from __future__ import annotations

import hashlib
import http.client
import time
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from foundation.backoff import Backoff
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from store.errors import StoreUnavailable
from tocsin.archive import NO_ROOM
from tocsin.asking import Collector, Refused

COPY = "/api/v1/copy"
_CHUNK_BYTES = 1 << 18
_PATIENCE_S = 120.0
_BACKOFF = Backoff(first_s=0.5, most_s=10.0)
_MOST_BREAKS = 8
"""One after the other without a byte in between: then it is given up."""


def fetch(
    collector: Collector, name: str, place: Path, rate: int | None = None, *, backoff: Backoff = _BACKOFF
) -> None:
    """Bring the copy `name` to `place`, at most `rate` bytes a second. What stands there is overwritten.

    Raises Refused, OSError where there is no room here, and StoreUnavailable where the connection breaks again and
    again or the bytes are not those of the copy.
    """
    breaks = 0
    with place.open("wb") as file:
        size, digest = -1, b""
        while file.tell() != size:
            before = file.tell()
            try:
                size, digest = _go_on(collector, name, file, rate)
            except (URLError, OSError, http.client.HTTPException) as error:
                if isinstance(error, OSError) and error.errno in NO_ROOM:
                    raise
                breaks = 0 if file.tell() > before else breaks + 1
                if breaks >= _MOST_BREAKS:
                    raise StoreUnavailable(f"{collector.url}: the copy could not be fetched ({error})") from error
                time.sleep(backoff.delay_s(breaks, 0.0))
    with place.open("rb") as file:
        if hashlib.file_digest(file, "sha256").digest() != digest:
            raise StoreUnavailable("the copy was changed on its way; it was thrown away")


def forget(collector: Collector, name: str) -> None:
    """Have the copy removed there; one that stays is removed a day later, by the next copy."""
    with suppress(Refused, ConfigError, ValueError):
        collector.ask(COPY, {"file": name}, method="DELETE")


def _go_on(collector: Collector, name: str, file: BinaryIO, rate: int | None) -> tuple[int, bytes]:
    """Write what comes behind what is there; size and SHA-256 of the whole."""
    start, clock = file.tell(), SystemClock()
    headers = {**collector.headers(), "Range": f"bytes={start}-"}
    request = Request(f"{collector.url}{COPY}?{urlencode({'file': name})}", headers=headers)  # noqa: S310 - checked by Collector
    began = clock.monotonic()
    try:
        with urlopen(request, timeout=_PATIENCE_S, context=collector.trust) as reply:  # noqa: S310 - the same
            size = int(reply.headers["Content-Range"].rpartition("/")[2])
            digest = b64decode(reply.headers["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":"))
            while chunk := reply.read(_CHUNK_BYTES):
                file.write(chunk)
                if rate:
                    time.sleep(max((file.tell() - start) / rate - (clock.monotonic() - began), 0.0))
    except HTTPError as error:
        raise Refused(f"{error.read().decode('utf-8', 'replace').strip()} (HTTP {error.code})") from error
    if file.tell() != size:
        raise http.client.IncompleteRead(b"", size - file.tell())
    return size, digest
