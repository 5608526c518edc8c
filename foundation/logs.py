"""One line an event: words, then key=value; or JSON for machines. Standard library logging underneath."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

_FIELDS = "tocsin_fields"


class Logger:
    """Says what happened, with fields. Values are shown by `str`, so a Secret shows as ***."""

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **fields: object) -> None:
        """Of use to a developer only."""
        self._logger.debug(event, extra={_FIELDS: fields})

    def info(self, event: str, /, **fields: object) -> None:
        """Worth knowing."""
        self._logger.info(event, extra={_FIELDS: fields})

    def warning(self, event: str, /, **fields: object) -> None:
        """Somebody should look at it some time."""
        self._logger.warning(event, extra={_FIELDS: fields})

    def error(self, event: str, /, *, error: BaseException | None = None, **fields: object) -> None:
        """Somebody must look at it. `error` adds the exception and its trace."""
        self._logger.error(event, exc_info=error, extra={_FIELDS: fields})


def logger(name: str) -> Logger:
    """The logger called `name` (a room: `collector.deliver`)."""
    return Logger(name)


def setup(form: Literal["text", "json"] = "text", level: str = "info") -> None:
    """Send every event to standard error in the form asked for. Call once, at the front door."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("aiohttp.access", "apprise", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL if chatty == "apprise" else logging.WARNING)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return getattr(record, _FIELDS, {})


def _stamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={_quoted(value)}" for key, value in _fields(record).items())
        line = f"{_stamp(record)} {record.levelname.lower():7} {record.name}: {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info and record.exc_info[1] else line


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event = {"time": _stamp(record), "level": record.levelname.lower(), "room": record.name}
        event |= {"event": record.getMessage()} | {key: str(value) for key, value in _fields(record).items()}
        if record.exc_info and record.exc_info[1]:
            event["trace"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c in text for c in ' "=\n\r') else text
