"""`tocsin tail`: follows the lines that the running collector takes, until Ctrl-C, and over its restarts."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from random import random
from typing import Any
from urllib.parse import urlencode

import aiohttp

from foundation.backoff import Backoff
from foundation.errors import ConfigError
from tocsin.asking import Collector
from tocsin.transcript import ColouredTranscript, JsonTranscript, PlainTranscript, Transcript

_PATH = "/api/v1/tail"
_LONGEST_MESSAGE = 64 << 20
_HEARTBEAT_S = 30.0
_FAREWELL = aiohttp.ClientWSTimeout(ws_close=1.0)
_AWAY = (aiohttp.ClientConnectionError, ConfigError, OSError, TimeoutError)
"""What it looks like when nobody is there."""
_COMES_BACK = frozenset({502, 503, 504})


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 at Ctrl-C, after `--count` lines, or where the collector goes and `--once` is given; 1 when refused."""
    for tag in arguments.tag:
        key, _, value = tag.partition("=")
        if not (key and value):
            raise ConfigError(f"--tag: {tag!r} is no tag; write KEY=VALUE, as in device=d7")
    if arguments.count is not None and arguments.count < 1:
        raise ConfigError("--count is at least 1")
    transcript = JsonTranscript() if arguments.json else ColouredTranscript() if _terminal() else PlainTranscript()
    try:
        return asyncio.run(_Following(arguments, transcript).go())
    except _Unwritable as ended:
        if isinstance(ended.__cause__, BrokenPipeError):
            raise BrokenPipeError from None
        raise ConfigError(f"standard output cannot be written to: {ended.__cause__}") from None


class _Unwritable(Exception):
    """Nobody reads what is written, or it cannot be written: no matter of the collector's."""


class _Following:
    """One follower, over as many connections as it takes."""

    def __init__(self, arguments: argparse.Namespace, transcript: Transcript) -> None:
        self._arguments = arguments
        self._transcript = transcript
        self._left: int | None = arguments.count
        self._path = f"{_PATH}?{urlencode(list(_wishes(arguments)))}"
        self._attempts = 0
        self._met = False

    async def go(self) -> int:
        """Follow until there is nothing more to follow; the exit code."""
        backoff = Backoff(first_s=0.2, most_s=5.0)
        while True:
            try:
                ended = await self._connect()
            except aiohttp.WSServerHandshakeError as error:
                ended = self._turned_away(error)
            except _AWAY as error:
                if not self._met:
                    raise error if isinstance(error, ConfigError) else ConfigError(f"{error}") from error
                ended = None
            if ended is not None:
                return ended
            if self._arguments.once:
                return 0
            if not self._attempts:
                _tell("the collector went away; waiting for it to come back (Ctrl-C ends this)")
            await asyncio.sleep(backoff.delay_s(self._attempts, random()))  # noqa: S311 - jitter
            self._attempts += 1

    async def _connect(self) -> int | None:
        """Follow over one connection; the exit code, or None to come again."""
        collector = Collector(self._arguments)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                collector.url + self._path,
                headers=collector.headers(),
                ssl=collector.trust or True,
                timeout=_FAREWELL,
                heartbeat=_HEARTBEAT_S,
                max_msg_size=_LONGEST_MESSAGE,
            ) as socket,
        ):
            if self._attempts:
                _tell("following again; lines that came meanwhile are not shown")
            self._met, self._attempts = True, 0
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT and self._keep(json.loads(message.data)):
                    return 0
        if socket.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION:
            _tell("the collector lets this token follow no longer")
            return 1
        return None

    def _turned_away(self, error: aiohttp.WSServerHandshakeError) -> int | None:
        if self._met and error.status in _COMES_BACK:
            return None
        said = error.headers.get("X-Influxdb-Error", error.message) if error.headers else error.message
        if error.status == 401:  # noqa: PLR2004 - unauthorized
            said += "; name a token with --token-file (`tocsin token create NAME --scope read > FILE`)"
        _tell(f"{said} (HTTP {error.status})")
        return 1

    def _keep(self, shown: dict[str, Any]) -> bool:
        """Write a message down; whether that was enough. Raises _Unwritable."""
        try:
            self._write(shown)
            sys.stdout.flush()
        except OSError as error:
            raise _Unwritable from error
        return self._left == 0

    def _write(self, shown: dict[str, Any]) -> None:
        bucket, source = shown.get("bucket", ""), shown.get("source", "")
        for line in shown.get("lines", ()):
            self._transcript.line(line, bucket, source)
            if self._enough():
                break
        else:
            for said in shown.get("rejected", ()):
                self._transcript.rejected(said, bucket, source)
                if self._enough():
                    break
            if shown.get("skipped"):
                self._transcript.skipped(shown["skipped"])

    def _enough(self) -> bool:
        if self._left is not None:
            self._left -= 1
        return self._left == 0


def _wishes(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    given = vars(arguments)
    wishes = [(name, given[name]) for name in ("bucket", "source", "measurement", "field") if given[name]]
    wishes += [("tag", tag) for tag in arguments.tag]
    return [*wishes, ("rejected", "true")] if arguments.rejected else wishes


def _terminal() -> bool:
    return sys.stdout.isatty()


def _tell(message: str) -> None:
    print(f"tocsin tail: {message}", file=sys.stderr, flush=True)
