"""`tocsin import FILE|FOLDER`: lines of a file, or an export as Parquet, through the collector's front door, in bodies
that everybody may send.

A body that cannot be taken now is sent again until it is, so a full buffer only slows an import down.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from foundation.errors import ConfigError
from foundation.line_protocol.line import LineError
from foundation.line_protocol.split import line_end, split_lines
from store.embedded.parquet import lines_of
from tocsin.asking import Collector

_DEFAULT_BUCKET = "telemetry"
_READ_BYTES = 1 << 20
_MOST_LINES = 5_000
_MOST_OPEN_BYTES = 4 << 20
"""Behind a quote that nothing closes, the rest of a file would be one line."""
_PATIENCE_S = 60.0
_PAUSE_S = 1.0
_MOST_TOLD = 10
_FIRST_ERROR = 400
_AGAIN = frozenset({429, 503})
_PARTIAL = frozenset({400, 422})


class Readable(Protocol):
    """A file, packed or not."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, none at the end."""


@dataclass(slots=True)
class _Done:
    accepted: int = 0
    rejected: int = 0
    told: int = 0


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every line was accepted, 1 when some were refused, 2 when nobody can be asked."""
    bring = _bring_folder if arguments.file.is_dir() else _bring_file
    done = asyncio.run(bring(Collector(arguments), arguments.file, arguments.bucket or ""))
    if arguments.json:
        print(json.dumps({"accepted": done.accepted, "refused": done.rejected}))
    else:
        print(f"accepted {done.accepted}, refused {done.rejected}")
    return 1 if done.rejected else 0


def bodies(file: Readable) -> Iterator[bytes]:
    """The file in bodies of whole lines: a string may hold newlines."""
    text, more = b"", True
    while more:
        read = file.read(_READ_BYTES)
        more = bool(read)
        text += read
        start = at = lines = 0
        while at < len(text):
            end = line_end(text, at)
            if end == len(text) and more and len(text) - at < _MOST_OPEN_BYTES:
                break
            at = end + 1
            lines += 1
            if lines == _MOST_LINES:
                yield text[start:at]
                start, lines = at, 0
        if lines:
            yield text[start:at]
        text = text[at:]


async def _bring_folder(collector: Collector, folder: Path, bucket: str) -> _Done:
    """All files of an export: into `bucket`; where none is named, into those that they came from."""
    done = _Done()

    def leave_out(error: LineError) -> None:
        _tell(done, 1, str(error))

    for own, lines in lines_of(folder, leave_out):
        for body in bodies(BytesIO(lines)):
            await _send(collector, _url(collector, bucket or own), body, done)
    return done


async def _bring_file(collector: Collector, path: Path, bucket: str) -> _Done:
    done = _Done()
    url = _url(collector, bucket or _DEFAULT_BUCKET)
    with path.open("rb") as packed:
        file = gzip.GzipFile(fileobj=packed) if path.suffix == ".gz" else packed
        try:
            for body in bodies(file):
                await _send(collector, url, body, done)
        except (EOFError, gzip.BadGzipFile) as error:
            told = f"cannot be unpacked to its end ({error})"
            raise ConfigError(f"{path}: {told}; {done.accepted} lines are in") from error
    return done


def _url(collector: Collector, bucket: str) -> str:
    return f"{collector.url}/api/v2/write?{urlencode({'bucket': bucket})}"


async def _send(collector: Collector, url: str, body: bytes, done: _Done) -> None:
    """Until it is taken or refused. Raises ConfigError where nobody answers, or the token does not suffice."""
    status, answer, after_s = await asyncio.to_thread(_post, collector, url, body)
    while status in _AGAIN:
        await asyncio.sleep(after_s)
        status, answer, after_s = await asyncio.to_thread(_post, collector, url, body)
    if status >= _FIRST_ERROR and status not in _PARTIAL:
        raise ConfigError(f"{url}: {answer.get('message', '')} (HTTP {status}); {done.accepted} lines are in")
    lines = sum(1 for _ in split_lines(body))
    rejected = answer.get("rejected", lines) if status in _PARTIAL else 0
    done.accepted += lines - rejected
    if rejected:
        _tell(done, rejected, answer.get("message", ""))


def _tell(done: _Done, rejected: int, why: str) -> None:
    done.rejected += rejected
    if done.told < _MOST_TOLD:
        done.told += 1
        print(f"tocsin import: {why}", file=sys.stderr)


def _post(collector: Collector, url: str, body: bytes) -> tuple[int, dict[str, Any], float]:
    """Status, what the answer says, and after how many seconds to try again."""
    request = Request(url, body, collector.headers(), method="POST")  # noqa: S310 - checked by Collector
    try:
        with urlopen(request, timeout=_PATIENCE_S, context=collector.trust) as reply:  # noqa: S310 - the same
            return reply.status, {}, 0.0
    except HTTPError as error:
        try:
            answer = json.loads(error.read())
        except ValueError:
            answer = {}
        after = error.headers.get("Retry-After", "")
        return error.code, answer if isinstance(answer, dict) else {}, float(after) if after.isdigit() else _PAUSE_S
    except (URLError, OSError) as error:
        raise ConfigError(f"{collector.url}: the collector does not answer ({error})") from error
